import { z } from 'zod';
import { defineStep, stepEnvironment, stepInput, waitingEnvironment } from '../../runtime/step.ts';

/**
 * The state waits under `taskToken` after the step has answered: for Step Functions' SendTaskSuccess, whose output is
 * `approvalGiven`.
 */
export const requestApprovalSchema = defineStep('request-approval', {
  title: 'Request an approval of the plan',
  environment: stepEnvironment.extend(waitingEnvironment.shape),
  cancellable: true,
  input: stepInput.extend({
    /** The hash that `plan` answered. */
    planHash: z.string(),
    /** Secret: who has it decides. It goes into the ledger alone. */
    taskToken: z.string().min(1),
  }),
  output: z.object({ round: z.number().int().positive(), expiresAt: z.string() }),
});
