import { s3Documents } from '../../adapters/s3-documents.ts';
import { lambdaHandler } from '../../runtime/lambda.ts';
import { beginSweepStep } from './handler.ts';

export const handler = lambdaHandler(beginSweepStep, { documentsOf: s3Documents });
