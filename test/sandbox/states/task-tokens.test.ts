/** Tasks that wait for their token, with the real client as the token's holder. */
import validate from 'asl-validator';
import { describe, expect, test } from 'vitest';
import type { Execution } from '../../../sandbox/states/executions.ts';
import { TaskTokens } from '../../../sandbox/states/task-tokens.ts';
import type { VirtualClock } from '../../../sandbox/clock/clock.ts';
import {
  fail,
  functionArn,
  functionOf,
  type Handlers,
  MACHINE,
  ofType,
  only,
  openBench,
  openService,
  outputOf,
  secondsOf,
  sleeps,
  START,
  typesOf,
  waitForToken,
} from './fixture.ts';
import { type TaskInput, GONE, openWaiting as open } from './token-fixture.ts';
import { containing } from '../../lambdas/matchers.ts';

describe('a task that waits for its token', () => {
  test('ends with the output that is sent with its token', async () => {
    const { runWith, tokens, send } = open({ TimeoutSeconds: 3600 });
    const execution = await runWith([[100, () => send.success(tokens[0]!, { approved: true })]]);
    expect(outputOf(execution)).toEqual({ approved: true });
    expect(
      execution.history.events
        .slice(2, 7)
        .map(({ id, previousEventId, type, timestamp }) => [id, previousEventId, type, (timestamp - START) / 1000]),
    ).toEqual([
      [3, 2, 'TaskScheduled', 0],
      [4, 3, 'TaskStarted', 0],
      [5, 4, 'TaskSubmitted', 0],
      [6, 5, 'TaskSucceeded', 100],
      [7, 6, 'TaskStateExited', 100],
    ]);
    const about = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
    const parameters = JSON.stringify({ FunctionName: `${functionArn('ask')}:1`, Payload: { token: tokens[0] } });
    expect(ofType(execution, 'TaskScheduled')[0]).toMatchObject({
      taskScheduledEventDetails: { ...about, region: 'eu-west-1', timeoutInSeconds: 3600, parameters },
    });
    expect(ofType(execution, 'TaskStarted')[0]).toMatchObject({ taskStartedEventDetails: about });
    expect(ofType(execution, 'TaskSubmitted')[0]).toMatchObject({
      taskSubmittedEventDetails: { ...about, output: '{"ExecutedVersion":"1","Payload":{"asked":1},"StatusCode":200}' },
    });
    expect(ofType(execution, 'TaskSucceeded')[0]).toMatchObject({
      taskSucceededEventDetails: { ...about, output: '{"approved":true}' },
    });
  });

  test('returns a selected part of that output', async () => {
    const who = '{% $states.result.who %}';
    const { runWith, tokens, send } = open({ Output: who, Assign: { who } });
    expect(outputOf(await runWith([[1, () => send.success(tokens[0]!, { who: 'ann' })]]))).toBe('ann');
  });

  test.each<[reason: { error?: string; cause?: string }, output: object]>([
    [
      { error: 'Rejected', cause: 'too risky' },
      { Error: 'Rejected', Cause: 'too risky' },
    ],
    [{ error: 'Rejected' }, { Error: 'Rejected' }],
    [{}, {}],
  ])('fails with the reported failure: %j', async (reason, input) => {
    const { runWith, tokens, send } = open({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }] });
    const execution = await runWith([[5, () => send.failure(tokens[0]!, reason)]]);
    expect(outputOf(execution)).toEqual({ to: 'Caught', input });
    expect(ofType(execution, 'TaskFailed')[0]!.taskFailedEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      ...reason,
    });
  });

  test('fails with its function, and its token is then invalid', async () => {
    const ask = ({ token }: TaskInput) => (tokens.push(token), fail('NoChannel', 'no channel to ask'));
    const { runWith, tokens, send } = open({}, { handlers: { ask } });
    const execution = await runWith([[1, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)]]);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'NoChannel', stoppedAt: START });
    expect(typesOf(execution)).not.toContain('TaskSubmitted');
  });

  test('fails with its function if that times out', async () => {
    const bench = open({ TimeoutSeconds: 600 }, { handlers: { ask: sleeps(100_000) }, timeoutSeconds: 30 });
    expect(await bench.run()).toMatchObject({ error: 'Sandbox.Timedout', stoppedAt: START + 30_000 });
  });

  test("fails if its function's result is too large, and its token is then invalid", async () => {
    const tokens: string[] = [];
    const handlers: Handlers = { ask: ({ token }: TaskInput) => (tokens.push(token), 'x'.repeat(262_144)) };
    const Catch = [{ ErrorEquals: ['States.DataLimitExceeded'], Next: 'Rest' }];
    const { runWith, send } = open({ Catch }, { handlers });
    const execution = await runWith([[1, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)]]);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', stoppedAt: START + 60_000 });
  });

  test('has a token that nothing else receives', async () => {
    const elsewhere = only({ Type: 'Pass', Output: '{% $states.context.Task.Token %}', End: true });
    expect(await openBench(elsewhere).run()).toMatchObject({ error: 'States.QueryEvaluationError' });
    const { runWith, tokens, send } = open({ Output: '{% $exists($states.context.Task) %}' });
    expect(outputOf(await runWith([[1, () => send.success(tokens[0]!)]]))).toBe(false);
  });

  test('can occur many times at once', async () => {
    const inner = { StartAt: 'Ask', States: { Ask: waitForToken('ask', { End: true }) } };
    const machine = only({ Type: 'Map', Items: [1, 2, 3], ItemProcessor: inner, End: true });
    const { runWith, tokens, send } = open({}, { machine });
    const execution = await runWith([
      [1, () => send.success(tokens[2]!, 'c')],
      [2, () => send.success(tokens[0]!, 'a')],
      [3, () => send.success(tokens[1]!, 'b')],
    ]);
    expect([new Set(tokens).size, outputOf(execution)]).toEqual([3, ['a', 'b', 'c']]);
  });

  test("has a token in AWS's format", () => {
    const states = {
      A: waitForToken('ask', { TimeoutSeconds: '{% $states.input.seconds %}', HeartbeatSeconds: 60, End: true }),
    };
    expect(validate({ QueryLanguage: 'JSONata', StartAt: 'A', States: states }).errorsText()).toBe('');
  });
});

