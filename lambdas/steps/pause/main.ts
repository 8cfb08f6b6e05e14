import { lambdaHandler } from '../../runtime/lambda.ts';
import { pauseStep } from './handler.ts';

export const handler = lambdaHandler(pauseStep);
