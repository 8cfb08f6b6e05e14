import { describe, expect, test } from 'vitest';
import { fail, functionArn, invoke, only, openBench, outputOf, ROLE } from './fixture.ts';
import { runState, runTask, secondsOf, START, tracedBy, typesOf } from './fixture.ts';

describe('Pass and Succeed', () => {
  test('return their input, or their output', async () => {
    expect(outputOf(await runState({ Type: 'Pass', End: true }, { a: 1 }))).toEqual({ a: 1 });
    expect(
      outputOf(await runState({ Type: 'Succeed', Output: { b: '{% $states.input.a + 1 %}', c: 'text' } }, { a: 1 })),
    ).toEqual({ b: 2, c: 'text' });
  });

  test('treat an expression in the input as text', async () =>
    expect(outputOf(await runState({ Type: 'Pass', End: true }, { a: '{% 1 + 1 %}' }))).toEqual({ a: '{% 1 + 1 %}' }));
});

test('the context object has execution, state and state machine', async () => {
  const bench = openBench(only({ Type: 'Pass', Output: '{% $states.context %}', End: true }));
  const execution = await bench.run({ x: 1 });
  expect(outputOf(execution)).toEqual({
    Execution: {
      Id: execution.arn,
      Input: { x: 1 },
      Name: execution.name,
      RoleArn: ROLE,
      StartTime: '2026-01-15T09:00:00.000Z',
      RedriveCount: 0,
    },
    StateMachine: { Id: execution.machine.arn, Name: 'machine' },
    State: { EnteredTime: '2026-01-15T09:00:00.000Z', Name: 'A', RetryCount: 0 },
  });
});

describe('Choice', () => {
  const choice = {
    Type: 'Choice',
    Choices: [
      { Condition: "{% $states.input.kind = 'yes' %}", Next: 'Yes', Output: 'chosen' },
      { Condition: '{% $states.input.n > 5 %}', Next: 'No' },
    ],
  };

  test('takes the first rule that is true, with its own output', async () => {
    expect(outputOf(await runState(choice, { kind: 'yes', n: 9 }))).toEqual({ to: 'Yes', input: 'chosen' });
    expect(outputOf(await runState(choice, { kind: '', n: 9 }))).toEqual({ to: 'No', input: { kind: '', n: 9 } });
  });

  test("takes Default, with the state's output", async () => {
    const execution = await runState({ ...choice, Default: 'No', Output: 'default' }, { n: 0 });
    expect(outputOf(execution)).toEqual({ to: 'No', input: 'default' });
  });

  test('fails without a match and without Default', async () =>
    expect(await runState(choice, { n: 0 })).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' }));

  test('requires a condition to be true or false', async () => {
    const rule = { Condition: '{% $states.input.n %}', Next: 'Yes' };
    const execution = await runState({ Type: 'Choice', Choices: [rule] }, { n: 1 });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(execution.cause).toContain("'Choices[0]/Condition' must be true or false, but was 1");
  });

  test("assigns a rule's variables or the state's, not both", async () => {
    const states = (n: number) =>
      openBench({
        StartAt: 'First',
        States: {
          First: { Type: 'Pass', Assign: { v: 'before' }, Next: 'Choose' },
          Choose: {
            Type: 'Choice',
            Choices: [{ Condition: `{% ${n} = 1 %}`, Assign: { v: 'rule' }, Next: 'Show' }],
            Assign: { v: 'state' },
            Default: 'Show',
          },
          Show: { Type: 'Succeed', Output: '{% $v %}' },
        },
      }).run();
    expect([outputOf(await states(1)), outputOf(await states(2))]).toEqual(['rule', 'state']);
  });
});

describe('Wait', () => {
  test.each([
    ['Seconds', { Seconds: 3600 }, 3600],
    ['Seconds as an expression', { Seconds: '{% $states.input.n * 2 %}' }, 10],
    ['Timestamp', { Timestamp: '2026-01-15T09:01:00Z' }, 60],
    ['Timestamp as an expression', { Timestamp: '{% $states.input.at %}' }, 90],
    ['a Timestamp in the past', { Timestamp: '2020-01-01T00:00:00Z' }, 0],
  ])('%s', async (_, fields, seconds) => {
    const execution = await runState({ Type: 'Wait', ...fields, End: true }, { n: 5, at: '2026-01-15T09:01:30Z' });
    expect(secondsOf(execution, 'WaitStateExited')).toEqual([seconds]);
    expect(outputOf(execution)).toEqual({ n: 5, at: '2026-01-15T09:01:30Z' });
  });

  test.each([['{% 1.5 %}'], ['{% -1 %}'], ["{% 'soon' %}"]])('refuses %s', async (seconds) =>
    expect(await runState({ Type: 'Wait', Seconds: seconds, End: true })).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
    }),
  );
});