describe('a token that is used before the function returns', () => {
  /** The function runs for 20 seconds with the token. */
  const slow = (tokens: string[]): Handlers => ({
    ask: async ({ token }: TaskInput, clock: VirtualClock) => (tokens.push(token), await clock.sleep(20_000), 'late'),
  });

  test('by the function itself: the task ends, even if the function fails later', async () => {
    const ask = async ({ token }: TaskInput, clock: VirtualClock) => (
      await send.success(token, 'early'),
      await clock.sleep(20_000),
      fail('Late', '')
    );
    const { runWith, send } = open({}, { handlers: { ask } });
    const execution = await runWith([[30, () => undefined]]);
    expect(outputOf(execution)).toBe('early');
    expect(execution.stoppedAt).toBe(START);
    expect(typesOf(execution).slice(2, 5)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSucceeded']);
  });

  test('by another holder while the function runs, whose result is ignored', async () => {
    const tokens: string[] = [];
    const { runWith, send } = open({ Catch: [{ ErrorEquals: ['No'], Next: 'Rest' }] }, { handlers: slow(tokens) });
    const execution = await runWith([[3, () => send.failure(tokens[0]!, { error: 'No' })]]);
    expect(secondsOf(execution, 'TaskFailed')).toEqual([3]);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', stoppedAt: START + 63_000 });
    expect(typesOf(execution)).not.toContain('TaskSubmitted');
  });
});

describe('timeouts of a waiting task', () => {
  test('TimeoutSeconds, which may be an expression, is caught as States.Timeout', async () => {
    const Catch = [{ ErrorEquals: ['States.Timeout'], Next: 'Caught' }];
    const { runWith, tokens, send } = open({ TimeoutSeconds: '{% 50 + 10 %}', Catch });
    const execution = await runWith([[61, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)]]);
    expect(outputOf(execution)).toEqual({ to: 'Caught', input: { Error: 'States.Timeout', Cause: '' } });
    expect(secondsOf(execution, 'TaskTimedOut')).toEqual([60]);
    expect(ofType(execution, 'TaskTimedOut')[0]!.taskTimedOutEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      error: 'States.Timeout',
    });
  });

  test("TimeoutSeconds includes the function's run time", async () => {
    const execution = await open({ TimeoutSeconds: 10 }, { handlers: { ask: sleeps(20_000) } }).run();
    expect(execution).toMatchObject({ error: 'States.Timeout', stoppedAt: START + 10_000 });
    expect(typesOf(execution)).not.toContain('TaskSubmitted');
  });

  test.each([['States.HeartbeatTimeout'], ['States.Timeout'], ['States.ALL']])(
    'HeartbeatSeconds without a heartbeat is caught as %s',
    async (name) => {
      const Catch = [
        { ErrorEquals: ['States.TaskFailed'], Next: 'Refused' },
        { ErrorEquals: [name], Next: 'Caught' },
      ];
      const execution = await open({ HeartbeatSeconds: 30, TimeoutSeconds: 600, Catch }).run();
      expect(outputOf(execution)).toEqual({ to: 'Caught', input: { Error: 'States.Timeout', Cause: '' } });
      expect(secondsOf(execution, 'TaskTimedOut')).toEqual([30]);
      expect(ofType(execution, 'TaskScheduled')[0]).toMatchObject({
        taskScheduledEventDetails: { heartbeatInSeconds: 30, timeoutInSeconds: 600 },
      });
    },
  );

  test('a heartbeat restarts HeartbeatSeconds, but not TimeoutSeconds', async () => {
    const { runWith, tokens, send } = open({ HeartbeatSeconds: 30, TimeoutSeconds: 80 });
    const beat = () => send.heartbeat(tokens[0]!);
    const alive = await runWith([
      [20, beat],
      [45, beat],
      [70, beat],
    ]);
    expect(alive).toMatchObject({ error: 'States.Timeout', stoppedAt: START + 80_000 });
    const other = open({ HeartbeatSeconds: 30, TimeoutSeconds: 80 });
    const dead = await other.runWith([[20, () => other.send.heartbeat(other.tokens[0]!)]]);
    expect(dead).toMatchObject({ error: 'States.Timeout', stoppedAt: START + 50_000 });
    await expect(other.send.heartbeat(other.tokens[0]!)).rejects.toMatchObject(GONE);
  });

  test('a heartbeat that is not required is accepted, and is not in the history', async () => {
    const { runWith, tokens, send } = open();
    const execution = await runWith([
      [20, () => send.heartbeat(tokens[0]!)],
      [30, () => send.success(tokens[0]!)],
    ]);
    expect(typesOf(execution)).toHaveLength(8);
  });

  test.each([['TimeoutSeconds'], ['HeartbeatSeconds']])(
    '%s that is not a number of seconds fails the state before the function is called',
    async (field) => {
      const { tokens, ...bench } = open({ [field]: '{% 0 %}' });
      expect(await bench.run()).toMatchObject({
        error: 'States.QueryEvaluationError',
        cause: containing(`'${field}' must be a whole number of seconds`),
      });
      expect(tokens).toEqual([]);
    },
  );
});

