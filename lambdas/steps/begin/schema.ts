import { z } from 'zod';
import {
  approvalEnvironment,
  approverEnvironment,
  defineStep,
  stepInput,
  targetEnvironment,
} from '../../runtime/step.ts';

/** What the plan was held to is asked again, since whoever can write into the ledger can write a plan. */
const environment = targetEnvironment.extend(approvalEnvironment.shape).extend(approverEnvironment.shape);

/**
 * Throws RoleLockHeld while another run changes the trust of a role, or works with one whose trust this plan repairs,
 * SubjectBusy where another run has this one, WindowClosed where the change may not begin now, BadInput for a plan that is
 * not this migration's, not allowed here, or not approved.
 */
export const beginSchema = defineStep('begin', {
  title: 'Take the locks and store the snapshot',
  environment,
  cancellable: true,
  input: stepInput.extend({
    executionArn: z.string(),
    /** The hash that `plan` answered: out of reach of whoever can write into the ledger. */
    planHash: z.string(),
    /**
     * The hash of the plan that somebody approved, as the execution was told; empty where nobody was asked. It has to
     * agree with the approval that the ledger has, and is none by itself: whoever reads the task token in the
     * execution's history can tell the execution anything. An execution that began before there were approvals has none.
     */
    approvedHash: z.string().default(''),
  }),
  output: z.object({ fence: z.number().int().positive() }),
  calls: { eks: 3, iam: 1, kubernetes: 1 },
  patience: 'comes-back',
});
