import { lambdaHandler } from '../../runtime/lambda.ts';
import { awaitDeletedStep } from './handler.ts';

export const handler = lambdaHandler(awaitDeletedStep);
