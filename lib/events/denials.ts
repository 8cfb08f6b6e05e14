import { Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { KEPT_FOR, RETRIES } from './delivery.ts';

export interface DenialsProps {
  diagnoseDenial: lambda.IVersion;
  deadLetterQueue: sqs.IQueue;
}

/**
 * CloudTrail's events of an UpdateAddon that EKS refused as a cross-account pass role. The function looks at account and
 * parameters. A trail with write management events must be there, or EventBridge gets no such event (EventBridge User
 * Guide, "AWS service events delivered via AWS CloudTrail").
 */
export class Denials extends Construct {
  readonly rules: events.Rule[];

  constructor(scope: Construct, id: string, { diagnoseDenial, deadLetterQueue }: DenialsProps) {
    super(scope, id);
    const denied = new events.Rule(this, 'DeniedUpdate', {
      description: 'EKS refused an UpdateAddon as a cross-account pass role.',
      eventPattern: {
        source: ['aws.eks'],
        detailType: ['AWS API Call via CloudTrail'],
        detail: {
          eventSource: ['eks.amazonaws.com'],
          eventName: ['UpdateAddon'],
          // Whether it is AccessDenied or AccessDeniedException, AWS does not say.
          errorCode: [{ prefix: 'AccessDenied' }],
          errorMessage: [{ wildcard: '*Cross-account pass role*' }],
        },
      },
    });
    const thrice = new lambda.EventInvokeConfig(this, 'TriesThrice', { function: diagnoseDenial.lambda, qualifier: diagnoseDenial.version, maxEventAge: KEPT_FOR, retryAttempts: 2 });
    Validations.of(thrice).acknowledge({ id: 'Serverless-LambdaAsyncFailureDestination', reason: 'CloudTrail keeps the event for 90 days, and an alarm tells where one was dropped; docs/runbook.md says how it is found there.' });
    denied.addTarget(new targets.LambdaFunction(diagnoseDenial, { deadLetterQueue, maxEventAge: KEPT_FOR, retryAttempts: RETRIES }));
    this.rules = [denied];
  }
}
