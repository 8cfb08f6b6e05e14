import { lambdaHandler } from '../../runtime/lambda.ts';
import { requestApprovalStep } from './handler.ts';

export const handler = lambdaHandler(requestApprovalStep);
