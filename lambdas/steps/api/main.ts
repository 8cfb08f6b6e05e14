import { lambdaHandler } from '../../runtime/lambda.ts';
import { apiStep } from './handler.ts';

export const handler = lambdaHandler(apiStep);
