import { lambdaHandler } from '../../runtime/lambda.ts';
import { restoreAddonStep } from './handler.ts';

export const handler = lambdaHandler(restoreAddonStep);
