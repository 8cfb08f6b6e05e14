import { lambdaHandler } from '../../runtime/lambda.ts';
import { repairTrustStep } from './handler.ts';

export const handler = lambdaHandler(repairTrustStep);
