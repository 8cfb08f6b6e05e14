import { type Duration, Validations } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** How long Lambda keeps an event for a function, how often it retries, and why it needs no destination for failures. */
interface AsynchronousProps {
  maxEventAge: Duration;
  retryAttempts: number;
  noDestination: string;
}

/** Configures the asynchronous invocations of a published version. */
export const invokeAsynchronously = (
  scope: Construct,
  id: string,
  version: lambda.IVersion,
  { noDestination, ...limits }: AsynchronousProps,
): void =>
  Validations.of(
    new lambda.EventInvokeConfig(scope, id, { function: version.lambda, qualifier: version.version, ...limits }),
  ).acknowledge({ id: 'Serverless-LambdaAsyncFailureDestination', reason: noDestination });
