import { lambdaHandler } from '../../runtime/lambda.ts';
import { startSweepStep } from './handler.ts';

export const handler = lambdaHandler(startSweepStep);
