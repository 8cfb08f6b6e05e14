/** Alarms, their sections in docs/runbook.md, and the dashboard: of what is sent, and of what is there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SERVICE_METRICS } from '../../lambdas/domain/events/metrics.ts';
import { HELD_LOCKS, LIST_INDEX_NAMES, PENDING } from '../../lambdas/adapters/indexes.ts';
import { decidePause, patienceFor } from '../../lambdas/domain/waiting/pause.ts';
import { APPROVAL_HOURS } from '../../lambdas/domain/request/request.ts';
import { GRACE_MS } from '../../lambdas/steps/take-over/schema.ts';
import { KEPT_FOR } from '../../lib/events/delivery.ts';
import { EVERY as PUBLISHED_EVERY } from '../../lib/events/publishing.ts';
import { APPROVAL_WAITS_TOO_LONG, LOCK_HELD_TOO_LONG, MANY_THROTTLES } from '../../lib/operations/alarms.ts';
import { RUNBOOK } from '../../lib/operations/operations.ts';
import { EVERY } from '../../lib/recovery/triggers.ts';
import { ALARM_TOPIC } from './configurations.ts';
import { type Deployment, deployed, type Resource, SWITCHED_ON } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';
import { words } from '../words.ts';
import { matching } from '../lambdas/matchers.ts';

const narrow = synthesiseWith({});
const everything = synthesiseWith(
  { repairableRoleArns: 'role/eks-addons/*', customerKey: true, alarmTopicArn: ALARM_TOPIC },
  SWITCHED_ON,
);
const deployments: [string, Deployment][] = [
  ["the sandbox's", deployed],
  ['the default', narrow],
  ['the one with everything', everything],
];

interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions?: { Name: string; Value: unknown }[];
}
interface Stat {
  Metric: Metric;
  Period: number;
  Stat: string;
}
interface AlarmProperties extends Metric {
  AlarmDescription: string;
  AlarmActions?: unknown[];
  ComparisonOperator: string;
  DatapointsToAlarm: number;
  EvaluationPeriods: number;
  Metrics?: { Expression?: string; MetricStat?: Stat }[];
  Period: number;
  Statistic: string;
  Threshold: number;
  TreatMissingData: string;
}

const alarmsIn = (deployment: Deployment): [id: string, properties: AlarmProperties][] =>
  deployment
    .resourcesOf('AWS::CloudWatch::Alarm')
    .map(([logicalId, { Properties }]) => [
      logicalId.replace(/^Operations(.+)[0-9A-F]{8}$/, '$1'),
      Properties as unknown as AlarmProperties,
    ]);
const metricsOf = ({ Metrics, ...properties }: AlarmProperties): Stat[] =>
  Metrics
    ? Metrics.flatMap(({ MetricStat }) => (MetricStat ? [MetricStat] : []))
    : [{ Metric: properties, Period: properties.Period, Stat: properties.Statistic }];
const alarmOf = (id: string): AlarmProperties => new Map(alarmsIn(deployed)).get(id)!;

const byText = (one: unknown, other: unknown): number => (String(one) < String(other) ? -1 : 1);

/** As GitHub makes an anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
const [, ofAlarms = ''] =
  /^## Alarms\n([^]*?)(?=^## |(?![^]))/m.exec(readFileSync(join(import.meta.dirname, '../..', RUNBOOK), 'utf8')) ?? [];
const sections = new Map(
  ofAlarms
    .split(/^### /m)
    .slice(1)
    .map((text): [anchor: string, text: string] => [anchorOf(text.slice(0, text.indexOf('\n'))), text]),
);
const linkOf = ({ AlarmDescription }: AlarmProperties) => / What to do: (\S+)$/.exec(AlarmDescription)?.[1] ?? '';

describe('docs/runbook.md', () => {
  it.each(deployments)('has a section for each alarm of %s deployment, which links to it', (_, deployment) => {
    const alarms = alarmsIn(deployment);
    expect(alarms.length).toBeGreaterThan(13);
    expect(
      alarms
        .filter(
          ([, alarm]) =>
            !linkOf(alarm).startsWith(`${RUNBOOK}#`) || !sections.has(linkOf(alarm).slice(RUNBOOK.length + 1)),
        )
        .map(([id]) => id),
    ).toEqual([]);
  });

  it('has no section that no alarm links to', () => {
    const linked = alarmsIn(deployed).map(([, alarm]) => linkOf(alarm).split('#')[1]);
    expect([...sections.keys()].filter((anchor) => !linked.includes(anchor))).toEqual([]);
  });

  it.each([...sections])('says under #%s what it means, where to look and what to do', (_, text) => {
    expect(text).toMatch(/\*\*It means:\*\* [^]+\*\*Where to look:\*\* ?[^]+\*\*What to do:\*\* [^]+/);
    for (const [, anchor] of text.matchAll(/\]\(#([\w-]+)\)/g)) expect([...sections.keys()]).toContain(anchor);
  });

  it('names commands that are there', () => {
    const named = new Set(
      [...ofAlarms.matchAll(/pod-identity (\w+) MIGRATION_ID --deployed/g)].map(([, command]) => command),
    );
    const ofSweeps = [...ofAlarms.matchAll(/pod-identity sweep (\w+) SWEEP_ID --deployed/g)].map(
      ([, command]) => command,
    );
    expect([...new Set(ofSweeps)].toSorted(byText)).toEqual(['resume', 'show']);
    expect([...named].toSorted(byText)).toEqual(['cancel', 'release', 'rollback', 'show']);
    expect(
      [...ofAlarms.matchAll(/pod-identity [a-z-]+/g)].filter(
        ([text]) => ![...named, 'sweep'].includes(text.split(' ')[1]),
      ),
    ).toEqual([]);
    const program = readFileSync(join(import.meta.dirname, '../../cli/program.ts'), 'utf8');
    for (const command of named) expect(program).toMatch(new RegExp(String.raw`program\s*\.command\('${command}'\)`));
  });

  it('names metrics that are sent, and the index that is there', () => {
    const named = [...ofAlarms.matchAll(/metric `([\w-]+)`/g)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'Throttled');
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !SERVICE_METRICS.has(name))).toEqual([]);
    expect(ofAlarms).toContain(`--index-name ${HELD_LOCKS} `);
  });
});

/** AWS's own metrics with their dimensions, and what these must name. Sources: `lib/operations/metrics.ts`. */
const OF_AWS: Record<string, [names: string[], dimensions: Record<string, string>[]]> = {
  'AWS/States': [
    ['ExecutionsStarted', 'ExecutionsFailed', 'ExecutionsAborted', 'ExecutionsTimedOut', 'ExecutionThrottled'],
    [{ StateMachineArn: 'AWS::StepFunctions::StateMachine' }],
  ],
  'AWS/Lambda': [['Throttles', 'AsyncEventsDropped'], [{ FunctionName: 'AWS::Lambda::Function' }]],
  'AWS/DynamoDB': [
    ['ReadThrottleEvents', 'WriteThrottleEvents'],
    [
      { TableName: 'AWS::DynamoDB::Table' },
      ...[HELD_LOCKS, PENDING, ...LIST_INDEX_NAMES].map((index) => ({
        TableName: 'AWS::DynamoDB::Table',
        GlobalSecondaryIndexName: index,
      })),
    ],
  ],
  'AWS/Events': [['FailedInvocations', 'InvocationsFailedToBeSentToDlq'], [{ RuleName: 'AWS::Events::Rule' }]],
  'AWS/SQS': [['ApproximateNumberOfMessagesVisible', 'NumberOfMessagesSent'], [{ QueueName: 'AWS::SQS::Queue' }]],
  'AWS/ApiGateway': [['5XXError'], [{ ApiName: 'PodIdentityMigrator', Stage: 'AWS::ApiGateway::Stage' }]],
};

