/**
 * Answers requests to the HTTP API. Idempotency: reads change nothing; an operation that starts something does so once
 * under its claim (`lambdas/api/idempotency.ts`), an approval is decided once, and the first cancel counts. Failure: is
 * returned as a problem (RFC 9457) and never thrown, since API Gateway would hide the reason from the caller.
 */
import { answerRequest } from '../../api/api.ts';
import { step } from '../../runtime/step.ts';
import { apiSchema } from './schema.ts';

export const apiStep = step(apiSchema, answerRequest);
