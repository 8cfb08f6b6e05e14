/** The state machine Sweep, and what starts sweeps by the clock. */
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { POLLS_PER_EXECUTION } from '../../lambdas/domain/sweep/executions.ts';
import { startSweepSchema } from '../../lambdas/steps/start-sweep/schema.ts';
import { EVERYTHING } from './configurations.ts';
import { type Deployment, type State, stepOf, sweep, SWITCHED_ON } from './definition.ts';
import { synthesised, synthesiseWith } from './synthesised.ts';

const { states } = sweep;
const afterwards = (name: string): string[] =>
  sweep.edges.filter(({ from, onFailure }) => from === name && !onFailure).map(({ to }) => to);
const failuresOf = (name: string): string[] =>
  sweep.edges.filter(({ from, onFailure: failed }) => from === name && failed).map(({ to }) => to);
const evaluate = (expression: unknown, input: object, bindings: object = {}): Promise<unknown> =>
  jsonata(String(expression).slice(2, -2)).evaluate({}, { states: input, ...bindings });

describe('the state machine Sweep', () => {
  it('begins, looks at all places, dispatches and reports', () => {
    expect(sweep.startAt).toBe('BeginSweep');
    expect(
      ['BeginSweep', 'InspectLocations', 'DispatchSweep', 'WaitForNextPoll', 'ReportSweep'].map(afterwards),
    ).toEqual([['WhereToContinue'], ['IsInventory'], ['WhatIsNext'], ['DispatchSweep'], ['HowItEnded']]);
    expect(Object.fromEntries(sweep.tasks.map(([name, state]) => [name, stepOf(state)]))).toEqual({
      BeginSweep: 'begin-sweep',
      DispatchSweep: 'dispatch-sweep',
      ReportFailure: 'report-sweep',
      ReportSweep: 'report-sweep',
      TakeInventory: 'take-inventory',
    });
  });

  it('goes on where the sweep is, and does nothing for one that has ended', () =>
    expect(states.WhereToContinue).toEqual({
      Type: 'Choice',
      Choices: [
        { Condition: "{% $states.input.phase = 'inventory' %}", Next: 'InspectLocations' },
        { Condition: "{% $states.input.phase = 'migrations' %}", Next: 'DispatchSweep' },
        { Condition: "{% $states.input.phase = 'report' %}", Next: 'ReportSweep' },
      ],
      Default: 'Completed',
    }));

  it('migrates nothing where an inventory is asked for, nor where it does not know the word', () => {
    expect(states.IsInventory).toMatchObject({
      Choices: [{ Condition: "{% $mode = 'inventory' %}", Next: 'ReportSweep' }],
      Default: 'DispatchSweep',
    });
    expect(states.WhatIsNext).toMatchObject({
      Choices: [{ Next: 'WaitForNextPoll' }, { Next: 'HandedOver' }],
      Default: 'ReportSweep',
    });
    expect(states.HowItEnded).toMatchObject({
      Choices: [{ Next: 'Completed' }, { Next: 'Incomplete' }, { Next: 'SweepStopped' }],
      Default: 'KeepFailure',
    });
  });

  it('counts its looks, of which one execution has the time to make all', async () => {
    expect(states.BeginSweep!.Assign).toMatchObject({ tick: 0 });
    expect(states.WaitForNextPoll).toMatchObject({
      Seconds: '{% $states.input.waitSeconds %}',
      Assign: { tick: '{% $tick + 1 %}' },
    });
    await expect(evaluate(states.WaitForNextPoll!.Assign!.tick, {}, { tick: 7 })).resolves.toBe(8);
    expect(sweep.definition.TimeoutSeconds).toBeGreaterThan(POLLS_PER_EXECUTION * (300 + 20));
  });

  it('reports what it failed by, whatever failed, and fails then', async () => {
    for (const name of ['BeginSweep', 'InspectLocations', 'DispatchSweep', 'ReportSweep'])
      expect(failuresOf(name), `of ${name}`).toEqual(['ReportFailure']);
    expect([afterwards('ReportFailure'), failuresOf('ReportFailure')]).toEqual([['SweepFailed'], ['SweepFailed']]);
    const { failure } = states.ReportFailure!.Arguments!.Payload as Record<string, unknown>;
    const cause = JSON.stringify({ errorType: 'Throttled', errorMessage: 'Rate "exceeded"', trace: [] });
    await expect(evaluate(failure, {}, { failure: { Error: 'Throttled', Cause: cause } })).resolves.toEqual({
      name: 'Throttled',
      message: 'Rate "exceeded"',
    });
    const input = {
      context: { Execution: { Input: { sweepId: 'SWEEP' } } },
      input: { text: 'the report could not be made' },
    };
    const kept = await evaluate(states.KeepFailure!.Assign!.failure, input);
    await expect(evaluate(states.SweepFailed!.Cause, input, { failure: kept })).resolves.toMatch(
      /^Sweep SWEEP failed\. SweepFailed: the report could not be made The migrations that it started continue\./,
    );
    await expect(evaluate(states.SweepStopped!.Cause, { input: { text: 'why' } })).resolves.toBe('why');
  });

  it('says which sweep it is, with its request only where there is one', async () => {
    const payload = states.BeginSweep!.Arguments!.Payload;
    const execution = (input: object): object => ({ context: { Execution: { Id: 'arn', Input: input } } });
    await expect(evaluate(payload, execution({ sweepId: 'S' }))).resolves.toEqual({
      sweepId: 'S',
      executionArn: 'arn',
      unknownFields: [],
    });
    await expect(evaluate(payload, execution({ sweepId: 'S', request: { mode: 'plan' } }))).resolves.toEqual({
      sweepId: 'S',
      executionArn: 'arn',
      unknownFields: [],
      request: { mode: 'plan' },
    });
  });
});

