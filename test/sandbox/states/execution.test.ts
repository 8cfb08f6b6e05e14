import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { containing } from '../../lambdas/matchers.ts';
import {
  fail,
  functionOf,
  invoke,
  MACHINE,
  ofType,
  only,
  openBench,
  outputOf,
  runState,
  runTask,
  START,
  typesOf,
} from './fixture.ts';

const pass = (more: Record<string, unknown>) => ({ Type: 'Pass', ...more });

describe('variables', () => {
  test('Assign and Output see the previous values', async () => {
    const bench = openBench({
      StartAt: 'A',
      States: {
        A: pass({ Assign: { x: 1, y: 2 }, Next: 'B' }),
        B: pass({ Assign: { x: '{% $y %}', y: '{% $x %}' }, Output: '{% [$x, $y] %}', Next: 'C' }),
        C: pass({ Output: { before: '{% $states.input %}', after: '{% [$x, $y] %}' }, End: true }),
      },
    });
    expect(outputOf(await bench.run())).toEqual({ before: [1, 2], after: [2, 1] });
  });

  test('inner scopes read outer variables and keep their own', async () => {
    const inner = {
      StartAt: 'I',
      States: {
        I: pass({ Assign: { own: '{% $outer & $string($states.input) %}' }, Next: 'J' }),
        J: pass({ Output: '{% $own %}', End: true }),
      },
    };
    const bench = openBench({
      StartAt: 'A',
      States: {
        A: pass({ Assign: { outer: 'o' }, Next: 'M' }),
        M: { Type: 'Map', Items: [1, 2], ItemProcessor: inner, Assign: { results: '{% $states.result %}' }, Next: 'C' },
        C: pass({ Output: { results: '{% $results %}', own: '{% $exists($own) %}' }, End: true }),
      },
    });
    expect(outputOf(await bench.run())).toEqual({ results: ['o1', 'o2'], own: false });
  });

  test('Catch assigns the error', async () => {
    const failure = { ErrorEquals: ['E'], Assign: { failure: '{% $states.errorOutput %}' }, Next: 'F' };
    const states = {
      A: invoke('it', { Catch: [failure], End: true }),
      F: { Type: 'Fail', Error: 'Outer', Cause: '{% $failure.Error %}' },
    };
    const bench = openBench({ StartAt: 'A', States: states }, { handlers: { it: () => fail('E', 'm') } });
    expect(await bench.run()).toMatchObject({ error: 'Outer', cause: 'E' });
  });
});

