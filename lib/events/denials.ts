import { Aws, CfnResource } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVERY_ACCOUNT } from '../../lambdas/domain/access/spokes.ts';
import { invokeAsynchronously } from '../asynchronous.ts';
import { everyValue } from '../permissions/every-value.ts';
import { KEPT_FOR, RETRIES } from './delivery.ts';

export interface DenialsProps {
  diagnoseDenial: lambda.IVersion;
  deadLetterQueue: sqs.IQueue;
  /** Other accounts whose events are accepted. */
  accounts: readonly string[];
}

const SOURCE = 'aws.eks';
const DETAIL_TYPE = 'AWS API Call via CloudTrail';

/**
 * CloudTrail's event about an UpdateAddon that EKS denied as a cross-account pass role, in this account or in another
 * account that forwards it.
 */
export const DENIED_UPDATE = {
  source: [SOURCE],
  detailType: [DETAIL_TYPE],
  detail: {
    eventSource: ['eks.amazonaws.com'],
    eventName: ['UpdateAddon'],
    // AWS does not document whether the code is AccessDenied or AccessDeniedException.
    errorCode: [{ prefix: 'AccessDenied' }],
    errorMessage: [{ wildcard: '*Cross-account pass role*' }],
  },
} satisfies events.EventPattern;

/**
 * CloudTrail's events about an UpdateAddon that EKS denied as a cross-account pass role. The function checks account
 * and parameters. A trail with write management events must be there, or EventBridge gets no such event (EventBridge
 * User Guide, "AWS service events delivered via AWS CloudTrail").
 */
export class Denials extends Construct {
  readonly rules: events.Rule[];

  constructor(scope: Construct, id: string, { diagnoseDenial, deadLetterQueue, accounts }: DenialsProps) {
    super(scope, id);
    const denied = new events.Rule(this, 'DeniedUpdate', {
      description: 'EKS refused an UpdateAddon as a cross-account pass role.',
      eventPattern: DENIED_UPDATE,
    });
    invokeAsynchronously(this, 'TriesThrice', diagnoseDenial, {
      maxEventAge: KEPT_FOR,
      retryAttempts: 2,
      noDestination:
        'CloudTrail keeps the event for 90 days, and an alarm reports a dropped event; docs/runbook.md describes how to find it.',
    });
    denied.addTarget(
      new targets.LambdaFunction(diagnoseDenial, { deadLetterQueue, maxEventAge: KEPT_FOR, retryAttempts: RETRIES }),
    );
    this.rules = [denied];
    if (accounts.length > 0) this.allow(accounts);
  }

  /**
   * Allows these accounts to put CloudTrail's events on the default bus. No principal can put events with an AWS
   * service as the source, so only EventBridge can forward them. The condition keys have the values of all events of a
   * call (EventBridge User Guide, "Using IAM policy conditions").
   */
  private allow(accounts: readonly string[]): void {
    const principals = accounts.map((account) =>
      account === EVERY_ACCOUNT ? account : `arn:${Aws.PARTITION}:iam::${account}:root`,
    );
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new CfnResource(this, 'OtherAccounts', {
      type: 'AWS::Events::EventBusPolicy',
      properties: {
        StatementId: 'PodIdentityMigratorDenials',
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: principals },
          Action: 'events:PutEvents',
          Resource: `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:event-bus/default`,
          Condition: everyValue('StringEquals', { 'events:source': SOURCE, 'events:detail-type': DETAIL_TYPE }),
        },
      },
    });
  }
}
