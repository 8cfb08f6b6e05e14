import { z } from 'zod';
import { defineStep, passingEnvironment, stepInput } from '../../runtime/step.ts';

/** What the plan was held to is asked again, since whoever can write into the ledger can write a plan. REPAIRABLE_ROLE_ARNS: empty where no trust policy may be changed. */
const environment = passingEnvironment.extend({ REPAIRABLE_ROLE_ARNS: z.string() });

/** Throws RoleLockHeld while another add-on that shares a role is being migrated, LockHeld where another run has this one, BadInput for a plan that is not this migration's, or not allowed here. */
export const beginSchema = defineStep('begin', {
  environment,
  cancellable: true,
  input: stepInput.extend({
    executionArn: z.string(),
    /** The hash that `plan` answered: out of reach of whoever can write into the ledger. */
    planHash: z.string(),
  }),
  output: z.object({ fence: z.number().int().positive() }),
});
