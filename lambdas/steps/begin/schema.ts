import { z } from 'zod';
import { approvalEnvironment, approverEnvironment } from '../../runtime/step-settings.ts';
import { defineStep, stepInput, targetEnvironment } from '../../runtime/step.ts';

/** The rules for plans are checked again here, since a principal that can write to the ledger can write a plan. */
const environment = targetEnvironment.extend(approvalEnvironment.shape).extend(approverEnvironment.shape);

/**
 * Throws RoleLockHeld while another migration changes the trust policy of a role, or uses a role whose trust this plan
 * repairs; SubjectBusy if another migration works on the subject; WindowClosed if the change may not begin now; and
 * BadInput for a plan that is not this migration's own, not allowed here, or not approved.
 */
export const beginSchema = defineStep('begin', {
  title: 'Take the locks and store the snapshot',
  environment,
  cancellable: true,
  input: stepInput.extend({
    executionArn: z.string(),
    /** The hash that `plan` returned: a principal that can write to the ledger can't change it. */
    planHash: z.string(),
    /**
     * The hash of the approved plan, as the execution received it; empty if no approval was needed. It must match the
     * approval in the ledger and is no approval by itself: anyone who reads the task token in the execution's history
     * can send any hash. An execution that began before approvals existed has none.
     */
    approvedHash: z.string().default(''),
  }),
  output: z.object({ fence: z.number().int().positive() }),
  calls: { eks: 4, iam: 2, kubernetes: 1 },
  patience: 'comes-back',
});
