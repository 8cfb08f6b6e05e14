import { z } from 'zod';
import {
  approvalEnvironment,
  defineStep,
  passingEnvironment,
  stepInput,
  windowEnvironment,
} from '../../runtime/step.ts';

/**
 * What the plan was held to is asked again, since whoever can write into the ledger can write a plan.
 * REPAIRABLE_ROLE_ARNS: empty where no trust policy may be changed.
 */
const environment = passingEnvironment
  .extend(windowEnvironment.shape)
  .extend(approvalEnvironment.shape)
  .extend({ REPAIRABLE_ROLE_ARNS: z.string() });

/**
 * Throws RoleLockHeld while another add-on that shares a role is being migrated, LockHeld where another run has this
 * one, WindowClosed where the change may not begin now, BadInput for a plan that is not this migration's, not allowed
 * here, or not approved.
 */
export const beginSchema = defineStep('begin', {
  environment,
  cancellable: true,
  input: stepInput.extend({
    executionArn: z.string(),
    /** The hash that `plan` answered: out of reach of whoever can write into the ledger. */
    planHash: z.string(),
    /**
     * The hash of the plan that somebody approved, as the execution was told; empty where nobody was asked. An
     * execution that began before there were approvals has none.
     */
    approvedHash: z.string().default(''),
  }),
  output: z.object({ fence: z.number().int().positive() }),
});
