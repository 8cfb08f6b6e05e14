/**
 * The alarms. A migration that was blocked or rolled back is a failed execution, but works as intended, so failed
 * executions of MigrateAddon raise no alarm. Nor do a step's errors, because a poll that answers "not yet" is an error
 * too.
 */
import { Duration } from 'aws-cdk-lib';
import { type IMetric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Stage } from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  APPROVALS_PENDING,
  DENIAL_REFUSED,
  LOCKS_HELD,
  OLDEST_APPROVAL,
  OLDEST_LOCK,
  outcomeMetric,
  STRANDED,
  THROTTLED_CALL,
  UNEXPECTED_ERROR,
} from '../../lambdas/domain/events/metrics.ts';
import {
  deadLetters,
  dropped,
  failed,
  lambdaThrottles,
  ledgerThrottles,
  lettersSent,
  machinesOf,
  machineThrottled,
  ofService,
  ruleFailures,
  serverErrors,
  started,
  stopped,
  sumOf,
  sumsOf,
  type Watched,
} from './metrics.ts';

export interface AlarmSpec {
  id: string;
  /** Anchor of its section in docs/runbook.md. */
  section: string;
  means: string;
  metric: IMetric;
  threshold: number;
  /** Whether the alarm fires below the threshold instead of at or above it. */
  below?: boolean;
  /** Number of breaching periods, and of evaluated periods. Default: 1 of 1. */
  periods?: [datapoints: number, of: number];
  /** Default: not breaching, because most metrics are sent only when there is something to count. */
  missing?: TreatMissingData;
}

/**
 * Longer than a migration usually takes. A migration that waits for a large rollout or for the end of an outage may
 * take longer; its record has what it waits for.
 */
export const LOCK_HELD_TOO_LONG = Duration.hours(2);
/** Half of the default time in which a plan must be approved. */
export const APPROVAL_WAITS_TOO_LONG = Duration.hours(12);
/** Number of throttled calls that one migration makes when it waits for an hour because of throttling. */
export const MANY_THROTTLES = 10;

/** A sum counts missing data as 0. The extra periods detect data that arrives late. */
const ONCE: [number, number] = [1, 3];

const denialAlarms = (diagnoseDenial: IFunction): AlarmSpec[] => [
  {
    id: 'DenialsRefused',
    section: 'denials-refused',
    means: 'CloudTrail reported a denied call in an account that the deployment does not serve.',
    metric: ofService(DENIAL_REFUSED),
    threshold: 1,
  },
  {
    id: 'DenialsDropped',
    section: 'denials-dropped',
    means: 'Lambda dropped an event about a denied call after its retries.',
    metric: dropped(diagnoseDenial),
    threshold: 1,
    periods: ONCE,
  },
];

const sweepAlarms = ({ sweep, startSweep }: Watched): AlarmSpec[] => [
  {
    id: 'SweepNotCompleted',
    section: 'sweep-not-completed',
    means: 'An execution of Sweep stopped, failed, was aborted or timed out.',
    metric: sumOf('Sweep failed', [failed(sweep), ...stopped(sweep)]),
    threshold: 1,
    periods: ONCE,
  },
  {
    id: 'SweepsNotStarted',
    section: 'sweeps-not-started',
    means: 'A scheduled sweep was not started.',
    metric: dropped(startSweep),
    threshold: 1,
    periods: ONCE,
  },
];

const apiAlarms = (api: Stage): AlarmSpec[] => [
  {
    id: 'ApiFailed',
    section: 'api-failed',
    means: 'A request to the API was answered with 5XX.',
    metric: serverErrors(api),
    threshold: 1,
  },
];

const migrationAlarms = ({ migrateAddon, retire }: Watched): AlarmSpec[] => [
  {
    id: 'NeedsHuman',
    section: 'needs-human',
    means: 'A migration ended needs-human.',
    metric: ofService(outcomeMetric('needs-human'), Stats.SUM, Duration.minutes(1)),
    threshold: 1,
  },
  {
    id: 'UnexpectedErrors',
    section: 'unexpected-errors',
    means: 'A Lambda threw an unexpected error.',
    metric: ofService(UNEXPECTED_ERROR),
    threshold: 1,
  },
  {
    id: 'ExecutionsStopped',
    section: 'executions-stopped',
    means: 'An execution of MigrateAddon or Retire was aborted or timed out.',
    metric: sumOf('stopped', [migrateAddon, ...(retire ? [retire] : [])].flatMap(stopped)),
    threshold: 1,
    periods: ONCE,
  },
];

