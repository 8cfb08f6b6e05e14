import { Aws, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../lambdas/domain/events/service-event.ts';
import type { Config } from '../config.ts';
import { notificationConditions } from '../key/statements.ts';
import { KEPT_FOR, RETRIES } from './delivery.ts';
import { EventText } from './message.ts';

export interface NotificationsProps {
  notifications: Config['notifications'];
  deadLetterQueue: sqs.IQueue;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

/**
 * Sends notifications by SNS about the events that the deployment names, and about all migrations that CloudTrail's
 * events started. A notification has only the event's text; no action can be triggered from it.
 */
export class Notifications extends Construct {
  readonly rules: events.Rule[] = [];
  readonly topic: sns.ITopic | undefined;

  constructor(scope: Construct, id: string, { notifications, deadLetterQueue, key }: NotificationsProps) {
    super(scope, id);
    const { topicArn, emails, events: types } = notifications;
    this.topic =
      topicArn === undefined ? emails && this.ownTopic(emails, key) : sns.Topic.fromTopicArn(this, 'Topic', topicArn);
    if (!this.topic) return;
    const notify = new events.Rule(this, 'Notify', {
      description: "Sends the service's events to its notification topic.",
      eventPattern: {
        source: [EVENT_SOURCE],
        account: [Aws.ACCOUNT_ID],
        detail: { $or: [{ type: types }, { trigger: { kind: [{ exists: true }] } }] },
      },
    });
    // The topic's policy allows EventBridge without a condition on the rule or its account, because a statement with a
    // condition would not match. Source: EventBridge User Guide, "Using resource-based policies", Amazon SNS
    // permissions (Condition blocks can't be used in topic policies for EventBridge). A role for the target is no
    // alternative: the same page warns that an encrypted topic may then be unreachable.
    notify.addTarget(
      new targets.SnsTopic(this.topic, {
        message: EventText.input(),
        deadLetterQueue,
        maxEventAge: KEPT_FOR,
        retryAttempts: RETRIES,
      }),
    );
    this.rules.push(notify);
  }

  private ownTopic(emails: string[], key: kms.IKey | undefined): sns.Topic {
    const topic = new sns.Topic(this, 'Topic', { displayName: 'Pod Identity migrator', enforceSSL: true });
    // CDK's property would also allow publishers to use the key without a condition; the key's own policy has one.
    if (topic.node.defaultChild instanceof sns.CfnTopic)
      topic.node.defaultChild.kmsMasterKeyId = (key ?? this.ownKey()).keyArn;
    for (const email of emails) {
      const subscription = topic.addSubscription(new EmailSubscription(email));
      Validations.of(subscription).acknowledge({
        id: 'Serverless-SNSRedrivePolicy',
        reason:
          'SNS retries e-mail delivery for hours. The content of the notification stays in the ledger, and other rules receive the event from the bus.',
      });
    }
    return topic;
  }

  /**
   * EventBridge may not use the AWS managed key for SNS, whose policy cannot be changed. The key encrypts nothing that
   * outlives a delivery, so it is deleted with the stack.
   */
  private ownKey(): kms.Key {
    const key = new kms.Key(this, 'Key', {
      description: 'Encrypts the notifications of the Pod Identity migrator.',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'Notifications',
        principals: [new iam.ServicePrincipal('events.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: notificationConditions(this),
      }),
    );
    return key;
  }
}
