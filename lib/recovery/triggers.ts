import { Duration, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { invokeAsynchronously } from '../asynchronous.ts';
import { FAILED_OUTCOMES } from '../migration/endings.ts';
import { serviceRole } from '../service-role.ts';

export interface RecoveryTriggersProps {
  migrateAddon: sfn.IStateMachine;
  recover: sfn.IStateMachine;
  findStranded: lambda.IVersion;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

/** Interval of the search for locks without a running execution: the maximum delay if an event was not delivered. */
export const EVERY = Duration.minutes(5);

function createDeadLetterQueue(scope: Construct, key: kms.IKey | undefined): sqs.Queue {
  const deadLetterQueue = new sqs.Queue(scope, 'DeadLetters', {
    ...(key
      ? { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: sqs.QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  const reason = 'It is the dead-letter queue itself.';
  Validations.of(deadLetterQueue).acknowledge(
    { id: 'AwsSolutions-SQS3', reason },
    { id: 'Serverless-SQSRedrivePolicy', reason },
  );
  return deadLetterQueue;
}

type Target = Pick<RecoveryTriggersProps, 'migrateAddon' | 'recover'> & { deadLetterQueue: sqs.Queue };

/** Creates the rule on executions that stopped without recording an end. */
function startWhenStopped(scope: Construct, { migrateAddon, recover, deadLetterQueue }: Target): events.Rule {
  const stopped = new events.Rule(scope, 'ExecutionStopped', {
    description:
      'Starts Recover when an execution of MigrateAddon was aborted, timed out, or failed with an error that is not an outcome.',
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: [migrateAddon.stateMachineArn],
        $or: [
          { status: ['ABORTED', 'TIMED_OUT'] },
          { status: ['FAILED'], error: [{ 'anything-but': FAILED_OUTCOMES }, { exists: false }] },
        ],
      },
    },
  });
  stopped.addTarget(
    new targets.SfnStateMachine(recover, {
      role: serviceRole(
        scope,
        'StartsRecover',
        'events',
        'Starts Recover when an execution of MigrateAddon has stopped.',
      ),
      // The name of an execution is its migration's id.
      input: events.RuleTargetInput.fromObject({
        migrationId: events.EventField.fromPath('$.detail.name'),
        cause: 'stranded',
      }),
      deadLetterQueue,
      // By then the schedule has found the migration about ten times.
      maxEventAge: Duration.hours(1),
      retryAttempts: 20,
    }),
  );
  return stopped;
}

/** Creates the schedule that finds migrations for which no event was delivered. */
function scheduleFindStranded(
  scope: Construct,
  findStranded: lambda.IVersion,
  deadLetterQueue: sqs.Queue,
): events.Rule {
  const schedule = new events.Rule(scope, 'FindStranded', {
    description: 'Starts find-stranded, which finds locks whose execution is no longer running.',
    schedule: events.Schedule.rate(EVERY),
  });
  // A late run is useless, because the next one checks again. So Lambda, which queues the event, does not retry or keep
  // it either. If runs are missed, an alarm fires, because the metric is missing.
  invokeAsynchronously(scope, 'InspectsOnce', findStranded, {
    maxEventAge: EVERY,
    retryAttempts: 0,
    noDestination:
      'Its event only triggers a check. The next event, five minutes later, triggers the same check, and an alarm fires if no check was measured.',
  });
  schedule.addTarget(
    new targets.LambdaFunction(findStranded, { deadLetterQueue, maxEventAge: EVERY, retryAttempts: 2 }),
  );
  return schedule;
}

/**
 * Starts Recover automatically. The event that an execution of MigrateAddon stopped without recording an end starts it
 * immediately. Step Functions delivers these events on a best-effort basis (Step Functions Developer Guide, "Automating
 * event delivery"), so a schedule finds the rest, including executions of Recover that were stopped.
 */
export class RecoveryTriggers extends Construct {
  /** Queue of the events that EventBridge could not deliver. */
  readonly deadLetterQueue: sqs.Queue;
  readonly rules: events.Rule[];

  constructor(scope: Construct, id: string, { migrateAddon, recover, findStranded, key }: RecoveryTriggersProps) {
    super(scope, id);
    this.deadLetterQueue = createDeadLetterQueue(this, key);
    const { deadLetterQueue } = this;
    this.rules = [
      startWhenStopped(this, { migrateAddon, recover, deadLetterQueue }),
      scheduleFindStranded(this, findStranded, deadLetterQueue),
    ];
  }
}
