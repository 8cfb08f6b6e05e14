import { lambdaHandler } from '../../runtime/lambda.ts';
import { restoreAssociationsStep } from './handler.ts';

export const handler = lambdaHandler(restoreAssociationsStep);
