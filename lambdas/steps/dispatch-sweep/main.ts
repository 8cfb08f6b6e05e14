import { lambdaHandler } from '../../runtime/lambda.ts';
import { dispatchSweepStep } from './handler.ts';

export const handler = lambdaHandler(dispatchSweepStep);
