import { lambdaHandler } from '../../runtime/lambda.ts';
import { deleteAddonStep } from './handler.ts';

export const handler = lambdaHandler(deleteAddonStep);
