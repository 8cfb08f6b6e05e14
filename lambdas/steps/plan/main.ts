import { lambdaHandler } from '../../runtime/lambda.ts';
import { planStep } from './handler.ts';

export const handler = lambdaHandler(planStep);
