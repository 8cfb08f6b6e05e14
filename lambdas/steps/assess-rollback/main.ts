import { lambdaHandler } from '../../runtime/lambda.ts';
import { assessRollbackStep } from './handler.ts';

export const handler = lambdaHandler(assessRollbackStep);