const recoveryAlarms = ({ recover }: Watched): AlarmSpec[] => [
  {
    id: 'RecoverRuns',
    section: 'recover-runs',
    means: 'Recover was started.',
    metric: started(recover),
    threshold: 1,
  },
  {
    id: 'RecoverFailed',
    section: 'recover-failed',
    means: 'An execution of Recover failed, was aborted or timed out.',
    metric: sumOf('Recover failed', [failed(recover), ...stopped(recover)]),
    threshold: 1,
    periods: ONCE,
  },
  {
    id: 'LocksHeldTooLong',
    section: 'locks-held-too-long',
    means: `A lock has been held for ${LOCK_HELD_TOO_LONG.toHours()} hours.`,
    metric: ofService(OLDEST_LOCK, Stats.MAXIMUM),
    threshold: LOCK_HELD_TOO_LONG.toSeconds(),
  },
  // Recover takes the locks over within minutes, after which they are no longer stranded.
  {
    id: 'Stranded',
    section: 'stranded',
    means: 'Recover is started repeatedly without taking the migration over.',
    metric: ofService(STRANDED, Stats.MAXIMUM),
    threshold: 1,
    periods: [3, 3],
  },
  {
    id: 'LocksNotWatched',
    section: 'locks-not-watched',
    means: 'find-stranded has not checked the locks.',
    metric: ofService(LOCKS_HELD, Stats.SAMPLE_COUNT),
    threshold: 1,
    below: true,
    periods: [3, 3],
    missing: TreatMissingData.BREACHING,
  },
];

/** Alarms on the events that start the service, and on those that it publishes. */
const eventAlarms = ({ rules, eventRules, deadLetterQueue }: Watched): AlarmSpec[] => [
  {
    id: 'DeadLetters',
    section: 'dead-letters',
    means: 'EventBridge could not deliver an event to Recover, a Lambda or the topic, and stopped retrying.',
    metric: deadLetters(deadLetterQueue),
    threshold: 1,
  },
  // The alarm above stays on until the queue is empty, so a second message would notify no one. Metrics of a queue that
  // was idle for hours arrive up to fifteen minutes late (Amazon SQS Developer Guide, "Monitoring Amazon SQS queues
  // using CloudWatch").
  {
    id: 'DeadLetterSent',
    section: 'dead-letters',
    means: 'EventBridge sent another event to the dead-letter queue.',
    metric: sumOf('letters sent', [lettersSent(deadLetterQueue)]),
    threshold: 1,
    periods: ONCE,
  },
  {
    id: 'TriggersFailed',
    section: 'triggers-failed',
    means: 'A rule that starts Recover or find-stranded failed.',
    metric: sumOf('rules failed', ruleFailures(rules)),
    threshold: 1,
    periods: ONCE,
  },
  {
    id: 'ApprovalsWait',
    section: 'approvals-wait',
    means: `An approval has been pending for ${APPROVAL_WAITS_TOO_LONG.toHours()} hours.`,
    metric: ofService(OLDEST_APPROVAL, Stats.MAXIMUM),
    threshold: APPROVAL_WAITS_TOO_LONG.toSeconds(),
  },
  {
    id: 'EventsNotPublished',
    section: 'events-not-published',
    means: 'publish-events has not checked for outbox events.',
    metric: ofService(APPROVALS_PENDING, Stats.SAMPLE_COUNT),
    threshold: 1,
    below: true,
    periods: [3, 3],
    missing: TreatMissingData.BREACHING,
  },
  {
    id: 'DeliveriesFailed',
    section: 'deliveries-failed',
    means: 'A rule that publishes events, handles denied calls or sends notifications failed.',
    metric: sumOf('deliveries failed', ruleFailures(eventRules)),
    threshold: 1,
    periods: ONCE,
  },
];

/** Returns an alarm for each sum. */
const throttles = (
  id: string,
  section: string,
  { means, metrics }: { means: string; metrics: IMetric[] },
): AlarmSpec[] =>
  metrics.map((metric, index) => ({
    id: `${id}${index + 1}`,
    section,
    means: `${means} (part ${index + 1} of ${metrics.length}).`,
    metric,
    threshold: MANY_THROTTLES,
    periods: ONCE,
  }));

function throttleAlarms(watched: Watched): AlarmSpec[] {
  return [
    {
      id: 'CallsThrottled',
      section: 'calls-throttled',
      means: 'AWS or an API server throttles calls of the service.',
      metric: ofService(THROTTLED_CALL),
      threshold: MANY_THROTTLES,
    },
    ...throttles('LambdasThrottled', 'lambdas-throttled', {
      means: 'Lambda throttles invocations',
      metrics: lambdaThrottles(watched.functions),
    }),
    ...throttles('LedgerThrottled', 'ledger-throttled', {
      means: "DynamoDB throttles reads or writes of the ledger's table",
      metrics: sumsOf('Ledger throttled', ledgerThrottles(watched.table)),
    }),
    {
      id: 'MachinesThrottled',
      section: 'machines-throttled',
      means: 'Step Functions throttles executions.',
      metric: sumOf(
        'machines throttled',
        machinesOf(watched).map(([, machine]) => machineThrottled(machine)),
      ),
      threshold: MANY_THROTTLES,
      periods: ONCE,
    },
  ];
}

export const alarmsOf = (watched: Watched): AlarmSpec[] => [
  ...migrationAlarms(watched),
  ...recoveryAlarms(watched),
  ...eventAlarms(watched),
  ...(watched.api ? apiAlarms(watched.api) : []),
  ...(watched.diagnoseDenial ? denialAlarms(watched.diagnoseDenial) : []),
  ...sweepAlarms(watched),
  ...throttleAlarms(watched),
];
