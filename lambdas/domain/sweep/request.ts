/** What a sweep is asked for, as zod schemas: part of the record in `model.ts`. */
import { z } from 'zod';
import { changeWindow } from '../waiting/change-window.ts';
import { accountId, addonName, reason, regionName, requestedBy, serviceAccountName } from '../text/names.ts';
import {
  agentMode,
  approvalMode,
  maxDisruption,
  maxDurationMinutes,
  resolveConflicts,
  strategy,
  verificationMode,
} from '../migration/request.ts';
import { schemaNames } from '../text/schemas.ts';
import { conditionKey, trustMode } from '../trust/model.ts';

/** ULID, as a migration's: it sorts by time. */
export const sweepId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)');

export const sweepMode = z.enum(['inventory', 'plan', 'migrate']);
export type SweepMode = z.infer<typeof sweepMode>;

/** Tag of clusters and add-ons; that of an add-on counts before its cluster's. */
export const SWEEP_TAG = 'pod-identity-migration';
/** Its values; any other counts as none. */
export const TAG_IN = 'include';
export const TAG_OUT = 'exclude';

const pattern = z
  .string()
  .regex(
    /^[\w*?-]{1,100}$/,
    'must be a cluster name in which * stands for any text and ? for any one character, such as prod-*',
  );

/** Which add-ons; each field that is there narrows the fleet. */
export const sweepSelection = z
  .strictObject({
    accounts: z
      .array(accountId)
      .min(1)
      .max(1000)
      .optional()
      .describe("AWS accounts. Default: the service's own, and all that its configuration names."),
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
      .describe('Names of clusters, of which one has to match. `*` stands for any text, `?` for any one character.'),
    clusterTags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .optional()
      .describe('Tags that a cluster must have, all of them.'),
    addons: z.array(addonName).min(1).max(100).optional().describe('Names of add-ons. Default: all.'),
    tagging: z
      .enum(['opt-out', 'opt-in'])
      .default('opt-out')
      .describe(
        `What the tag \`${SWEEP_TAG}\` of clusters and add-ons decides. \`opt-out\`: all but those tagged \`${TAG_OUT}\`. \`opt-in\`: only those tagged \`${TAG_IN}\`.`,
      ),
  })
  .register(schemaNames, { name: 'SweepSelection' });
export type SweepSelection = z.infer<typeof sweepSelection>;

const whole = (least: number, most: number) => z.int().min(least).max(most);

/** How many migrations run at once, and when no more are begun. */
export const sweepLimits = z
  .strictObject({
    canary: whole(1, 100)
      .default(1)
      .describe('Number of migrations in the first wave. Each next wave is twice as large, up to `concurrency`.'),
    concurrency: whole(1, 500).default(20).describe('Number of migrations that run at once at most.'),
    // At most one in a cluster, and one with a role, whatever these say.
    perAccount: whole(1, 100).default(5).describe('Number of migrations that run at once in one account at most.'),
    perRegion: whole(1, 100)
      .default(5)
      .describe('Number of migrations that run at once in one region of one account at most.'),
    stopAfterFailures: whole(1, 1000)
      .default(3)
      .describe(
        'Number of failures after which no more migrations begin. `rolled-back`, `needs-human` and an end without an outcome are failures.',
      ),
    stopAtFailurePercent: z
      .number()
      .min(0.1)
      .max(100)
      .default(10)
      .describe('The same as percent of the migrations that have ended, once at least `concurrency` have ended.'),
  })
  .register(schemaNames, { name: 'SweepLimits' });
export type SweepLimits = z.infer<typeof sweepLimits>;

/** What each migration is asked for with; see `migrationRequest`. */
export const sweepOptions = z
  .strictObject({
    strategy: strategy.default('auto').describe('How add-ons are changed, as in a request for a migration.'),
    preserve: z.boolean().default(false).describe('Whether Kubernetes objects stay while an add-on is deleted.'),
    maxDisruption: maxDisruption.optional().describe('The most disruption that is allowed.'),
    maxDurationMinutes: maxDurationMinutes
      .optional()
      .describe('Minutes that the change of one add-on may be forecast to take.'),
    resolveConflicts: resolveConflicts.optional().describe('What EKS does with fields that others changed.'),
    trust: trustMode
      .default('validate')
      .describe('What happens to a trust policy that does not allow EKS Pod Identity.'),
    acceptedKeys: z
      .array(conditionKey)
      .max(20)
      .default([])
      .describe('Condition keys whose values cannot be known beforehand, and that do not block a migration.'),
    acceptIdentityLoss: z
      .array(serviceAccountName)
      .max(50)
      .default([])
      .describe("Service accounts, by name, that may lose their add-on's IRSA role without getting an association."),
    verification: verificationMode.default('injected').describe('How pods are verified.'),
    agent: agentMode.default('require').describe('What happens to a cluster without the Pod Identity agent.'),
    approval: approvalMode.default('none').describe('Whether a principal has to approve each plan first.'),
    changeWindow: changeWindow.optional().describe('When migrations may begin. Nothing begins outside of it.'),
  })
  .register(schemaNames, { name: 'SweepOptions' });
export type SweepOptions = z.infer<typeof sweepOptions>;

/** What somebody asks for. */
export const sweepRequest = z
  .strictObject({
    mode: sweepMode.describe(
      'What the sweep does. `inventory`: it reads and classifies. `plan`: it also plans each add-on that is ready. `migrate`: it migrates them in waves.',
    ),
    selection: sweepSelection.prefault({}).describe('Which add-ons of the fleet it is about.'),
    limits: sweepLimits.prefault({}).describe('How many migrations run at once, and when no more begin.'),
    options: sweepOptions.prefault({}).describe('Options of each migration.'),
    callsPerSecond: z
      .number()
      .min(0.1)
      .max(100)
      .default(5)
      .describe('EKS calls per second that the inventory makes in one region of one account at most.'),
    requestedBy: requestedBy.optional().describe('Who requested it, as the request states it.'),
    reason: reason.optional().describe('Why, for the people who read the sweep later.'),
  })
  .register(schemaNames, { name: 'RequestedSweep' });
export type SweepRequest = z.infer<typeof sweepRequest>;
export type SweepRequestInput = z.input<typeof sweepRequest>;
