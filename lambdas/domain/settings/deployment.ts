/**
 * The settings of a deployment that grow with its configuration. They ship with the functions in a file of a Lambda
 * layer, since a function's environment has 4 KB (ADR 30). `lib/settings-layer.ts` writes the file; it names no account
 * and no region of the deployment's own, so that the same file is right wherever the service is deployed.
 */
import { z } from 'zod';
import type { ChangeWindow } from '../waiting/change-window.ts';
import { roleGrant } from './role-grants.ts';

/** Where Lambda unpacks the layer. Source: Lambda Developer Guide, "Layer paths for each Lambda runtime". */
export const LAYER_FOLDER = '/opt';
export const SETTINGS_FILE_NAME = 'settings.json';

/**
 * The form alone: whether the schedule opens often enough takes 25 ms of a cold start to say. The synthesis has made
 * sure of it, and nobody can change the file of a layer that is published.
 */
const window = z.strictObject({
  schedule: z.string().min(1),
  durationMinutes: z.int().positive(),
  timeZone: z.string().min(1),
  waitAtMostHours: z.int().positive(),
}) satisfies z.ZodType<ChangeWindow>;

export const deploymentSettings = z.strictObject({
  /** Other accounts whose clusters the service works on; `*`: any (in the sandbox alone). */
  accounts: z.array(z.string().min(1)),
  /** ARN patterns; one that begins with `role/` is of each cluster's own account. */
  passableRoleArns: z.array(z.string().min(1)).min(1),
  /** The same; absent where no trust policy may be changed. */
  repairableRoleArns: z.array(z.string().min(1)).min(1).optional(),
  /** Which roles may be given to which service accounts whatever their trust policies say; absent: none. */
  roleGrants: z.array(roleGrant).min(1).optional(),
  /** Regions that a sweep reads where its request names none; absent: the one that the function runs in. */
  regions: z.array(z.string().min(1)).min(1).optional(),
  /** When any change may begin; absent: at any time. */
  changeWindow: window.optional(),
});
export type DeploymentSettings = z.output<typeof deploymentSettings>;