describe('errors of expressions', () => {
  test('nothing (undefined) reports state, expression and field', async () => {
    const execution = await runState({ Type: 'Pass', Output: { v: '{% $states.input.missing %}' }, End: true });
    const cause =
      "An error occurred while executing the state 'It' (entered at the event id #2). The JSONata expression '$states.input.missing' specified for the field 'Output/v' returned nothing (undefined).";
    expect(execution).toMatchObject({ error: 'States.QueryEvaluationError', cause });
    expect(typesOf(execution)).toEqual(['ExecutionStarted', 'PassStateEntered', 'EvaluationFailed', 'ExecutionFailed']);
    expect(ofType(execution, 'EvaluationFailed')[0]).toMatchObject({
      evaluationFailedEventDetails: { state: 'It', location: 'Output/v', error: 'States.QueryEvaluationError' },
    });
  });

  test('a Task catches them, both in its arguments and in its output', async () => {
    const Catch = [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Caught', Output: 'c' }];
    const [inArguments, inOutput] = ['{% $nothing %}', '{% $states.result.Payload.b %}'];
    for (const more of [{ Arguments: { FunctionName: inArguments } }, { Output: inOutput }])
      expect(outputOf(await runTask({ ...more, Catch }, () => ({ a: 1 })))).toEqual({ to: 'Caught', input: 'c' });
  });
});

describe('limits', () => {
  test('256 KiB of payload', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }];
    const result = (bytes: number) =>
      runTask({ Output: '{% $length($states.result.Payload) %}', Catch }, () => 'x'.repeat(bytes));
    expect(outputOf(await result(262_000))).toBe(262_000);
    const cause = containing("'It' returned a result with a size exceeding");
    expect(await result(262_144)).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded', cause });
  });

  test('bytes count, not characters', async () =>
    expect(
      (await runState(pass({ Output: "{% $pad('', 100000, 'ü') & $pad('', 50000, '€') %}", End: true }))).error,
    ).toBe('States.DataLimitExceeded'));

  const large = "{% $pad('', 260000, 'x') %}";

  test('10 MiB of variables', async () => {
    const names = Array.from({ length: 41 }, (_, index) => `v${index}`);
    const chain = (count: number) =>
      Object.fromEntries(
        names
          .slice(0, count)
          .map((name, index) => [
            name,
            pass({ Assign: { [name]: large }, ...(index + 1 < count ? { Next: names[index + 1] } : { End: true }) }),
          ]),
      );
    const run = (count: number) => openBench({ StartAt: 'v0', States: chain(count) }).run();
    expect((await run(40)).status).toBe('SUCCEEDED');
    expect(await run(41)).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  test('variables of an iteration end with it, and a reassigned variable counts once', async () => {
    const inner = {
      StartAt: 'I',
      States: {
        I: pass({ Assign: { mine: large }, Next: 'J' }),
        J: pass({ Assign: { mine: large }, Output: 1, End: true }),
      },
    };
    const state = { Type: 'Map', Items: '{% [1..60] %}', MaxConcurrency: 1, ItemProcessor: inner, End: true };
    expect((await runState(state)).status).toBe('SUCCEEDED');
  });

  test('25,000 events, the last of which reports the limit', async () => {
    const endless = { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'It' }], Default: 'Yes' };
    const execution = await runState(endless);
    const cause = 'The execution reached the maximum number of history events (25000).';
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime', cause });
    const last = { id: 25_000, previousEventId: 24_999, type: 'ExecutionFailed' };
    expect(execution.history.events.at(-1)).toMatchObject(last);
  });
});

describe('the end', () => {
  test("a machine's timeout runs no Catch, and does not stop the invocation", async () => {
    const effects: string[] = [];
    const handlers = {
      it: async (_: unknown, clock: VirtualClock) => (await clock.sleep(90_000), effects.push('done')),
    };
    const states = {
      A: invoke('it', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }], End: true }),
      B: { Type: 'Succeed' },
    };
    const functions = [functionOf('it', { timeoutSeconds: 120 })];
    const bench = openBench({ StartAt: 'A', TimeoutSeconds: 20, States: states }, { handlers, functions });
    const execution = await bench.run();
    expect(execution).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout', stoppedAt: START + 20_000 });
    expect(typesOf(execution).at(-1)).toBe('ExecutionTimedOut');
    await bench.clock.spawn(() => bench.clock.sleep(100_000));
    expect(effects).toEqual(['done']);
  });

  test('stopping runs no Catch either, at any depth', async () => {
    const inner = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 3600, End: true } } };
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'B' }];
    const map = { Type: 'Map', Items: [1, 2, 3], ItemProcessor: inner, Catch, End: true };
    const bench = openBench({ StartAt: 'A', States: { A: map, B: { Type: 'Succeed' } } });
    const execution = bench.executions.start(MACHINE);
    await bench.clock.spawn(async () => {
      await bench.clock.sleep(1000);
      execution.stop('Mine', 'why');
    });
    await execution.ended;
    expect(execution).toMatchObject({ status: 'ABORTED', error: 'Mine', cause: 'why', stoppedAt: START + 1000 });
    expect(typesOf(execution).at(-1)).toBe('ExecutionAborted');
    const { length } = execution.history.events;
    execution.stop('Later');
    expect(execution.error).toBe('Mine');
    expect(execution.history.events).toHaveLength(length);
  });

  test('a hanging function times out', async () => {
    const clock = new VirtualClock(START, { stuckAfter: { turns: 50, milliseconds: 0 } });
    const execution = await runTask({}, () => new Promise(() => undefined), { clock });
    expect(execution).toMatchObject({ error: 'Sandbox.Timedout', stoppedAt: START + 60_000 });
  });

  test('a deadlock rejects parked threads with an explanation', async () => {
    const clock = new VirtualClock(START, { stuckAfter: { turns: 50, milliseconds: 0 } });
    const bench = openBench(only({ Type: 'Wait', Seconds: 1, End: true }), { clock });
    const forever = clock.spawn(() => clock.park(new Promise<void>(() => undefined))).catch(String);
    const text =
      /Virtual time stands still at 2026-01-15T09:00:01.000Z: 1 of 1 threads are parked, and no timer is left/;
    expect((await bench.run()).status).toBe('SUCCEEDED');
    expect(await forever).toMatch(text);
  });
});

