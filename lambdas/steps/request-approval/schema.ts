import { z } from 'zod';
import { waitingEnvironment } from '../../runtime/step-settings.ts';
import { defineStep, operationInput, stepEnvironment, stepInput } from '../../runtime/step.ts';

/**
 * After the step has returned, the state waits under `taskToken` for Step Functions' SendTaskSuccess, whose output is
 * `approvalGiven`.
 */
export const requestApprovalSchema = defineStep('request-approval', {
  title: 'Request an approval of the plan',
  environment: stepEnvironment.extend(waitingEnvironment.shape),
  variants: {
    'request-approval-retirement': 'Request an approval of the change of the trust policy',
  },
  cancellable: true,
  input: stepInput.extend({
    ...operationInput,
    /** The hash that `plan` returned. */
    planHash: z.string(),
    /** A secret: its holder can decide. It is stored in the ledger only. */
    taskToken: z.string().min(1),
  }),
  output: z.object({ round: z.number().int().positive(), expiresAt: z.string() }),
});
