import { lambdaHandler } from '../../runtime/lambda.ts';
import { createAddonStep } from './handler.ts';

export const handler = lambdaHandler(createAddonStep);
