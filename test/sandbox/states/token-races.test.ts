/** Tasks that wait for their token: how time passes meanwhile, and which of several endings counts. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Execution } from '../../../sandbox/states/executions.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import { MACHINE, outputOf, START, typesOf, waitForToken } from './fixture.ts';
import { openWaiting as open } from './token-fixture.ts';

type Act = 'success' | 'failure' | 'stop';
const ACTS: Act[] = ['success', 'failure', 'stop'];
/** The actions on a bench's execution; each rejects if it is refused. */
const actsOf = (
  { send, tokens }: ReturnType<typeof open>,
  execution: Execution,
): Record<Act, () => Promise<unknown>> => ({
  success: () => send.success(tokens[0]!),
  failure: () => send.failure(tokens[0]!, { error: 'No' }),
  stop: async () => execution.stop('Stopped'),
});

describe('virtual time', () => {
  test('jumps to the timeout if nothing else is pending', async () => {
    const bench = open({ TimeoutSeconds: 86_400 });
    expect([(await bench.run()).error, bench.seconds()]).toEqual(['States.Timeout', 86_400]);
  });

  test('stands still without a timeout, until a caller that is not a thread acts', async () => {
    const { executions, clock, tokens, send, seconds } = open(
      {},
      { clock: new VirtualClock(START, { stuckAfter: { turns: 50, milliseconds: 0 } }) },
    );
    const execution = executions.start(MACHINE, '{}', 'run');
    await clock.spawn(() => clock.sleep(1000));
    // More turns of the event loop than this clock needs to detect that it is stuck.
    for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
    expect([execution.status, seconds()]).toEqual(['RUNNING', 1]);
    await send.success(tokens[0]!, 'after all');
    await execution.ended;
    expect([outputOf(execution), seconds()]).toEqual(['after all', 1]);
  });

  test('does not jump to the timeouts of a finished task', async () => {
    const last = {
      StartAt: 'It',
      States: {
        It: waitForToken('ask', { TimeoutSeconds: 3600, HeartbeatSeconds: 600, Next: 'Again' }),
        Again: waitForToken('ask', { End: true }),
      },
    };
    const { executions, clock, tokens, send, seconds } = open({}, { machine: last });
    const execution = executions.start(MACHINE, '{}', 'run');
    await clock.spawn(async () => {
      await clock.sleep(1000);
      await send.heartbeat(tokens[0]!);
      await send.success(tokens[0]!);
    });
    for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
    expect([tokens.length, execution.status, seconds()]).toEqual([2, 'RUNNING', 1]);
    await send.success(tokens[1]!);
    await execution.ended;
  });
});

describe('the first ending', () => {
  const moments = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 6, maxLength: 6 });

  test('decides, once: only the successful sender has decided', async () => {
    const winners = new Set<string>();
    await fc.assert(
      fc.asyncProperty(moments, async ([success, failure, stop, timeout, heartbeat, machine]) => {
        const at = { success: success!, failure: failure!, stop: stop! };
        // As an expression, the timeout may be the shorter one.
        const bench = open(
          { TimeoutSeconds: `{% ${timeout} %}`, HeartbeatSeconds: heartbeat! },
          { machine: { TimeoutSeconds: machine! } },
        );
        const { executions, clock } = bench;
        const execution = executions.start(MACHINE, '{}', 'run');
        const acts = actsOf(bench, execution);
        const counted: Act[] = [];
        const act = async (name: Act): Promise<void> => {
          await clock.sleep(at[name] * 1000);
          const wasRunning = execution.status === 'RUNNING';
          const taken = await acts[name]().then(
            () => true,
            () => false,
          );
          if (taken && (name !== 'stop' || wasRunning)) counted.push(name);
        };
        await Promise.all(ACTS.map((name) => clock.spawn(() => act(name))));
        await execution.ended;

        const ends: [
          at: number,
          winner: string,
          status: string,
          error: string | undefined,
          event: string | undefined,
        ][] = [
          [at.success, 'success', 'SUCCEEDED', undefined, 'TaskSucceeded'],
          [at.failure, 'failure', 'FAILED', 'No', 'TaskFailed'],
          [at.stop, 'stop', 'ABORTED', 'Stopped', undefined],
          [timeout!, 'time-out', 'FAILED', 'States.Timeout', 'TaskTimedOut'],
          [heartbeat!, 'heartbeat', 'FAILED', 'States.Timeout', 'TaskTimedOut'],
          [machine!, "machine's time-out", 'TIMED_OUT', 'States.Timeout', undefined],
        ];
        const [when, winner, status, error, event] = ends.toSorted(([a], [b]) => a - b)[0]!;
        expect({ at: (execution.stoppedAt! - START) / 1000, status: execution.status, error: execution.error }).toEqual(
          { at: when, status, error },
        );
        expect(counted).toEqual(ACTS.filter((name) => name === winner));
        expect(typesOf(execution).filter((type) => /^Task(Succeeded|Failed|TimedOut)$/.test(type))).toEqual(
          event ? [event] : [],
        );
        winners.add(winner);
      }),
      { numRuns: 150, seed: 20_260_115 },
    );
    expect(winners.size).toBe(6);
  });

  test('also decides alone if several happen at the same time', async () => {
    const endings = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(ACTS, { minLength: 3 }), fc.boolean(), async (order, limitFirst) => {
        const bench = open({ TimeoutSeconds: 5 });
        const { executions, clock } = bench;
        const execution = executions.start(MACHINE, '{}', 'run');
        const acts = actsOf(bench, execution);
        const taken: Act[] = [];
        // Timers of the same time fire in the order of their creation.
        if (limitFirst) await clock.spawn(() => clock.sleep(1));
        const sendAt = async (name: Act): Promise<void> => {
          await clock.sleep(START + 5000 - clock.now());
          await acts[name]().then(
            () => taken.push(name),
            () => undefined,
          );
        };
        await Promise.all(order.map((name) => clock.spawn(() => sendAt(name))));
        await execution.ended;
        const ending =
          { No: 'failure', Stopped: 'stop', 'States.Timeout': 'time-out' }[execution.error ?? ''] ?? 'success';
        endings.add(ending);
        expect(execution.stoppedAt).toBe(START + 5000);
        expect(taken.filter((name) => name !== 'stop')).toEqual(
          ACTS.filter((name) => name !== 'stop' && name === ending),
        );
      }),
      { numRuns: 40, seed: 20_260_115 },
    );
    expect([...endings].sort()).toEqual(['failure', 'stop', 'success', 'time-out']);
  });
});
