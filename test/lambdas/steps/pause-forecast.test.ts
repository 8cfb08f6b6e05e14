/** For how long a state pauses, where the plan has forecast what it waits for; and what others are told. */
import { describe, expect, it } from 'vitest';
import { pauseStep } from '../../../lambdas/steps/pause/handler.ts';
import { invoke } from '../fakes.ts';
import { aRequest, aSnapshot, at, MIGRATION_ID } from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';

const forecast = (seconds: number) => ({
  seconds: seconds + 30,
  atMostSeconds: seconds + 60,
  assumed: false,
  workloads: [
    {
      kind: 'StatefulSet' as const,
      namespace: 'kube-system',
      name: 'driver',
      pods: 10,
      atOnce: 1,
      secondsEach: seconds / 10,
      seconds,
      longestStartSeconds: seconds / 10,
    },
  ],
});
const pause = async (fakes: Begun, error = 'PodsNotSettled', back = false): Promise<number> => {
  const input = {
    migrationId: MIGRATION_ID,
    state: 'VerifyPods',
    back,
    error,
    cause: '',
    pauses: 1,
    executionStartedAt: at(0),
  };
  return ((await invoke(pauseStep, input, fakes)) as { seconds: number }).seconds;
};
const started = (seconds: number, change: object = {}): Promise<Begun> =>
  begun({ plan: { forecast: forecast(seconds) }, ...change });
const sinceSnapshot = ({ clock }: Begun): number => (clock.now() - Date.parse(aSnapshot().takenAt)) / 1000;

describe('a pause for pods', () => {
  it.each(['PodsNotSettled', 'AddonNotActive'])('ends shortly before their forecast end (%s)', async (error) => {
    const fakes = await started(300 + sinceSnapshot(await started(0)));
    fakes.clock.advance(100_000);
    const step = await pause(fakes, error);
    expect(step).toBeGreaterThanOrEqual(180);
    expect(step).toBeLessThanOrEqual(200);
  });
  it('looks from time to time whether something goes wrong', async () => {
    const step = await pause(await started(100_000 + sinceSnapshot(await started(0))));
    expect(step).toBeGreaterThanOrEqual(300);
    expect(step).toBeLessThanOrEqual(330);
  });
  it('is short if the forecast has passed, if it is about another cause, and during a rollback', async () => {
    const long = (): Promise<Begun> => started(100_000);
    expect(await pause(await started(0))).toBeLessThan(5);
    expect(await pause(await long(), 'AddonStillThere')).toBeLessThan(5);
    expect(await pause(await long(), 'PodsNotSettled', true)).toBeLessThan(5);
  });
});

describe('a wait that outlasts what the request allows', () => {
  it('is told of, once', async () => {
    const fakes = await started(600, { record: { request: { ...aRequest(), maxDurationMinutes: 1 } } });
    const told = async (): Promise<boolean | undefined> => (await fakes.record()).waitingFor?.notified;
    fakes.clock.advance(Math.max(0, 59_000 - sinceSnapshot(fakes) * 1000));
    await pause(fakes);
    expect(await told()).toBe(false);
    fakes.clock.advance(2000);
    await pause(fakes);
    expect(await told()).toBe(true);
    await pause(fakes);
    expect(fakes.journal.of('ledger.noteWait').map(([, , events]) => (events as unknown[]).length)).toEqual([0, 1, 0]);
  });
  it('is told of to nobody where the request allows any time', async () => {
    const fakes = await started(600);
    fakes.clock.advance(30 * 60_000);
    await pause(fakes);
    expect((await fakes.record()).waitingFor?.notified).toBe(false);
  });
});
