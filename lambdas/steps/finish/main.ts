import { lambdaHandler } from '../../runtime/lambda.ts';
import { finishStep } from './handler.ts';

export const handler = lambdaHandler(finishStep);
