/** The request for a sweep, as zod schemas: part of the record in `model.ts`. */
import { z } from 'zod';
import { changeWindow } from '../terms/change-window.ts';
import { accountId, addonName, reason, regionName, requestedBy } from '../text/names.ts';
import {
  agentMode,
  approvalMode,
  maxDisruption,
  maxDurationMinutes,
  resolveConflicts,
  strategy,
  verificationMode,
} from '../request/request.ts';
import { acceptOf } from '../acceptance/accept.ts';
import { schemaNames } from '../text/schemas.ts';
import { ownerTool } from '../owners/model.ts';
import { trustMode } from '../terms/trust.ts';

/** ULID, as a migration's: it sorts by time. */
export const sweepId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)');

export const sweepMode = z.enum(['inventory', 'plan', 'migrate']);
export type SweepMode = z.infer<typeof sweepMode>;

/** Tag of clusters and add-ons. The tag of an add-on takes precedence over the tag of its cluster. */
export const SWEEP_TAG = 'pod-identity-migration';
/** The values of the tag. Any other value is ignored. */
export const TAG_IN = 'include';
export const TAG_OUT = 'exclude';

const pattern = z
  .string()
  .regex(
    /^[\w*?-]{1,100}$/,
    'must be a cluster name in which * stands for any text and ? for any one character, such as prod-*',
  );

/** Selects add-ons of the fleet. Each field that is present narrows the selection. */
export const sweepSelection = z
  .strictObject({
    accounts: z
      .array(accountId)
      .min(1)
      .max(1000)
      .optional()
      .describe("AWS accounts. Default: the service's own account, and all accounts of its configuration."),
    regions: z
      .array(regionName)
      .min(1)
      .max(50)
      .optional()
      .describe("AWS regions. Default: those of the deployment's configuration."),
    clusters: z
      .array(pattern)
      .min(1)
      .max(100)
      .optional()
      .describe(
        'Patterns of cluster names, of which one must match. `*` stands for any text, `?` for any one character.',
      ),
    clusterTags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .optional()
      .describe('Tags that a cluster must have, all of them.'),
    addons: z.array(addonName).min(1).max(100).optional().describe('Names of add-ons. Default: all.'),
    tagging: z
      .enum(['opt-out', 'opt-in'])
      .default('opt-out')
      .describe(
        `What the tag \`${SWEEP_TAG}\` of clusters and add-ons decides. \`opt-out\`: all except those tagged \`${TAG_OUT}\`. \`opt-in\`: only those tagged \`${TAG_IN}\`.`,
      ),
  })
  .register(schemaNames, { name: 'SweepSelection' });
export type SweepSelection = z.infer<typeof sweepSelection>;

const whole = (least: number, most: number) => z.int().min(least).max(most);

/** How many migrations run at the same time, and when no more are started. */
export const sweepLimits = z
  .strictObject({
    canary: whole(1, 100)
      .default(1)
      .describe('Number of migrations in the first wave. Each next wave is twice as large, up to `concurrency`.'),
    concurrency: whole(1, 500).default(20).describe('Maximum number of migrations that run at the same time.'),
    // Regardless of these limits, at most one migration runs in a cluster, and at most one with a role.
    perAccount: whole(1, 100)
      .default(5)
      .describe('Maximum number of migrations that run at the same time in one account.'),
    perRegion: whole(1, 100)
      .default(5)
      .describe('Maximum number of migrations that run at the same time in one region of one account.'),
    stopAfterFailures: whole(1, 1000)
      .default(3)
      .describe(
        'Number of failures after which no more migrations start. `rolled-back`, `needs-human` and an end without an outcome are failures.',
      ),
    stopAtFailurePercent: z
      .number()
      .min(0.1)
      .max(100)
      .default(10)
      .describe(
        'The same limit as a percentage of the migrations that have ended, once at least `concurrency` have ended.',
      ),
  })
  .register(schemaNames, { name: 'SweepLimits' });
export type SweepLimits = z.infer<typeof sweepLimits>;

/** The options of each migration; see `migrationRequest`. */
const sweepOptions = z
  .strictObject({
    strategy: strategy.default('auto').describe('How add-ons are changed, as in a request for a migration.'),
    preserve: z.boolean().default(false).describe('Whether Kubernetes objects are kept while an add-on is deleted.'),
    maxDisruption: maxDisruption.optional().describe('The maximum disruption that is allowed.'),
    maxDurationMinutes: maxDurationMinutes
      .optional()
      .describe('The longest allowed forecast for the change of one add-on, in minutes.'),
    resolveConflicts: resolveConflicts
      .optional()
      .describe('What EKS does with fields that another field manager changed.'),
    trust: trustMode
      .default('validate')
      .describe('What happens to a trust policy that does not allow EKS Pod Identity.'),
    accept: acceptOf('sweep')
      .default([])
      .describe('What must not block a migration, as `KIND:NAME`, as in a request for a migration.'),
    iac: ownerTool
      .optional()
      .describe(
        "The tool whose code defines the fleet's add-ons, for what shows no owner, as in a request for a migration.",
      ),
    verification: verificationMode.default('ready').describe('How pods are verified.'),
    agent: agentMode.default('require').describe('What happens to a cluster without the Pod Identity agent.'),
    approval: approvalMode.default('none').describe('Whether each plan must be approved first.'),
    changeWindow: changeWindow.optional().describe('When migrations may begin. None begins outside the window.'),
  })
  .register(schemaNames, { name: 'SweepOptions' });
export type SweepOptions = z.infer<typeof sweepOptions>;

/** The request for a sweep. */
export const sweepRequest = z
  .strictObject({
    mode: sweepMode.describe(
      'What the sweep does. `inventory`: it inspects and classifies. `plan`: it also plans each add-on that is ready. `migrate`: it migrates them in waves.',
    ),
    selection: sweepSelection.prefault({}).describe('Which add-ons of the fleet to include.'),
    limits: sweepLimits
      .prefault({})
      .describe('How many migrations run at the same time, and when no more are started.'),
    options: sweepOptions.prefault({}).describe('Options of each migration.'),
    callsPerSecond: z
      .number()
      .min(0.1)
      .max(100)
      .default(5)
      .describe('Maximum number of EKS calls per second that the inventory makes in one region of one account.'),
    requestedBy: requestedBy.optional().describe('Who requested it, as stated in the request.'),
    reason: reason.optional().describe('Why, for the people who read the sweep later.'),
  })
  .register(schemaNames, { name: 'RequestedSweep' });
export type SweepRequest = z.infer<typeof sweepRequest>;
export type SweepRequestInput = z.input<typeof sweepRequest>;
