import { lambdaHandler } from '../../runtime/lambda.ts';
import { verifyPodsStep } from './handler.ts';

export const handler = lambdaHandler(verifyPodsStep);
