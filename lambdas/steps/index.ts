import type { Step } from '../runtime/step.ts';
import { apiStep } from './api/handler.ts';
import { annotateServiceAccountStep } from './annotate-service-account/handler.ts';
import { assessRollbackStep } from './assess-rollback/handler.ts';
import { awaitActiveStep } from './await-active/handler.ts';
import { awaitDeletedStep } from './await-deleted/handler.ts';
import { awaitWindowStep } from './await-window/handler.ts';
import { beginStep } from './begin/handler.ts';
import { carryOverStep } from './carry-over/handler.ts';
import { createAddonStep } from './create-addon/handler.ts';
import { createAssociationStep } from './create-association/handler.ts';
import { deleteAddonStep } from './delete-addon/handler.ts';
import { diagnoseDenialStep } from './diagnose-denial/handler.ts';
import { findStrandedStep } from './find-stranded/handler.ts';
import { finishStep } from './finish/handler.ts';
import { installAgentStep } from './install-agent/handler.ts';
import { pauseStep } from './pause/handler.ts';
import { planStep } from './plan/handler.ts';
import { publishEventsStep } from './publish-events/handler.ts';
import { repairTrustStep } from './repair-trust/handler.ts';
import { requestApprovalStep } from './request-approval/handler.ts';
import { restartPodsStep } from './restart-pods/handler.ts';
import { restoreAddonStep } from './restore-addon/handler.ts';
import { restoreAssociationsStep } from './restore-associations/handler.ts';
import { retireTrustStep } from './retire-trust/handler.ts';
import { startSweepStep } from './start-sweep/handler.ts';
import { beginSweepStep } from './begin-sweep/handler.ts';
import { takeInventoryStep } from './take-inventory/handler.ts';
import { dispatchSweepStep } from './dispatch-sweep/handler.ts';
import { reportSweepStep } from './report-sweep/handler.ts';
import type { StepName } from './schemas.ts';
import { takeOverStep } from './take-over/handler.ts';
import { updateAddonStep } from './update-addon/handler.ts';
import { verifyPodsStep } from './verify-pods/handler.ts';

/** Every step's handler by its name, which is also its bundle's and its function's. */
export const steps: Record<StepName, Step> = {
  plan: planStep,
  'request-approval': requestApprovalStep,
  'await-window': awaitWindowStep,
  begin: beginStep,
  'install-agent': installAgentStep,
  'repair-trust': repairTrustStep,
  'delete-addon': deleteAddonStep,
  'await-deleted': awaitDeletedStep,
  'create-addon': createAddonStep,
  'update-addon': updateAddonStep,
  'create-association': createAssociationStep,
  'await-active': awaitActiveStep,
  'carry-over': carryOverStep,
  'verify-pods': verifyPodsStep,
  'restart-pods': restartPodsStep,
  'annotate-service-account': annotateServiceAccountStep,
  'assess-rollback': assessRollbackStep,
  'restore-addon': restoreAddonStep,
  'restore-associations': restoreAssociationsStep,
  pause: pauseStep,
  'take-over': takeOverStep,
  'find-stranded': findStrandedStep,
  finish: finishStep,
  'retire-trust': retireTrustStep,
  api: apiStep,
  'publish-events': publishEventsStep,
  'diagnose-denial': diagnoseDenialStep,
  'start-sweep': startSweepStep,
  'begin-sweep': beginSweepStep,
  'take-inventory': takeInventoryStep,
  'dispatch-sweep': dispatchSweepStep,
  'report-sweep': reportSweepStep,
};
