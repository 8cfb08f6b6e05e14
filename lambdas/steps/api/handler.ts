/**
 * The HTTP API. Idempotency: reads change nothing; what starts something does so once under its claim
 * (`lambdas/api/idempotency.ts`), an approval is decided once, the first cancel stands. Failure: is answered as a
 * problem (RFC 9457), and never thrown: API Gateway would tell the caller nothing.
 */
import { answerRequest } from '../../api/api.ts';
import { step } from '../../runtime/step.ts';
import { apiSchema } from './schema.ts';

export const apiStep = step(apiSchema, answerRequest);
