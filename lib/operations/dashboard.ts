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
import { OUTCOMES } from '../../lambdas/domain/terms/outcome.ts';
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

/** Half of the width of the dashboard. */
const WIDTH = 12;

/** Uses the metric's name as its label, because there is only one service. */
const measured = (name: string, statistic?: string): cloudwatch.Metric =>
  ofService(name, statistic).with({ label: name });
/** Sets a label, because Step Functions' metrics have the same label for all state machines. */
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
  graph('Outcomes of migrations and sweeps', [
    ...OUTCOMES.map((outcome) => measured(outcomeMetric(outcome))),
    ...sweepOutcome.options.map((outcome) => measured(sweepMetric(outcome))),
  ]),
  graph(
    'Executions: started, failed (including blocked and rolled back), stopped',
    machinesOf(watched).flatMap(([name, machine]) =>
      [started(machine), failed(machine), ...stopped(machine)].map((metric) => named(name, metric)),
    ),
  ),
];

const locksRow = ({ recover }: Watched): Row => [
  graph('Recover', [named('Recover', started(recover)), measured(STRANDED, cloudwatch.Stats.MAXIMUM)]),
  graph(
    'Locks held, and age of the oldest (seconds)',
    [measured(LOCKS_HELD, cloudwatch.Stats.MAXIMUM)],
    [measured(OLDEST_LOCK, cloudwatch.Stats.MAXIMUM)],
  ),
];

const eventsRow = ({ eventRules, diagnoseDenial }: Watched): Row => [
  graph(
    'Pending approvals, and age of the oldest (seconds)',
    [measured(APPROVALS_PENDING, cloudwatch.Stats.MAXIMUM)],
    [measured(OLDEST_APPROVAL, cloudwatch.Stats.MAXIMUM)],
  ),
  graph('Undelivered events; events about denied calls that were refused or dropped', [
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
  graph('Unexpected errors; triggers of Recover', [
    measured(UNEXPECTED_ERROR),
    ...ruleFailures(watched.rules),
    deadLetters(watched.deadLetterQueue),
    lettersSent(watched.deadLetterQueue),
  ]),
];

const apiRow = (api: Stage): Row => [
  graph('API requests, and those answered with 4XX and 5XX', [
    requests(api).with({ label: 'requests' }),
    clientErrors(api).with({ label: '4XX' }),
    serverErrors(api).with({ label: '5XX' }),
  ]),
  graph('API latency (milliseconds)', [
    latency(api, 'p50').with({ label: 'median' }),
    latency(api, 'p99').with({ label: 'p99' }),
    latency(api, cloudwatch.Stats.MAXIMUM).with({ label: 'maximum' }),
  ]),
];

const stepsRow = ({ functions }: Watched): Row => [
  graph(
    'Maximum duration of steps (milliseconds)',
    functions.map((one) => one.metricDuration({ period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM })),
  ),
  graph(
    'Errors of steps, including polls that answer "not yet"',
    functions.map((one) => one.metricErrors({ period: PERIOD })),
  ),
];

/** The dashboard: alarms, outcomes, executions, locks, throttling and durations of steps on a single page. */
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
