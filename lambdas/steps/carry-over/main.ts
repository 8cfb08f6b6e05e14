import { lambdaHandler } from '../../runtime/lambda.ts';
import { carryOverStep } from './handler.ts';

export const handler = lambdaHandler(carryOverStep);