describe('Fail', () => {
  test('ends with Error and Cause, which may be expressions', async () => {
    const execution = await runState(
      { Type: 'Fail', Error: '{% $states.input.name %}', Cause: "{% 'because of ' & $states.input.name %}" },
      { name: 'Blocked' },
    );
    const failure = { status: 'FAILED', error: 'Blocked', cause: 'because of Blocked', output: undefined };
    expect(execution).toMatchObject(failure);
    expect(tracedBy(execution)).toBe('ExecutionStarted FailStateEntered ExecutionFailed');
  });

  test('may have neither', async () =>
    expect(await runState({ Type: 'Fail' })).toMatchObject({ status: 'FAILED', error: undefined, cause: undefined }));
});

describe('Task', () => {
  test('lambda:invoke returns version, payload and status', async () => {
    const state = { ...invoke('double'), Output: '{% $states.result %}', End: true };
    const execution = await runState(state, { n: 4 }, { handlers: { double: ({ n }: { n: number }) => n * 2 } });
    expect(outputOf(execution)).toEqual({ ExecutedVersion: '1', Payload: 8, StatusCode: 200 });
  });

  test('a bare function ARN passes the arguments and returns the result', async () => {
    const handlers = { double: ({ n }: { n: number }) => ({ doubled: n * 2 }) };
    const task = { Type: 'Task', Resource: functionArn('double'), Arguments: { n: '{% $states.input.n %}' } };
    const execution = await runState({ ...task, End: true }, { n: 4 }, { handlers });
    expect(outputOf(execution)).toEqual({ doubled: 8 });
    const events = 'LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded';
    expect(typesOf(execution).slice(2, -2).join(' ')).toBe(events);
  });

  test("a function's error is Error, and Lambda's JSON is Cause", async () => {
    const execution = await runTask({}, () => fail('AddonFailed', 'It is "broken".'));
    expect(execution.error).toBe('AddonFailed');
    const cause = { errorType: 'AddonFailed', errorMessage: 'It is "broken".', trace: [] };
    expect(JSON.parse(execution.cause!)).toEqual(cause);
  });

  test('unsupported resources are reported', async () => {
    const execution = await runState({ Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage', End: true });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(execution.cause).toContain('arn:aws:states:::sqs:sendMessage');
  });

  test('unsupported arguments of lambda:invoke are reported', async () => {
    const asynchronous = { FunctionName: functionArn('it'), InvocationType: 'Event' };
    expect((await runTask({ Arguments: asynchronous }, () => 1)).cause).toContain('not InvocationType');
  });
});

describe('Map', () => {
  const map = (more: Record<string, unknown> = {}) => ({
    Type: 'Map',
    Items: '{% $states.input.items %}',
    ItemProcessor: { StartAt: 'Each', States: { Each: invoke('each', { End: true }) } },
    End: true,
    ...more,
  });
  const slow = {
    each: async (n: number, clock: { sleep(ms: number): Promise<void> }) => (await clock.sleep(n * 1000), n * 10),
  };

  test('returns results in the order of the items, whichever ends first', async () => {
    const execution = await runState(map(), { items: [3, 1, 2] }, { handlers: slow });
    expect([outputOf(execution), execution.stoppedAt! - START]).toEqual([[30, 10, 20], 3000]);
  });

  test('runs at most MaxConcurrency at once', async () => {
    const execution = await runState(map({ MaxConcurrency: 2 }), { items: [3, 1, 2, 4] }, { handlers: slow });
    expect(outputOf(execution)).toEqual([30, 10, 20, 40]);
    // 3 runs concurrently with 1 and then 2, then 4.
    expect([secondsOf(execution, 'MapIterationStarted'), execution.stoppedAt! - START]).toEqual([[0, 0, 1, 3], 7000]);
  });

  test('passes the item and the input to ItemSelector', async () => {
    const selector = {
      i: '{% $states.context.Map.Item.Index %}',
      v: '{% $states.context.Map.Item.Value %}',
      k: '{% $states.input.k %}',
    };
    const processor = { StartAt: 'Each', States: { Each: { Type: 'Pass', End: true } } };
    const state = map({ ItemSelector: selector, ItemProcessor: processor });
    const execution = await runState(state, { items: ['a', 'b'], k: 7 });
    expect(outputOf(execution)).toEqual([
      { i: 0, v: 'a', k: 7 },
      { i: 1, v: 'b', k: 7 },
    ]);
  });

  test('accepts an empty list, and refuses other values', async () => {
    expect(outputOf(await runState(map(), { items: [] }))).toEqual([]);
    expect(await runState(map(), { items: 3 })).toMatchObject({ error: 'States.QueryEvaluationError' });
    expect(await runState(map({ Items: undefined }), { a: 1 })).toMatchObject({ error: 'States.QueryEvaluationError' });
  });

  test('cancels the others after one failure, which can be caught', async () => {
    const handlers = {
      each: async (n: number, clock: { sleep(ms: number): Promise<void> }) => (
        await clock.sleep(n * 1000),
        n === 2 ? fail('Bad', 'two') : n
      ),
    };
    const caught = { ErrorEquals: ['Bad'], Next: 'Caught', Output: '{% $states.errorOutput.Error %}' };
    const state = map({ Catch: [caught], Next: 'Yes', End: undefined });
    const execution = await runState(state, { items: [5, 2, 1] }, { handlers });
    expect(outputOf(execution)).toEqual({ to: 'Caught', input: 'Bad' });
    expect(
      typesOf(execution)
        .filter((type) => /Aborted|Failed|MapIterationSucceeded/.test(type))
        .join(' '),
    ).toBe('MapIterationSucceeded TaskFailed MapIterationFailed TaskStateAborted MapIterationAborted MapStateFailed');
    expect(execution.stoppedAt! - START).toBe(2000);
  });
});

describe('Parallel', () => {
  const branch = (seconds: number, end: Record<string, unknown>) => ({
    StartAt: `Sleep${seconds}`,
    States: { [`Sleep${seconds}`]: { Type: 'Wait', Seconds: seconds, Next: `End${seconds}` }, [`End${seconds}`]: end },
  });

  test('runs branches concurrently', async () => {
    const Branches = [branch(5, { Type: 'Succeed' }), branch(3, { Type: 'Succeed', Output: 'b' })];
    const execution = await runState({ Type: 'Parallel', Arguments: { n: 1 }, Branches, End: true });
    expect([outputOf(execution), execution.stoppedAt! - START]).toEqual([[{ n: 1 }, 'b'], 5000]);
  });

  test('aborts the others if a branch fails, and fails with its error', async () => {
    const Branches = [branch(5, { Type: 'Succeed' }), branch(3, { Type: 'Fail', Error: 'E', Cause: 'C' })];
    const execution = await runState({ Type: 'Parallel', Branches, End: true });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'E', cause: 'C' });
    const first = 'ExecutionStarted ParallelStateEntered ParallelStateStarted WaitStateEntered WaitStateEntered';
    const then = 'WaitStateExited FailStateEntered WaitStateAborted ParallelStateFailed ExecutionFailed';
    expect(tracedBy(execution)).toBe(`${first} ${then}`);
  });
});
