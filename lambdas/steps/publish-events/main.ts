import { lambdaHandler } from '../../runtime/lambda.ts';
import { publishEventsStep } from './handler.ts';

export const handler = lambdaHandler(publishEventsStep);
