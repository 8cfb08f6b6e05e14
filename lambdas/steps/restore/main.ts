import { lambdaHandler } from '../../runtime/lambda.ts';
import { restoreStep } from './handler.ts';

export const handler = lambdaHandler(restoreStep);
