import { lambdaHandler } from '../../runtime/lambda.ts';
import { findStrandedStep } from './handler.ts';

export const handler = lambdaHandler(findStrandedStep);