describe('each attempt', () => {
  test('has a new token, and the previous one is refused', async () => {
    const Retry = [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 5, MaxAttempts: 1 }];
    const { runWith, tokens, send } = open({ TimeoutSeconds: 10, Retry });
    const execution = await runWith([
      [12, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)],
      [16, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)],
      [17, () => send.success(tokens[1]!, 'second')],
    ]);
    expect([outputOf(execution), new Set(tokens).size]).toEqual(['second', 2]);
  });

  test('after another visit of the state also has a new token', async () => {
    const rule = { Condition: "{% $states.input = 'again' %}", Next: 'It' };
    const Again = { Type: 'Choice', Choices: [rule], Default: 'Done' };
    const States = { It: waitForToken('ask', { Next: 'Again' }), Again, Done: { Type: 'Succeed' } };
    const { runWith, tokens, send } = open({}, { machine: { States } });
    const execution = await runWith([
      [1, () => send.success(tokens[0]!, 'again')],
      [2, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)],
      [3, () => send.success(tokens[1]!, 'enough')],
    ]);
    expect([outputOf(execution), new Set(tokens).size]).toEqual(['enough', 2]);
  });

  test('gets the same token for the same seed, a different one for another seed, and draws no random values for it', async () => {
    const tokenOf = async (seed: number) => {
      const { runWith, tokens, send, world } = open({}, { seed });
      await runWith([[1, () => send.success(tokens[0]!)]]);
      return { token: tokens[0]!, drawn: world.random.next() };
    };
    const first = await tokenOf(5);
    expect(await tokenOf(5)).toEqual(first);
    expect((await tokenOf(6)).token).not.toBe(first.token);
    // No random values of the world are drawn after the start, with or without a waiting task.
    const pass = only({ Type: 'Pass', End: true });
    expect(openService(pass, { seed: 5, functions: [functionOf('ask')] }).world.random.next()).toBe(first.drawn);
  });

  test('accepts only the first verdict, however soon the next follows', async () => {
    const visit = { executionArn: 'a', enteredEventId: 1, retryCount: 0 };
    const task = new TaskTokens(1).open(visit, { machineArn: MACHINE, isOver: () => false });
    const succeed = (output: number): boolean => task.decide({ kind: 'succeeded', output });
    expect([task.heartbeat(), succeed(1), succeed(2), task.heartbeat()]).toEqual([true, true, false, false]);
    expect(await task.decided).toEqual({ kind: 'succeeded', output: 1 });
  });

  test('has a token that differs from all others', () => {
    const tokens = new TaskTokens(1);
    const options = { machineArn: MACHINE, isOver: () => false };
    const made = ['a', 'b'].flatMap((executionArn) =>
      [1, 12].flatMap((enteredEventId) =>
        [0, 1, 2, 21].map((retryCount) => tokens.open({ executionArn, enteredEventId, retryCount }, options).token),
      ),
    );
    expect([new Set(made).size, made.every((token) => token.length >= 1 && token.length <= 2048)]).toEqual([16, true]);
  });
});

