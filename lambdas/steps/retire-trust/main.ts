import { lambdaHandler } from '../../runtime/lambda.ts';
import { retireTrustStep } from './handler.ts';

export const handler = lambdaHandler(retireTrustStep);