describe('history', () => {
  const definition = {
    StartAt: 'Ask',
    States: {
      Ask: invoke('it', {
        TimeoutSeconds: 75,
        Retry: [{ ErrorEquals: ['NotYet'], IntervalSeconds: 10 }],
        Assign: { answer: '{% $states.result.Payload %}' },
        Next: 'Rest',
      }),
      Rest: { Type: 'Wait', Seconds: 5, Next: 'Good' },
      Good: { Type: 'Choice', Choices: [{ Condition: '{% $answer = 42 %}', Next: 'Done' }], Default: 'Ask' },
      Done: { Type: 'Succeed' },
    },
  };
  const run = (seed?: number) => {
    let calls = 0;
    return openBench(definition, {
      seed,
      handlers: { it: () => ((calls += 1) === 1 ? fail('NotYet', 'wait') : 42) },
    }).run({ q: 1 });
  };

  test('records everything, in order', async () => {
    const execution = await run();
    const { events } = execution.history;
    expect(
      events.map(({ id, previousEventId, type, timestamp }) => [id, previousEventId, type, (timestamp - START) / 1000]),
    ).toEqual([
      [1, 0, 'ExecutionStarted', 0],
      [2, 0, 'TaskStateEntered', 0],
      [3, 2, 'TaskScheduled', 0],
      [4, 3, 'TaskStarted', 0],
      [5, 4, 'TaskFailed', 0],
      [6, 5, 'TaskScheduled', 10],
      [7, 6, 'TaskStarted', 10],
      [8, 7, 'TaskSucceeded', 10],
      [9, 8, 'TaskStateExited', 10],
      [10, 9, 'WaitStateEntered', 10],
      [11, 10, 'WaitStateExited', 15],
      [12, 11, 'ChoiceStateEntered', 15],
      [13, 12, 'ChoiceStateExited', 15],
      [14, 13, 'SucceedStateEntered', 15],
      [15, 14, 'SucceedStateExited', 15],
      [16, 15, 'ExecutionSucceeded', 15],
    ]);
    expect(events[1]).toMatchObject({ stateEnteredEventDetails: { name: 'Ask', input: '{"q":1}' } });
    const scheduled = { resourceType: 'lambda', resource: 'invoke', region: 'eu-west-1', timeoutInSeconds: 75 };
    expect(events[2]).toMatchObject({ taskScheduledEventDetails: scheduled });
    expect(events[4]).toMatchObject({ taskFailedEventDetails: { error: 'NotYet', resource: 'invoke' } });
    const exited = { name: 'Ask', output: '42', assignedVariables: { answer: '42' } };
    expect(events[8]).toMatchObject({ stateExitedEventDetails: exited });
    expect(events[15]).toMatchObject({ executionSucceededEventDetails: { output: '42' } });
  });

  test('is the same for the same seed', async () => {
    const it = async (n: number, clock: VirtualClock) => (
      await clock.sleep(n * 100),
      n % 3 === 0 ? fail('Bad', String(n)) : n
    );
    const Retry = [{ ErrorEquals: ['Bad'], MaxAttempts: 3, JitterStrategy: 'FULL' }];
    const States = {
      I: invoke('it', { Retry, Catch: [{ ErrorEquals: ['Bad'], Next: 'J' }], End: true }),
      J: pass({ Output: '{% $uuid() & $string($random()) & $now() %}', End: true }),
    };
    const map = { Type: 'Map', Items: '{% $range(1, 12, 1) %}', ItemProcessor: { StartAt: 'I', States }, End: true };
    const once = async (seed: number) =>
      (await openBench(only({ ...map, MaxConcurrency: 4 }), { handlers: { it }, seed }).run()).history.events;
    const first = await once(5);
    expect(first.length).toBeGreaterThan(100);
    expect(await once(5)).toEqual(first);
    expect(await once(6)).not.toEqual(first);
  });
});

