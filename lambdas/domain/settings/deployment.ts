/**
 * The settings of a deployment whose size grows with its configuration. They are deployed in a file of a Lambda layer,
 * since a function's environment is limited to 4 KB (ADR 30). `lib/settings-layer.ts` writes the file. It contains
 * neither
 * the account nor the region of the deployment, so that the same file is valid in every location.
 */
import { z } from 'zod';
import type { ChangeWindow } from '../terms/change-window.ts';
import { roleGrant } from './role-grants.ts';

/** Where Lambda unpacks the layer. Source: Lambda Developer Guide, "Layer paths for each Lambda runtime". */
export const LAYER_FOLDER = '/opt';
export const SETTINGS_FILE_NAME = 'settings.json';

/**
 * Checks only the types: checking how often the schedule opens would take 25 ms of a cold start. The synthesis has
 * checked
 * it, and the file of a published layer cannot be changed.
 */
const window = z.strictObject({
  schedule: z.string().min(1),
  durationMinutes: z.int().positive(),
  timeZone: z.string().min(1),
  waitAtMostHours: z.int().positive(),
}) satisfies z.ZodType<ChangeWindow>;

/** Default of `rollbackClaimDays`. */
export const ROLLBACK_CLAIM_DAYS = 30;

export const deploymentSettings = z.strictObject({
  /** Other accounts whose clusters the service works on; `*`: all accounts (only in the sandbox). */
  accounts: z.array(z.string().min(1)),
  /** ARN patterns; a pattern that begins with `role/` applies to each cluster's own account. */
  passableRoleArns: z.array(z.string().min(1)).min(1),
  /** ARN patterns of the same form; absent if no trust policy may be changed. */
  repairableRoleArns: z.array(z.string().min(1)).min(1).optional(),
  /** Which roles may be given to which service accounts, regardless of their trust policies; absent: none. */
  roleGrants: z.array(roleGrant).min(1).optional(),
  /** How long an association that a migration deleted counts when a rollback is requested; absent: the default. */
  rollbackClaimDays: z.int().nonnegative().optional(),
  /** Regions that a sweep inspects if its request names none; absent: the region of the function. */
  regions: z.array(z.string().min(1)).min(1).optional(),
  /** When any change may begin; absent: at any time. */
  changeWindow: window.optional(),
});
export type DeploymentSettings = z.output<typeof deploymentSettings>;
