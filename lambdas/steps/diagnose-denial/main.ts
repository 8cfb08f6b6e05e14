import { lambdaHandler } from '../../runtime/lambda.ts';
import { diagnoseDenialStep } from './handler.ts';

export const handler = lambdaHandler(diagnoseDenialStep);
