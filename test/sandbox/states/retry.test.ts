import { describe, expect, test } from 'vitest';
import type { Retrier } from '../../../sandbox/states/definition.ts';
import { StateFailure, handles } from '../../../sandbox/states/failure.ts';
import { retryDelay } from '../../../sandbox/states/retry.ts';
import { Random } from '../../../sandbox/random.ts';
import {
  fail,
  functionOf,
  invoke,
  ofType,
  openBench,
  outputOf,
  runState,
  runTask,
  secondsOf,
  sleeps,
  START,
  typesOf,
} from './fixture.ts';
import { containing } from '../../lambdas/matchers.ts';

const failing = (name: string, times = Infinity) => {
  let calls = 0;
  return () => ((calls += 1) <= times ? fail(name, `call ${calls}`) : calls);
};

describe('Retry', () => {
  test('defaults to 3 attempts, 1 second, doubling each time', async () => {
    const execution = await runTask({ Retry: [{ ErrorEquals: ['E'] }] }, failing('E'));
    expect(execution.error).toBe('E');
    // 0, +1, +2, +4.
    expect(secondsOf(execution, 'TaskScheduled')).toEqual([0, 1, 3, 7]);
  });

  test('respects IntervalSeconds, BackoffRate and MaxDelaySeconds', async () => {
    const retry = { IntervalSeconds: 2, BackoffRate: 3, MaxDelaySeconds: 10, MaxAttempts: 4 };
    const execution = await runTask({ Retry: [{ ErrorEquals: ['States.ALL'], ...retry }] }, failing('E', 4));
    expect(outputOf(execution)).toBe(5);
    // 0, +2, +6, +10, +10.
    expect(secondsOf(execution, 'TaskScheduled')).toEqual([0, 2, 8, 18, 28]);
  });

  test('never runs with MaxAttempts 0', async () => {
    const execution = await runTask({ Retry: [{ ErrorEquals: ['E'], MaxAttempts: 0 }] }, failing('E'));
    expect(typesOf(execution).filter((type) => type === 'TaskScheduled')).toHaveLength(1);
  });

  test('has FULL jitter between zero and the delay, reproducibly', () => {
    const growing = { IntervalSeconds: 10, BackoffRate: 2, MaxAttempts: 9, MaxDelaySeconds: 60 };
    const retrier: Retrier = { ErrorEquals: ['E'], ...growing, JitterStrategy: 'FULL' };
    const draw = () => {
      const random = new Random(7);
      return Array.from({ length: 200 }, (_, index) => retryDelay(retrier, index % 5, random));
    };
    const delays = draw();
    expect(draw()).toEqual(delays);
    expect(new Set(delays).size).toBeGreaterThan(150);
    delays.forEach((delay, index) => {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.min(10 * 2 ** (index % 5), 60) * 1000);
    });
    expect(Math.max(...delays)).toBeGreaterThan(50_000);
  });

  test('counts separately for each retrier; the first match applies, even if it is exhausted', async () => {
    const errors = ['A', 'B', 'A', 'A'];
    const retry = [
      { ErrorEquals: ['A'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 100, BackoffRate: 1, MaxAttempts: 5 },
    ];
    const execution = await runTask({ Retry: retry }, () => fail(errors.shift() ?? 'none', ''));
    expect([execution.error, secondsOf(execution, 'TaskScheduled')]).toEqual(['A', [0, 1, 101, 102]]);
  });

  test('increments $states.context.State.RetryCount', async () => {
    const seen: unknown[] = [];
    const it = (count: number) => (seen.push(count), count < 2 ? fail('E', '') : count);
    const counted = { FunctionName: functionOf('it').arn, Payload: '{% $states.context.State.RetryCount %}' };
    await runTask({ Retry: [{ ErrorEquals: ['E'] }], Arguments: counted }, it);
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe('Catch', () => {
  test('assigns the error to variables and output', async () => {
    const shown = { error: '{% $states.errorOutput.Error %}', input: '{% $states.input.a %}' };
    const Catch = [
      { ErrorEquals: ['Other'], Next: 'No' },
      { ErrorEquals: ['States.ALL'], Next: 'Caught', Output: shown },
    ];
    const execution = await runState(invoke('it', { Catch, End: true }), { a: 1 }, { handlers: { it: failing('E') } });
    expect(outputOf(execution)).toEqual({ to: 'Caught', input: { error: 'E', input: 1 } });
    expect(typesOf(execution).slice(4, 6)).toEqual(['TaskFailed', 'TaskStateExited']);
  });

  test('uses the error as the output by default', async () => {
    const execution = await runTask({ Catch: [{ ErrorEquals: ['E'], Next: 'Caught' }] }, failing('E'));
    const input = { Error: 'E', Cause: containing('call 1') };
    expect(outputOf(execution)).toMatchObject({ input });
  });

  test('runs after the retries', async () => {
    const Retry = [{ ErrorEquals: ['E'], MaxAttempts: 2 }];
    const Catch = [{ ErrorEquals: ['E'], Next: 'Caught', Output: 1 }];
    const execution = await runTask({ Retry, Catch }, failing('E'));
    expect([outputOf(execution), execution.stoppedAt! - START]).toEqual([{ to: 'Caught', input: 1 }, 3000]);
  });

  test.each([
    [['States.ALL'], 'E', true],
    [['States.ALL'], 'States.Timeout', true],
    [['States.ALL'], 'States.QueryEvaluationError', true],
    [['States.ALL'], 'States.DataLimitExceeded', false],
    [['States.DataLimitExceeded'], 'States.DataLimitExceeded', true],
    [['States.ALL'], 'States.Runtime', false],
    [['States.Runtime'], 'States.Runtime', false],
    [['States.TaskFailed'], 'E', true],
    [['States.TaskFailed'], 'States.Timeout', false],
    [['States.Timeout'], 'States.Timeout', true],
    [['States.HeartbeatTimeout'], 'States.Timeout', false],
    [['E'], 'F', false],
  ])('%j matches %s: %s', (names, error, taken) =>
    expect(handles({ ErrorEquals: names }, new StateFailure(error))).toBe(taken),
  );

  test.each([
    [['States.HeartbeatTimeout'], true],
    [['States.Timeout'], true],
    [['States.ALL'], true],
    [['States.TaskFailed'], false],
  ])('%j matches a missing heartbeat: %s', (names, taken) => {
    const failure = new StateFailure('States.Timeout', undefined, 'States.HeartbeatTimeout');
    expect(handles({ ErrorEquals: names }, failure)).toBe(taken);
  });
});

describe('timeouts of a Task', () => {
  test('leave the invocation running, next to its retry', async () => {
    const effects: string[] = [];
    let calls = 0;
    const handlers = {
      it: async (_: unknown, clock: { sleep(ms: number): Promise<void>; now(): number }) => {
        calls += 1;
        const call = calls;
        await clock.sleep(call === 1 ? 30_000 : 5000);
        effects.push(`call ${call} at ${(clock.now() - START) / 1000}`);
        return call;
      },
    };
    const state = invoke('it', { TimeoutSeconds: 10, Retry: [{ ErrorEquals: ['States.Timeout'] }], Next: 'After' });
    const states = { It: state, After: { Type: 'Wait', Seconds: 60, End: true } };
    const bench = openBench({ StartAt: 'It', States: states }, { handlers });
    const execution = await bench.run();
    expect([outputOf(execution), secondsOf(execution, 'TaskTimedOut')]).toEqual([2, [10]]);
    expect(ofType(execution, 'TaskTimedOut')[0]).toMatchObject({
      taskTimedOutEventDetails: { error: 'States.Timeout', resource: 'invoke', resourceType: 'lambda' },
    });
    expect(effects).toEqual(['call 2 at 16', 'call 1 at 30']);
  });

  test.each([
    [{}, { Cause: '' }],
    [{ timeoutCause: 'empty' }, { Cause: '' }],
    [{ timeoutCause: 'absent' }, {}],
    [{ timeoutCause: 'text' }, { Cause: 'The task did not end in time.' }],
  ] as const)('are caught by name, with the knob %j: %j', async (knobs, cause) => {
    const state = { TimeoutSeconds: '{% 5 + 5 %}', Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Caught' }] };
    const input = { Error: 'States.Timeout', ...cause };
    expect(outputOf(await runTask(state, sleeps(20_000), { knobs }))).toEqual({ to: 'Caught', input });
  });

  test('of the function itself are Sandbox.Timedout', async () => {
    const functions = [functionOf('it', { timeoutSeconds: 3 })];
    const execution = await runTask({ TimeoutSeconds: 30 }, sleeps(20_000), { functions });
    expect(execution.error).toBe('Sandbox.Timedout');
    expect((JSON.parse(execution.cause!) as { errorMessage: string }).errorMessage).toMatch(
      /^2026-01-15T09:00:03.000Z [0-9a-f-]{36} Task timed out after 3.00 seconds$/,
    );
    expect(execution.stoppedAt! - START).toBe(3000);
  });
});
