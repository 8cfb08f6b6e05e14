import { Duration } from 'aws-cdk-lib';
import type { Stage } from 'aws-cdk-lib/aws-apigateway';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import {
  APPROVALS_PENDING,
  DENIAL_REFUSED,
  LOCKS_HELD,
  OLDEST_APPROVAL,
  OLDEST_LOCK,
  outcomeMetric,
  PACED_SECONDS,
  REFUSED_CALL,
  STRANDED,
  sweepMetric,
  THROTTLED_CALL,
  UNEXPECTED_ERROR,
  UNPACED,
} from '../../lambdas/domain/events/metrics.ts';
import { OUTCOMES } from '../../lambdas/domain/migration/model.ts';
import { sweepOutcome } from '../../lambdas/domain/sweep/model.ts';
import {
  clientErrors,
  deadLetters,
  dropped,
  failed,
  lambdaThrottles,
  latency,
  ledgerThrottles,
  lettersSent,
  machinesOf,
  machineThrottled,
  ofService,
  PERIOD,
  requests,
  ruleFailures,
  serverErrors,
  started,
  stopped,
  type Watched,
} from './metrics.ts';

/** Half of the width. */
const WIDTH = 12;

/** The label is its name: there is one service. */
const measured = (name: string, statistic?: string): cloudwatch.Metric =>
  ofService(name, statistic).with({ label: name });
/** Step Functions' metrics have one label for all machines. */
const named = (name: string, metric: cloudwatch.Metric): cloudwatch.Metric =>
  metric.with({ label: `${name} ${metric.metricName}` });

const graph = (title: string, left: cloudwatch.IMetric[], right: cloudwatch.IMetric[] = []): cloudwatch.GraphWidget =>
  new cloudwatch.GraphWidget({ title, left, right, width: WIDTH, leftYAxis: { min: 0 }, rightYAxis: { min: 0 } });

type Row = cloudwatch.IWidget[];

const alarmsRow = (alarms: cloudwatch.IAlarm[]): Row => [
  new cloudwatch.AlarmStatusWidget({
    title: 'Alarms (docs/runbook.md has a section for each)',
    alarms,
    width: 2 * WIDTH,
    height: 4,
  }),
];

const outcomesRow = (watched: Watched): Row => [
  graph('How migrations, and sweeps, ended', [
    ...OUTCOMES.map((outcome) => measured(outcomeMetric(outcome))),
    ...sweepOutcome.options.map((outcome) => measured(sweepMetric(outcome))),
  ]),
  graph(
    'Executions started, failed (also blocked and rolled back) and stopped',
    machinesOf(watched).flatMap(([name, machine]) =>
      [started(machine), failed(machine), ...stopped(machine)].map((metric) => named(name, metric)),
    ),
  ),
];

const locksRow = ({ recover }: Watched): Row => [
  graph('Recover', [named('Recover', started(recover)), measured(STRANDED, cloudwatch.Stats.MAXIMUM)]),
  graph(
    'Locks held; age of the oldest in seconds',
    [measured(LOCKS_HELD, cloudwatch.Stats.MAXIMUM)],
    [measured(OLDEST_LOCK, cloudwatch.Stats.MAXIMUM)],
  ),
];

const eventsRow = ({ eventRules, diagnoseDenial }: Watched): Row => [
  graph(
    'Approvals waited for; age of the oldest in seconds',
    [measured(APPROVALS_PENDING, cloudwatch.Stats.MAXIMUM)],
    [measured(OLDEST_APPROVAL, cloudwatch.Stats.MAXIMUM)],
  ),
  graph('Events that were not delivered; denied calls that were refused or given up', [
    ...ruleFailures(eventRules),
    measured(DENIAL_REFUSED),
    ...(diagnoseDenial ? [dropped(diagnoseDenial)] : []),
  ]),
];

const errorsRow = (watched: Watched): Row => [
  graph('Throttling', [
    measured(THROTTLED_CALL),
    measured(REFUSED_CALL),
    measured(PACED_SECONDS),
    measured(UNPACED),
    ...lambdaThrottles(watched.functions),
    ...ledgerThrottles(watched.table),
    ...machinesOf(watched).map(([name, machine]) => named(name, machineThrottled(machine))),
  ]),
  graph('Unexpected errors; what starts Recover', [
    measured(UNEXPECTED_ERROR),
    ...ruleFailures(watched.rules),
    deadLetters(watched.deadLetterQueue),
    lettersSent(watched.deadLetterQueue),
  ]),
];

const apiRow = (api: Stage): Row => [
  graph('Requests to the API, and those answered with 4XX and 5XX', [
    requests(api).with({ label: 'requests' }),
    clientErrors(api).with({ label: '4XX' }),
    serverErrors(api).with({ label: '5XX' }),
  ]),
  graph('How long the API takes, milliseconds', [
    latency(api, 'p50').with({ label: 'median' }),
    latency(api, 'p99').with({ label: '99 of 100' }),
    latency(api, cloudwatch.Stats.MAXIMUM).with({ label: 'maximum' }),
  ]),
];

const stepsRow = ({ functions }: Watched): Row => [
  graph(
    'How long steps take at most, milliseconds',
    functions.map((one) => one.metricDuration({ period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM })),
  ),
  graph(
    'Errors of steps, polls that say "not yet" among them',
    functions.map((one) => one.metricErrors({ period: PERIOD })),
  ),
];

/**
 * One page for all: what is wrong, how migrations end, what runs, who holds locks, what is throttled, how long steps
 * take.
 */
export const createDashboard = (
  scope: Construct,
  watched: Watched,
  alarms: cloudwatch.IAlarm[],
): cloudwatch.Dashboard =>
  new cloudwatch.Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.days(1),
    widgets: [
      alarmsRow(alarms),
      outcomesRow(watched),
      locksRow(watched),
      eventsRow(watched),
      errorsRow(watched),
      ...(watched.api ? [apiRow(watched.api)] : []),
      stepsRow(watched),
    ],
  });
