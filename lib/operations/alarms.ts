/**
 * What a person is called for. A migration that was blocked or rolled back is a failed execution and still as it should
 * be, so failed executions of MigrateAddon are no alarm; a step's errors are none either, since a poll that says "not
 * yet" is one.
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
  /** It is too little, not too much, that is wrong. */
  below?: boolean;
  /** How many of how many periods. Default: 1 of 1. */
  periods?: [datapoints: number, of: number];
  /** Default: all is well, since most is sent only when there is something. */
  missing?: TreatMissingData;
}

/**
 * Longer than a migration takes as a rule. One that waits for a large roll-out, or for an outage to end, may take longer:
 * its record says what it waits for.
 */
export const LOCK_HELD_TOO_LONG = Duration.hours(2);
/** Half of the time that approvals are usually waited for. */
export const APPROVAL_WAITS_TOO_LONG = Duration.hours(12);
/** As many as one migration makes that waits for an hour because its calls are throttled. */
export const MANY_THROTTLES = 10;

/** A sum fills what is not there yet with 0: what is sent a moment late is still seen in the periods after. */
const ONCE: [number, number] = [1, 3];

const denialAlarms = (diagnoseDenial: IFunction): AlarmSpec[] => [
  {
    id: 'DenialsRefused',
    section: 'denials-refused',
    means: 'CloudTrail told of a denied call in an account whose events are not taken.',
    metric: ofService(DENIAL_REFUSED),
    threshold: 1,
  },
  {
    id: 'DenialsDropped',
    section: 'denials-dropped',
    means: 'An event of a denied call was given up.',
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
    means: 'A sweep that was due was not started.',
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
    means: 'A migration ended as needs-human.',
    metric: ofService(outcomeMetric('needs-human'), Stats.SUM, Duration.minutes(1)),
    threshold: 1,
  },
  {
    id: 'UnexpectedErrors',
    section: 'unexpected-errors',
    means: 'A Lambda threw an error that no step means.',
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
  // Recover takes the locks over within minutes, and they are stranded no longer.
  {
    id: 'Stranded',
    section: 'stranded',
    means: 'Recover is started again and again, and takes nothing over.',
    metric: ofService(STRANDED, Stats.MAXIMUM),
    threshold: 1,
    periods: [3, 3],
  },
  {
    id: 'LocksNotWatched',
    section: 'locks-not-watched',
    means: 'find-stranded has not looked at the locks.',
    metric: ofService(LOCKS_HELD, Stats.SAMPLE_COUNT),
    threshold: 1,
    below: true,
    periods: [3, 3],
    missing: TreatMissingData.BREACHING,
  },
];

/** What wakes the service, and what it tells others. */
const eventAlarms = ({ rules, eventRules, deadLetterQueue }: Watched): AlarmSpec[] => [
  {
    id: 'DeadLetters',
    section: 'dead-letters',
    means: 'EventBridge could not deliver to Recover, to a Lambda or to the topic, and gave up.',
    metric: deadLetters(deadLetterQueue),
    threshold: 1,
  },
  // The alarm above stays on until the queue is empty, so that a second letter would call nobody. Metrics of a queue
  // that was idle for hours come up to fifteen minutes late (Amazon SQS Developer Guide, "Monitoring Amazon SQS queues
  // using CloudWatch").
  {
    id: 'DeadLetterSent',
    section: 'dead-letters',
    means: 'EventBridge has sent another event to the dead-letter queue.',
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
    means: `An approval has been waited for for ${APPROVAL_WAITS_TOO_LONG.toHours()} hours.`,
    metric: ofService(OLDEST_APPROVAL, Stats.MAXIMUM),
    threshold: APPROVAL_WAITS_TOO_LONG.toSeconds(),
  },
  {
    id: 'EventsNotPublished',
    section: 'events-not-published',
    means: 'publish-events has not looked at what is to be told.',
    metric: ofService(APPROVALS_PENDING, Stats.SAMPLE_COUNT),
    threshold: 1,
    below: true,
    periods: [3, 3],
    missing: TreatMissingData.BREACHING,
  },
  {
    id: 'DeliveriesFailed',
    section: 'deliveries-failed',
    means: 'A rule that publishes events, takes denied calls, or tells people failed.',
    metric: sumOf('deliveries failed', ruleFailures(eventRules)),
    threshold: 1,
    periods: ONCE,
  },
];

/** One for each sum. */
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
      means: 'AWS or an API server refuses calls because there are too many.',
      metric: ofService(THROTTLED_CALL),
      threshold: MANY_THROTTLES,
    },
    ...throttles('LambdasThrottled', 'lambdas-throttled', {
      means: 'Lambda has no room for invocations',
      metrics: lambdaThrottles(watched.functions),
    }),
    ...throttles('LedgerThrottled', 'ledger-throttled', {
      means: "DynamoDB refuses reads or writes of the ledger's table",
      metrics: sumsOf('Ledger throttled', ledgerThrottles(watched.table)),
    }),
    {
      id: 'MachinesThrottled',
      section: 'machines-throttled',
      means: 'Step Functions slows executions down.',
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
