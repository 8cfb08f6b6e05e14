import { s3Documents } from '../../adapters/s3-documents.ts';
import { lambdaHandler } from '../../runtime/lambda.ts';
import { takeInventoryStep } from './handler.ts';

export const handler = lambdaHandler(takeInventoryStep, { documentsOf: s3Documents });
