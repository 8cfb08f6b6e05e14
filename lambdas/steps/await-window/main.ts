import { lambdaHandler } from '../../runtime/lambda.ts';
import { awaitWindowStep } from './handler.ts';

export const handler = lambdaHandler(awaitWindowStep);