describe.each(deployments)('alarms of %s deployment', (_, deployment) => {
  const alarms = alarmsIn(deployment);
  /** What the Lambdas are told. */
  const { POWERTOOLS_METRICS_NAMESPACE: sentTo = '', POWERTOOLS_SERVICE_NAME: service = '' } =
    deployment.variablesOf('finish');
  /** A resource's type for what names it, other text as it is. */
  const named = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const [logicalId] = [Object.values(value)[0] as string | string[]].flat();
    return deployment.template.Resources[logicalId!]?.Type;
  };
  const dimensionsOf = ({ Dimensions = [] }: Metric): Record<string, unknown> =>
    Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, named(Value)]));
  const resourcesIn = (alarmIds: RegExp): unknown[] =>
    alarms
      .filter(([id]) => alarmIds.test(id))
      .flatMap(([, alarm]) =>
        metricsOf(alarm).map(
          ({ Metric: { Dimensions } }) => Object.values(Dimensions![0]!.Value as object).flat()[0] as unknown,
        ),
      );
  const idsOf = (type: string): string[] => deployment.resourcesOf(type).map(([id]) => id);

  it.each(alarms)('%s watches metrics that are sent, with the dimensions that they have', (__, alarm) => {
    for (const { Metric } of metricsOf(alarm)) {
      const known: typeof OF_AWS = { ...OF_AWS, [sentTo]: [[...SERVICE_METRICS], [{ service }]] };
      expect(Object.keys(known)).toContain(Metric.Namespace);
      const [names, dimensions] = known[Metric.Namespace]!;
      expect(names).toContain(Metric.MetricName);
      expect(dimensions).toContainEqual(dimensionsOf(Metric));
    }
  });

  it('add up no more than CloudWatch allows, and fill what is not sent', () => {
    for (const [, { Metrics = [] }] of alarms) {
      expect(Metrics.length).toBeLessThanOrEqual(11);
      for (const { Expression = 'FILL(x, 0)' } of Metrics)
        expect(Expression).toMatch(/^FILL\(\w+, 0\)( \+ FILL\(\w+, 0\))*$/);
    }
  });

  it('cover each function, state machine, rule and queue, each once', () => {
    expect(resourcesIn(/^LambdasThrottled/).toSorted(byText)).toEqual(idsOf('AWS::Lambda::Function').toSorted(byText));
    expect(resourcesIn(/^MachinesThrottled/).toSorted(byText)).toEqual(
      idsOf('AWS::StepFunctions::StateMachine').toSorted(byText),
    );
    expect(new Set(resourcesIn(/^ExecutionsStopped|^RecoverFailed|^SweepNotCompleted/))).toEqual(
      new Set(idsOf('AWS::StepFunctions::StateMachine')),
    );
    expect(new Set(resourcesIn(/^(TriggersFailed|DeliveriesFailed)/))).toEqual(new Set(idsOf('AWS::Events::Rule')));
    expect(resourcesIn(/^DeadLetters$/)).toEqual(idsOf('AWS::SQS::Queue'));
    expect(resourcesIn(/^DeadLetterSent$/)).toEqual(idsOf('AWS::SQS::Queue'));
    expect(alarms.filter(([id]) => id === 'ApiFailed')).toHaveLength(idsOf('AWS::ApiGateway::Stage').length);
  });

  it('take no data for good, but for the looks at the locks and at what is to be told, which are always sent', () => {
    for (const [id, { TreatMissingData, ComparisonOperator }] of alarms) {
      const isOfPoll = ['LocksNotWatched', 'EventsNotPublished'].includes(id);
      expect([TreatMissingData, ComparisonOperator], `of ${id}`).toEqual(
        isOfPoll ? ['breaching', 'LessThanThreshold'] : ['notBreaching', 'GreaterThanOrEqualToThreshold'],
      );
    }
  });

  it('ignore what fails by design: failed executions of MigrateAddon, and errors of Lambdas; a sweep that has stopped needs a person', () => {
    const watched = alarms.flatMap(([, alarm]) => metricsOf(alarm).map(({ Metric }) => Metric));
    expect(watched.filter(({ MetricName }) => MetricName === 'Errors')).toEqual([]);
    const failed = watched
      .filter(({ MetricName }) => MetricName === 'ExecutionsFailed')
      .map(({ Dimensions }) => (Dimensions![0]!.Value as { Ref: string }).Ref);
    expect(failed).toEqual([matching(/^RecoverStateMachine/), matching(/^SweepStateMachine/)]);
  });

  it('and the dashboard show all that is measured for the service', () => {
    const [[, { Properties }], ...others] = deployment.resourcesOf('AWS::CloudWatch::Dashboard') as [
      [string, Resource],
    ];
    expect(others).toEqual([]);
    const body = JSON.stringify(Properties.DashboardBody);
    for (const metric of [...SERVICE_METRICS, 'Errors', 'Duration', 'ExecutionsFailed']) expect(body).toContain(metric);
    for (const id of idsOf('AWS::CloudWatch::Alarm')) expect(body).toContain(`"${id}"`);
    const ofApi = ['Count', '4XXError', '5XXError', 'Latency'];
    for (const metric of ofApi) expect(body).toContain(`\\"AWS/ApiGateway\\",\\"${metric}\\"`);
  });
});

