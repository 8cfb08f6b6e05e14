import { lambdaHandler } from '../../runtime/lambda.ts';
import { awaitActiveStep } from './handler.ts';

export const handler = lambdaHandler(awaitActiveStep);
