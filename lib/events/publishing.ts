import { Duration, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface PublishingProps {
  /** Those whose migrations are told of. */
  machines: sfn.IStateMachine[];
  publishEvents: lambda.IVersion;
  deadLetterQueue: sqs.IQueue;
}

/** How long what is to be told waits at most, where no execution ends meanwhile. */
export const EVERY = Duration.minutes(1);

/** What has the service's own events put on the bus: the end of an execution, and a schedule for all else. */
export class Publishing extends Construct {
  readonly rules: events.Rule[];

  constructor(scope: Construct, id: string, { machines, publishEvents, deadLetterQueue }: PublishingProps) {
    super(scope, id);
    const ended = new events.Rule(this, 'ExecutionEnded', {
      description: 'An execution of MigrateAddon or Recover has ended: what is to be told of its migration is told.',
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
      description: 'Looks for what is to be told of migrations.',
      schedule: events.Schedule.rate(EVERY),
    });
    // The next tick does what this one could not. An event that waits for longer than that is of no use.
    const once = new lambda.EventInvokeConfig(this, 'TriesOnce', {
      function: publishEvents.lambda,
      qualifier: publishEvents.version,
      maxEventAge: EVERY,
      retryAttempts: 0,
    });
    Validations.of(once).acknowledge({
      id: 'Serverless-LambdaAsyncFailureDestination',
      reason:
        'What is to be told is in the ledger: the next tick, a minute later, tells it, and an alarm tells where no look was measured.',
    });
    const delivery = { deadLetterQueue, maxEventAge: EVERY, retryAttempts: 2 };
    // An execution of MigrateAddon is called by its migration's id, and one of Recover begins with it.
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