describe('thresholds', () => {
  it('call a person at once for one migration', () =>
    expect(alarmOf('NeedsHuman')).toMatchObject({
      MetricName: 'outcome-needs-human',
      Statistic: 'Sum',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 1,
      DatapointsToAlarm: 1,
    }));

  it('are reached by one where one is too many', () => {
    for (const id of words`
      NeedsHuman UnexpectedErrors ExecutionsStopped RecoverRuns RecoverFailed DeadLetters DeadLetterSent ApiFailed
      TriggersFailed DeliveriesFailed DenialsRefused DenialsDropped SweepNotCompleted
    `)
      expect(alarmOf(id), `of ${id}`).toMatchObject({ Threshold: 1, DatapointsToAlarm: 1 });
  });

  it('notify a person of each dead letter, and are active for as long as the queue is not empty', () => {
    expect(alarmOf('DeadLetters')).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
    });
    expect(metricsOf(alarmOf('DeadLetterSent'))).toMatchObject([
      { Metric: { MetricName: 'NumberOfMessagesSent' }, Stat: 'Sum' },
    ]);
  });

  it('notify a person of each request that the API has failed, if there is an API', () => {
    expect(alarmOf('ApiFailed')).toMatchObject({ MetricName: '5XXError', Statistic: 'Sum' });
    const withoutApi = synthesiseWith({}, { deploy: { api: false } });
    expect(alarmsIn(withoutApi).map(([id]) => id)).not.toContain('ApiFailed');
    expect(JSON.stringify(withoutApi.template)).not.toContain('AWS/ApiGateway');
  });

  it('see in a later period what a sum had for 0 at first', () => {
    const sums = alarmsIn(deployed).filter(([, { Metrics }]) => Metrics !== undefined);
    expect(sums.length).toBeGreaterThan(5);
    for (const [id, alarm] of sums)
      expect([alarm.DatapointsToAlarm, alarm.EvaluationPeriods], `of ${id}`).toEqual([1, 3]);
  });

  it("of a lock's age come long before a person must decide about a migration that waits", () => {
    expect(LOCK_HELD_TOO_LONG.toSeconds()).toBeLessThan(patienceFor('service') / 10);
    expect(alarmOf('LocksHeldTooLong')).toMatchObject({
      MetricName: 'oldest-lock',
      Statistic: 'Maximum',
      Threshold: LOCK_HELD_TOO_LONG.toSeconds(),
    });
  });

  it('give Recover the time to take over what is stranded', () => {
    const { Period, EvaluationPeriods, DatapointsToAlarm } = alarmOf('Stranded');
    // Its event starts Recover at once, or else a look within five minutes.
    expect(Period * EvaluationPeriods * 1000).toBeGreaterThan(EVERY.toMilliseconds() + 2 * GRACE_MS);
    expect(DatapointsToAlarm).toBe(EvaluationPeriods);
  });

  it('of approvals come before most of them expire', () => {
    expect(alarmOf('ApprovalsWait')).toMatchObject({
      MetricName: 'oldest-approval',
      Statistic: 'Maximum',
      Threshold: APPROVAL_WAITS_TOO_LONG.toSeconds(),
    });
    expect(APPROVAL_WAITS_TOO_LONG.toHours() * 2).toBeLessThanOrEqual(APPROVAL_HOURS.usual);
  });

  it('expect a look at what is to be told in each period', () => {
    expect(alarmOf('EventsNotPublished')).toMatchObject({
      MetricName: 'approvals-pending',
      Statistic: 'SampleCount',
      Threshold: 1,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 3,
    });
    expect(PUBLISHED_EVERY.toSeconds()).toBeLessThanOrEqual(alarmOf('EventsNotPublished').Period);
  });

  it('expect a look at the locks in each period', () =>
    expect(alarmOf('LocksNotWatched')).toMatchObject({
      MetricName: 'locks-held',
      Statistic: 'SampleCount',
      Threshold: 1,
      Period: EVERY.toSeconds(),
    }));

  it('of throttling are reached by one migration that waits for an hour', () => {
    let throttled = 0;
    for (let [waited, pauses] = [0, 1]; waited < 3600; pauses += 1) {
      throttled += 2;
      waited += decidePause({ what: 'service', waited, pauses, back: false, seed: 'any' }).seconds;
    }
    expect(MANY_THROTTLES).toBeLessThanOrEqual(throttled);
    for (const id of ['CallsThrottled', 'LambdasThrottled1', 'LedgerThrottled1', 'MachinesThrottled'])
      expect(alarmOf(id)).toMatchObject({ Threshold: MANY_THROTTLES });
  });
});