describe('definitions', () => {
  const open = (definition: Record<string, unknown>) => () => openBench(definition);
  const last = pass({ End: true });
  const distributed = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' };
  const reader = {
    Resource: 'arn:aws:states:::s3:getObject',
    Arguments: { Bucket: 'b', Key: 'k' },
    ReaderConfig: { InputType: 'JSON' },
  };
  const map = (fields: object, config?: object) => ({
    Type: 'Map',
    ItemProcessor: { ...(config ? { ProcessorConfig: config } : {}), StartAt: 'B', States: { B: last } },
    ...fields,
  });
  const mapOf = (fields: object, config?: object) => only(map({ ...fields, End: true }, config));
  const labeled = { Label: 'same' };
  const twice = {
    StartAt: 'A',
    States: { A: map({ ...labeled, Next: 'C' }, distributed), C: map({ ...labeled, End: true }, distributed) },
  };
  const caught = invoke('it', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }], End: true });
  const inner = { StartAt: 'B', States: { B: { Type: 'Pass', Next: 'A' } } };
  const csv = { ItemReader: { ...reader, ReaderConfig: { InputType: 'CSV' } } };
  const innerOnly = only({ Type: 'Map', ItemProcessor: inner, End: true });
  const tolerance = { ToleratedFailureCount: 1 };
  const twoSources = { Items: [], ItemReader: reader };
  const percentage = 'ToleratedFailurePercentage';
  const config = 'States.A.ItemProcessor.ProcessorConfig';

  test.each([
    ['JSONPath', only(last, { QueryLanguage: 'JSONPath' }), 'QueryLanguage: must be JSONata'],
    ['JSONPath fields', only({ ...last, ResultPath: '$.x' }), 'States.A: Unrecognized key: "ResultPath"'],
    ['unsupported features', only({ ...invoke('it'), HeartbeatSeconds: 5, End: true }), '"HeartbeatSeconds"'],
    ['an unknown type', only({ Type: 'Nap' }), 'States.A.Type'],
    ['a missing first state', only(last, { StartAt: 'B' }), 'StartAt leads to B, which does not exist'],
    ['a missing target', only(caught), 'States.A.Catch[0].Next leads to C'],
    ['a state without a transition', only({ Type: 'Pass' }), 'States.A must have either Next or End'],
    ['a missing target within a Map', innerOnly, 'States.A.ItemProcessor.States.B.Next leads to A'],
    ['a distributed Map without an execution type', mapOf({}, { Mode: 'DISTRIBUTED' }), `${config}.ExecutionType`],
    ['a tolerance without a distributed Map', mapOf(tolerance), 'States.A: has a field of distributed Maps'],
    ['two sources of items', mapOf(twoSources, distributed), 'States.A: must have ItemReader or Items, not both'],
    ['a reader of CSV', mapOf(csv, distributed), 'States.A.ItemReader.ReaderConfig.InputType: must be JSON'],
    [
      'a writer without a destination',
      mapOf({ ResultWriter: {} }, distributed),
      'States.A.ResultWriter: must have Resource and Arguments, WriterConfig, or all of them',
    ],
    ['a percentage over 100', mapOf({ [percentage]: 101 }, distributed), `States.A.${percentage}`],
    ['a label with a space', mapOf({ Label: 'a b' }, distributed), 'States.A.Label: must have no white space'],
    ['a repeated label', twice, 'the label same is used more than once'],
  ])('refuses %s', (_, definition, message) => {
    expect(open(definition)).toThrow(message);
    expect(open(definition)).toThrow('The sandbox cannot run the state machine machine.');
  });
});
