import { lambdaHandler } from '../../runtime/lambda.ts';
import { takeOverStep } from './handler.ts';

export const handler = lambdaHandler(takeOverStep);