describe('the look at all places', () => {
  const map = states.InspectLocations as State & Record<string, unknown>;
  const [, child] = sweep.graphs;

  it('is a Distributed Map over a list in the bucket, which no place fails, and whose results stay out of the state', () =>
    expect(map).toMatchObject({
      Type: 'Map',
      Label: 'locations',
      MaxConcurrency: 50,
      ToleratedFailurePercentage: 100,
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'JSON' },
        Arguments: { Key: '{% $locationsKey %}' },
      },
      ItemSelector: {
        sweepId: '{% $sweepId %}',
        account: '{% $states.context.Map.Item.Value.account %}',
        region: '{% $states.context.Map.Item.Value.region %}',
      },
      ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Arguments: { Prefix: '{% $mapPrefix %}' } },
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
    }));

  it('goes on in each place until all is looked at', async () => {
    expect(child!.startAt).toBe('TakeInventory');
    expect(child!.states.AreAllInspected).toMatchObject({
      Choices: [{ Condition: '{% $states.input.done = false %}', Next: 'TakeInventory' }],
      Default: 'LocationInspected',
    });
    const { Payload: payload } = child!.states.TakeInventory!.Arguments!;
    const item = { sweepId: 'S', account: '111122223333', region: 'eu-west-1' };
    const context = { Execution: { Input: item } };
    await expect(evaluate(payload, { context, input: item })).resolves.toEqual(item);
    await expect(evaluate(payload, { context, input: { done: false, clusters: 3, after: 'prod-3' } })).resolves.toEqual(
      { ...item, after: 'prod-3' },
    );
  });

  it('waits for a call as long as its Lambda may take', () =>
    expect([child!.states.TakeInventory!.TimeoutSeconds, states.ReportSweep!.TimeoutSeconds]).toEqual([915, 615]));
});

