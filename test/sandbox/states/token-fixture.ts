/** A task that waits for its token, and the real client as the token's holder. */

import type { Execution } from '../../../sandbox/states/executions.ts';
import type { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { functionOf, type Handlers, MACHINE, openService, START, waitForToken } from './fixture.ts';

export type TaskInput = { token: string };
/** The error for a token that is no longer valid. */
export const GONE = {
  name: 'TaskTimedOut',
  message: "Task Timed Out: 'Provided task does not exist anymore'",
  $metadata: { httpStatusCode: 400 },
};

export interface WaitingOptions {
  handlers?: Handlers;
  /** Fields of the state machine. */
  machine?: Record<string, unknown>;
  seed?: number;
  clock?: VirtualClock;
  /** Settings of the function. */
  timeoutSeconds?: number;
}

/**
 * One waiting task, two states that a Catch may name, and `Rest`, which lasts a minute. `tokens` are those that the
 * function was called with.
 */
export const openWaiting = (
  more: Record<string, unknown> = {},
  { handlers: others, machine, timeoutSeconds = 60, ...options }: WaitingOptions = {},
) => {
  const tokens: string[] = [];
  const handlers: Handlers = { ask: ({ token }: TaskInput) => ({ asked: tokens.push(token) }), ...others };
  const named = (name: string) =>
    [name, { Type: 'Pass', Output: { to: name, input: '{% $states.input %}' }, End: true }] as const;
  const states = {
    It: waitForToken('ask', { End: true, ...more }),
    ...Object.fromEntries(['Caught', 'Refused'].map(named)),
    Rest: { Type: 'Wait', Seconds: 60, End: true },
  };
  const functions = [functionOf('ask', { timeoutSeconds })];
  const bench = openService({ StartAt: 'It', States: states, ...machine }, { handlers, functions, ...options });
  const { client, clock, executions } = bench;
  const send = {
    success: (taskToken: string, output: unknown = 'yes') =>
      client.sendTaskSuccess({ taskToken, output: JSON.stringify(output) }),
    failure: (taskToken: string, reason: { error?: string; cause?: string } = {}) =>
      client.sendTaskFailure({ taskToken, ...reason }),
    heartbeat: (taskToken: string) => client.sendTaskHeartbeat({ taskToken }),
  };
  /** Starts one execution, and calls a function after that many seconds, on a separate thread. */
  const runWith = async (script: [seconds: number, act: (execution: Execution) => unknown][]): Promise<Execution> => {
    const execution = executions.start(MACHINE, '{}', 'run');
    await clock.spawn(async () => {
      for (const [seconds, act] of script) {
        await clock.sleep(START + seconds * 1000 - clock.now());
        await act(execution);
      }
    });
    await execution.ended;
    return execution;
  };
  const seconds = (): number => (clock.now() - START) / 1000;
  return { ...bench, tokens, send, runWith, seconds };
};
