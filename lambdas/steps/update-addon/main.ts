import { lambdaHandler } from '../../runtime/lambda.ts';
import { updateAddonStep } from './handler.ts';

export const handler = lambdaHandler(updateAddonStep);
