import { lambdaHandler } from '../../runtime/lambda.ts';
import { restartPodsStep } from './handler.ts';

export const handler = lambdaHandler(restartPodsStep);
