import { lambdaHandler } from '../../runtime/lambda.ts';
import { installAgentStep } from './handler.ts';

export const handler = lambdaHandler(installAgentStep);
