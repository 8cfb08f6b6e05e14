import { apiSchema } from './api/schema.ts';
import { annotateServiceAccountSchema } from './annotate-service-account/schema.ts';
import { assessRollbackSchema } from './assess-rollback/schema.ts';
import { awaitActiveSchema } from './await-active/schema.ts';
import { awaitDeletedSchema } from './await-deleted/schema.ts';
import { awaitWindowSchema } from './await-window/schema.ts';
import { beginSchema } from './begin/schema.ts';
import { carryOverSchema } from './carry-over/schema.ts';
import { createAddonSchema } from './create-addon/schema.ts';
import { createAssociationSchema } from './create-association/schema.ts';
import { deleteAddonSchema } from './delete-addon/schema.ts';
import { diagnoseDenialSchema } from './diagnose-denial/schema.ts';
import { findStrandedSchema } from './find-stranded/schema.ts';
import { finishSchema } from './finish/schema.ts';
import { installAgentSchema } from './install-agent/schema.ts';
import { pauseSchema } from './pause/schema.ts';
import { planSchema } from './plan/schema.ts';
import { publishEventsSchema } from './publish-events/schema.ts';
import { repairTrustSchema } from './repair-trust/schema.ts';
import { requestApprovalSchema } from './request-approval/schema.ts';
import { restartPodsSchema } from './restart-pods/schema.ts';
import { restoreAddonSchema } from './restore-addon/schema.ts';
import { restoreAssociationsSchema } from './restore-associations/schema.ts';
import { retireTrustSchema } from './retire-trust/schema.ts';
import { startSweepSchema } from './start-sweep/schema.ts';
import { beginSweepSchema } from './begin-sweep/schema.ts';
import { takeInventorySchema } from './take-inventory/schema.ts';
import { dispatchSweepSchema } from './dispatch-sweep/schema.ts';
import { reportSweepSchema } from './report-sweep/schema.ts';
import { takeOverSchema } from './take-over/schema.ts';
import { updateAddonSchema } from './update-addon/schema.ts';
import { verifyPodsSchema } from './verify-pods/schema.ts';

/**
 * The registry of all steps, from which everything else finds them: bundles, functions, handlers, titles. A test compares
 * it with the folders. It is in the order of the workflow: the steps of the state machines `MigrateAddon` and `Recover`,
 * then the step of `Retire`, then those that EventBridge and API Gateway invoke, then those of `Sweep`.
 */
export const stepSchemas = {
  plan: planSchema,
  'request-approval': requestApprovalSchema,
  'await-window': awaitWindowSchema,
  begin: beginSchema,
  'install-agent': installAgentSchema,
  'repair-trust': repairTrustSchema,
  'delete-addon': deleteAddonSchema,
  'await-deleted': awaitDeletedSchema,
  'create-addon': createAddonSchema,
  'update-addon': updateAddonSchema,
  'create-association': createAssociationSchema,
  'await-active': awaitActiveSchema,
  'carry-over': carryOverSchema,
  'verify-pods': verifyPodsSchema,
  'restart-pods': restartPodsSchema,
  'annotate-service-account': annotateServiceAccountSchema,
  'assess-rollback': assessRollbackSchema,
  'restore-addon': restoreAddonSchema,
  'restore-associations': restoreAssociationsSchema,
  pause: pauseSchema,
  'take-over': takeOverSchema,
  'find-stranded': findStrandedSchema,
  finish: finishSchema,
  'retire-trust': retireTrustSchema,
  api: apiSchema,
  'publish-events': publishEventsSchema,
  'diagnose-denial': diagnoseDenialSchema,
  'start-sweep': startSweepSchema,
  'begin-sweep': beginSweepSchema,
  'take-inventory': takeInventorySchema,
  'dispatch-sweep': dispatchSweepSchema,
  'report-sweep': reportSweepSchema,
} as const;

export type StepName = keyof typeof stepSchemas;
/** The names of all steps, in the registry's order. */
export const STEP_NAMES = Object.keys(stepSchemas) as StepName[];

/** Returns the name under which a step's `handler.ts` exports the step: `carryOverStep` for `carry-over`. */
export const exportOf = (name: StepName): string =>
  `${name.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())}Step`;