it('the topic gets every alarm, where the deployment names one', () => {
  for (const [id, { AlarmActions }] of alarmsIn(everything)) expect(AlarmActions, `of ${id}`).toEqual([ALARM_TOPIC]);
  for (const [id, { AlarmActions }] of alarmsIn(narrow)) expect(AlarmActions, `of ${id}`).toBeUndefined();
});

describe.each(deployments)('what is kept, in %s deployment', (_, deployment) => {
  it('is half a year of each log: no function, no state machine and no API writes to a group without retention', () => {
    const groups = deployment.resourcesOf('AWS::Logs::LogGroup');
    for (const [id, { Properties }] of groups) expect(Properties.RetentionInDays, `of ${id}`).toBe(180);
    const written = (type: string): string[] =>
      deployment
        .resourcesOf(type)
        .map(
          ([id, { Properties }]) =>
            `${id} ${/"(?:Ref|Fn::GetAtt)":\[?"(\w+Logs\w+)"/.exec(JSON.stringify(Properties.LoggingConfig ?? Properties.LoggingConfiguration ?? Properties.AccessLogSetting))?.[1] ?? 'none'}`,
        );
    const ofApi = written('AWS::ApiGateway::Stage');
    // API Gateway writes none unless it is told to.
    expect(ofApi.filter((one) => one.endsWith(' none'))).toHaveLength(deployment === narrow ? 1 : 0);
    const used = [
      ...written('AWS::Lambda::Function'),
      ...written('AWS::StepFunctions::StateMachine'),
      ...ofApi.filter((one) => !one.endsWith(' none')),
    ].map((one) => one.split(' ')[1]);
    expect(used.toSorted(byText)).toEqual(groups.map(([id]) => id).toSorted(byText));
  });

  it('is every event that EventBridge could not deliver; Lambda tries those again alone that nothing makes up for, and an alarm tells where it gave up', () => {
    const targets = deployment
      .resourcesOf('AWS::Events::Rule')
      .flatMap(([, { Properties }]) => Properties.Targets as { Arn: unknown; DeadLetterConfig?: unknown }[]);
    expect(targets.length).toBeGreaterThan(4);
    for (const { DeadLetterConfig } of targets) expect(DeadLetterConfig).toBeDefined();
    // API Gateway calls and waits.
    const called = deployment
      .resourcesOf('AWS::Lambda::Permission')
      .filter(([, { Properties }]) => Properties.Principal === 'events.amazonaws.com')
      .map(([, { Properties }]) => deployment.resolve(Properties.FunctionName));
    const configured = deployment.resourcesOf('AWS::Lambda::EventInvokeConfig');
    expect(configured).toHaveLength(new Set(called.map(String)).size);
    expect(
      configured
        .map(
          ([
            ,
            {
              Properties: { MaximumRetryAttempts: tries, MaximumEventAgeInSeconds: age },
            },
          ]) => [tries, age],
        )
        .toSorted(byText),
    ).toEqual(
      [
        [0, PUBLISHED_EVERY.toSeconds()],
        [0, EVERY.toSeconds()],
        [2, KEPT_FOR.toSeconds()],
      ].toSorted(byText),
    );
    expect(alarmsIn(deployment).map(([id]) => id)).toContain('DenialsDropped');
    for (const [, { Properties }] of configured) {
      const [version] = (Properties.Qualifier as { 'Fn::GetAtt': string[] })['Fn::GetAtt'];
      expect(called.map(String).some((arn) => arn.endsWith(version!))).toBe(true);
    }
  });

  it('is kept for two weeks in queues that are sealed', () => {
    for (const [id, { Properties }] of deployment.resourcesOf('AWS::SQS::Queue')) {
      expect(Properties.MessageRetentionPeriod, `of ${id}`).toBe(14 * 24 * 3600);
      expect(Properties.SqsManagedSseEnabled === true || Properties.KmsMasterKeyId !== undefined, `of ${id}`).toBe(
        true,
      );
    }
  });
});
