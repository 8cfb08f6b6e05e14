import { z } from 'zod';
import { proxyEvent, proxyResult } from '../../api/proxy.ts';
import { approvalEnvironment, soakEnvironment, waitingEnvironment } from '../../runtime/step-settings.ts';
import { defineStep, retiringEnvironment, startingEnvironment } from '../../runtime/step.ts';

/**
 * API Gateway cuts off a response after 29 seconds (Amazon API Gateway quotas, REST APIs): the function must end before
 * that.
 */
const TIMEOUT_SECONDS = 25;

/** The HTTP API (`lambdas/api`), called by API Gateway. */
export const apiSchema = defineStep('api', {
  title: 'Answer an API request',
  environment: startingEnvironment
    .extend(approvalEnvironment.shape)
    .extend(waitingEnvironment.shape)
    .extend(retiringEnvironment.shape)
    .extend(soakEnvironment.shape)
    .extend({ SWEEP_STATE_MACHINE_ARN: z.string().min(1) }),
  input: proxyEvent,
  output: proxyResult,
  answersProblems: true,
  timeoutSeconds: TIMEOUT_SECONDS,
});
