import { Duration, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { FAILED_OUTCOMES } from '../migration/endings.ts';
import { serviceRole } from '../service-role.ts';

export interface RecoveryTriggersProps {
  migrateAddon: sfn.IStateMachine;
  recover: sfn.IStateMachine;
  findStranded: lambda.IVersion;
  /** The customer's, where there is one. */
  key?: kms.IKey | undefined;
}

/** How often locks without a living execution are looked for: what an event did not tell of waits this long at most. */
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

/** The rule on executions that stopped without an end of their own. */
function startWhenStopped(scope: Construct, { migrateAddon, recover, deadLetterQueue }: Target): events.Rule {
  const stopped = new events.Rule(scope, 'ExecutionStopped', {
    description: 'An execution of MigrateAddon was aborted, timed out, or failed with an error that is no outcome.',
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
      // An execution has its migration's id as its name.
      input: events.RuleTargetInput.fromObject({
        migrationId: events.EventField.fromPath('$.detail.name'),
        cause: 'stranded',
      }),
      deadLetterQueue,
      // By then the schedule has found it some ten times.
      maxEventAge: Duration.hours(1),
      retryAttempts: 20,
    }),
  );
  return stopped;
}

/** The schedule that looks for what no event told of. */
function scheduleFindStranded(
  scope: Construct,
  findStranded: lambda.IVersion,
  deadLetterQueue: sqs.Queue,
): events.Rule {
  const schedule = new events.Rule(scope, 'FindStranded', {
    description: 'Looks for locks whose execution is no longer running.',
    schedule: events.Schedule.rate(EVERY),
  });
  // The next tick looks again: one that is late is of no use. So Lambda, which takes the event into a queue of its
  // own, does not try again either, and has nothing to keep: what is missed is told by an alarm, since no look is
  // measured.
  const once = new lambda.EventInvokeConfig(scope, 'InspectsOnce', {
    function: findStranded.lambda,
    qualifier: findStranded.version,
    maxEventAge: EVERY,
    retryAttempts: 0,
  });
  Validations.of(once).acknowledge({
    id: 'Serverless-LambdaAsyncFailureDestination',
    reason:
      'Its event says nothing but that it is time to look: the next one, five minutes later, says the same, and an alarm tells where no look was measured.',
  });
  schedule.addTarget(
    new targets.LambdaFunction(findStranded, { deadLetterQueue, maxEventAge: EVERY, retryAttempts: 2 }),
  );
  return schedule;
}

/**
 * What starts Recover by itself. At once: the event that an execution of MigrateAddon stopped without an end of its
 * own. Step Functions sends these as well as it can (Step Functions Developer Guide, "Automating event delivery"), so a
 * schedule looks for what no event told of; that is also what ends a Recover that was stopped.
 */
export class RecoveryTriggers extends Construct {
  /** Of what EventBridge could not deliver. */
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