describe('the wait ends with', () => {
  test('StopExecution', async () => {
    const { executions, runWith, tokens, send } = open({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }] });
    const stop = async (running: Execution): Promise<void> => {
      const task = executions.tokens.find(tokens[0]!)!;
      running.stop('Mine', 'why');
      // At once, and after everything has been unwound.
      expect([task.decide({ kind: 'succeeded', output: 1 }), task.heartbeat()]).toEqual([false, false]);
      await expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE);
    };
    const execution = await runWith([
      [10, stop],
      [11, () => expect(send.heartbeat(tokens[0]!)).rejects.toMatchObject(GONE)],
    ]);
    expect(execution).toMatchObject({ status: 'ABORTED', error: 'Mine', stoppedAt: START + 10_000 });
    expect(typesOf(execution).slice(-2)).toEqual(['TaskSubmitted', 'ExecutionAborted']);
  });

  test("the machine's timeout", async () => {
    const { runWith, tokens, send } = open({}, { machine: { TimeoutSeconds: 20 } });
    const execution = await runWith([[21, () => expect(send.failure(tokens[0]!)).rejects.toMatchObject(GONE)]]);
    expect(execution).toMatchObject({ status: 'TIMED_OUT', stoppedAt: START + 20_000 });
  });

  test('the failure of a parallel branch', async () => {
    const States = { Rest: { Type: 'Wait', Seconds: 7, Next: 'Bad' }, Bad: { Type: 'Fail', Error: 'Bad' } };
    const Branches = [
      { StartAt: 'Ask', States: { Ask: waitForToken('ask', { End: true }) } },
      { StartAt: 'Rest', States },
    ];
    const { runWith, tokens, send } = open({}, { machine: only({ Type: 'Parallel', Branches, End: true }) });
    const execution = await runWith([[8, () => expect(send.success(tokens[0]!)).rejects.toMatchObject(GONE)]]);
    expect(execution).toMatchObject({ error: 'Bad', stoppedAt: START + 7000 });
    expect(typesOf(execution)).toContain('TaskStateAborted');
  });
});

describe('definitions', () => {
  const refused = (more: Record<string, unknown>) => () => openBench(only(waitForToken('ask', { End: true, ...more })));

  test('HeartbeatSeconds must be smaller than TimeoutSeconds', () => {
    expect(refused({ HeartbeatSeconds: 60, TimeoutSeconds: 60 })).toThrow(
      'States.A.HeartbeatSeconds: must be smaller than TimeoutSeconds',
    );
    expect(refused({ HeartbeatSeconds: 59, TimeoutSeconds: 60 })).not.toThrow();
  });

  test('an unsupported resource fails the state, and the error lists the supported ones', async () => {
    const Resource = 'arn:aws:states:::sqs:sendMessage.waitForTaskToken';
    expect(await openBench(only(waitForToken('ask', { Resource, End: true }))).run()).toMatchObject({
      error: 'States.Runtime',
      cause: containing('arn:aws:states:::lambda:invoke.waitForTaskToken'),
    });
  });
});
