import { lambdaHandler } from '../../runtime/lambda.ts';
import { purgeAssociationsStep } from './handler.ts';

export const handler = lambdaHandler(purgeAssociationsStep);
