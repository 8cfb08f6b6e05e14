import { lambdaHandler } from '../../runtime/lambda.ts';
import { beginStep } from './handler.ts';

export const handler = lambdaHandler(beginStep);
