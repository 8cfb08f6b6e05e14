import { lambdaHandler } from '../../runtime/lambda.ts';
import { createAssociationStep } from './handler.ts';

export const handler = lambdaHandler(createAssociationStep);
