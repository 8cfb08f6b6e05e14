import { s3Documents } from '../../adapters/s3-documents.ts';
import { lambdaHandler } from '../../runtime/lambda.ts';
import { reportSweepStep } from './handler.ts';

export const handler = lambdaHandler(reportSweepStep, { documentsOf: s3Documents });