describe('sweeps by the clock', () => {
  const request = {
    mode: 'migrate',
    selection: { clusters: ['prod-*'] },
    options: { changeWindow: { schedule: '0 22 * * 6', durationMinutes: 240, timeZone: 'Europe/Berlin' } },
  };
  const configured = {
    regions: ['eu-west-1', 'us-east-1'],
    sweeps: [
      { name: 'weekly', schedule: 'cron(0 6 ? * MON *)', timeZone: 'Europe/Berlin', request },
      { name: 'daily', schedule: 'rate(1 day)', request: { mode: 'inventory' } },
    ],
  };
  const scheduled = synthesiseWith({}, configured);
  const schedulesOf = (deployment: Deployment): Record<string, unknown>[] =>
    deployment
      .resourcesOf('AWS::Scheduler::Schedule')
      .map(([, { Properties }]) => deployment.resolve(Properties) as Record<string, unknown>);

  it('are a schedule each, in its own time zone, that starts no later than an hour after', () => {
    expect(schedulesOf(scheduled)).toMatchObject([
      {
        ScheduleExpression: 'cron(0 6 ? * MON *)',
        ScheduleExpressionTimezone: 'Europe/Berlin',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 } },
      },
      { ScheduleExpression: 'rate(1 day)', ScheduleExpressionTimezone: 'UTC' },
    ]);
    const [async] = scheduled
      .resourcesOf('AWS::Lambda::EventInvokeConfig')
      .filter(([name]) => name.startsWith('Schedules'));
    expect(async![1].Properties).toMatchObject({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 2 });
  });

  it('tell the step what it takes: the schedule, the time that it was due, and the request', () => {
    const inputs = schedulesOf(scheduled).map(
      ({ Target }) => JSON.parse((Target as { Input: string }).Input) as Record<string, unknown>,
    );
    expect(inputs.map(({ at }) => at)).toEqual(['<aws.scheduler.scheduled-time>', '<aws.scheduler.scheduled-time>']);
    const [weekly] = inputs.map((input) => startSweepSchema.input.parse({ ...input, at: '2026-01-05T06:00:00Z' }));
    expect(weekly).toMatchObject({ schedule: 'weekly', request });
  });

  it('are started by a role that may do that, and lay what fails into the queue, and nothing else', () => {
    const [queue] = scheduled.resourcesOf('AWS::SQS::Queue')[0]!;
    const [{ Target: target }] = schedulesOf(scheduled) as [
      { Target: { Arn: string; RoleArn: string; DeadLetterConfig: { Arn: string } } },
    ];
    const role = target.RoleArn.split(':').at(-1)!;
    expect(scheduled.statementsOfRole(role)).toEqual([
      { actions: ['lambda:InvokeFunction'], resources: [target.Arn], condition: undefined },
      { actions: ['sqs:SendMessage'], resources: [target.DeadLetterConfig.Arn], condition: undefined },
    ]);
    expect(target.DeadLetterConfig.Arn.endsWith(`:${queue}`)).toBe(true);
    const sealed = synthesiseWith(EVERYTHING.context, EVERYTHING.settings);
    const [{ Target: other }] = schedulesOf(sealed) as [{ Target: { RoleArn: string } }];
    expect(sealed.statementsOfRole(other.RoleArn.split(':').at(-1)!).map(({ actions }) => actions)).toContainEqual([
      'kms:Decrypt',
      'kms:GenerateDataKey',
    ]);
  });

  it('look at the regions that the deployment names, where they name none', () => {
    expect(synthesised({}, configured).settings).toMatchObject({ regions: ['eu-west-1', 'us-east-1'] });
    // The function's own then: see `wire`.
    expect(synthesised({}, SWITCHED_ON).settings).not.toHaveProperty('regions');
    expect(schedulesOf(synthesiseWith({}, SWITCHED_ON))).toEqual([]);
  });

  it.each([
    [
      { sweeps: [{ name: 'a', schedule: 'daily', request: { mode: 'plan' } }] },
      /sweeps\.0\.schedule: must be a schedule of EventBridge Scheduler/,
    ],
    [
      { sweeps: [{ name: 'a b', schedule: 'rate(1 day)', request: { mode: 'plan' } }] },
      /sweeps\.0\.name: must be a name of at most 64 letters/,
    ],
    [
      { sweeps: [1, 2].map(() => ({ name: 'a', schedule: 'rate(1 day)', request: { mode: 'plan' } })) },
      /sweeps: names one more than once/,
    ],
    [{ sweeps: [{ name: 'a', schedule: 'rate(1 day)', request: { mode: 'plan', requestedBy: 'me' } }] }, /requestedBy/],
    [{ sweeps: [{ name: 'a', schedule: 'rate(1 day)', request: { mode: 'plan', limits: { canary: 0 } } }] }, /canary/],
    [{ regions: ['nowhere'] }, /must be an AWS region/],
    [{ regions: [] }, /must name a region/],
  ])('are refused where they are wrong: %j', (settings, message) =>
    expect(() => synthesiseWith({}, settings)).toThrow(message),
  );
});
