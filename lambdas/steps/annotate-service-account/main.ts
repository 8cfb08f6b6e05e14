import { lambdaHandler } from '../../runtime/lambda.ts';
import { annotateServiceAccountStep } from './handler.ts';

export const handler = lambdaHandler(annotateServiceAccountStep);
