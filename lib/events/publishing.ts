import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { invokeAsynchronously } from '../asynchronous.ts';

export interface PublishingProps {
  /** State machines whose migrations have events. */
  machines: sfn.IStateMachine[];
  publishEvents: lambda.IVersion;
  deadLetterQueue: sqs.IQueue;
}

/** Maximum delay of an outbox event if no execution ends meanwhile. */
export const EVERY = Duration.minutes(1);

/** Triggers publish-events: when an execution ends, and on a schedule for all other events. */
export class Publishing extends Construct {
  readonly rules: events.Rule[];

  constructor(scope: Construct, id: string, { machines, publishEvents, deadLetterQueue }: PublishingProps) {
    super(scope, id);
    const ended = new events.Rule(this, 'ExecutionEnded', {
      description: 'Starts publish-events when an execution of MigrateAddon or Recover has ended.',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: machines.map(({ stateMachineArn }) => stateMachineArn),
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
    });
    const schedule = new events.Rule(this, 'PublishEvents', {
      description: 'Starts publish-events, which publishes outbox events of migrations.',
      schedule: events.Schedule.rate(EVERY),
    });
    // The next run publishes what this one could not. A later retry of this run is useless.
    invokeAsynchronously(this, 'TriesOnce', publishEvents, {
      maxEventAge: EVERY,
      retryAttempts: 0,
      noDestination:
        'The outbox events are in the ledger. The next run, a minute later, publishes them, and an alarm fires if no run was measured.',
    });
    const delivery = { deadLetterQueue, maxEventAge: EVERY, retryAttempts: 2 };
    // The name of an execution of MigrateAddon is its migration's id; that of an execution of Recover begins with it.
    ended.addTarget(
      new targets.LambdaFunction(publishEvents, {
        ...delivery,
        event: events.RuleTargetInput.fromObject({ name: events.EventField.fromPath('$.detail.name') }),
      }),
    );
    schedule.addTarget(
      new targets.LambdaFunction(publishEvents, { ...delivery, event: events.RuleTargetInput.fromObject({}) }),
    );
    this.rules = [ended, schedule];
  }
}
