/** No execution may come to the end of its history: docs/histories.md has the arithmetic. */
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { POLLS_PER_EXECUTION } from '../../lambdas/domain/sweep/executions.ts';
import { MOST_REPLANS } from '../../lambdas/domain/waiting/waiting.ts';
import { HISTORY_BOUNDS } from '../../lib/histories.ts';
import { MAX_EVENTS } from '../../sandbox/states/limits.ts';
import { parseDefinition } from '../../sandbox/states/parse-definition.ts';
import { UnboundedLoop } from '../../sandbox/states/validation/longest-walk.ts';
import { worstHistory } from '../../sandbox/states/validation/worst-history.ts';
import { histories, historiesDocument, writtenHistories } from '../../scripts/histories.ts';
import { migrateAddon, sweep } from './definition.ts';
import { containing } from '../lambdas/matchers.ts';

const all = await histories();

describe('the longest history', () => {
  it.each(all)('of $name has less events than an execution may have', ({ worst }) =>
    expect(worst.events).toBeLessThan(MAX_EVENTS),
  );

  it.each(all)('of $name has no loop that is not bounded', ({ bounds }) => {
    for (const loop of bounds.loops) expect(loop.why.length).toBeGreaterThan(20);
  });

  it('is in docs/histories.md: node scripts/histories.ts', async () =>
    expect(writtenHistories()).toBe(await historiesDocument()));

  it('would be too long where windows were looked for every ten minutes, for all of their time', () => {
    const definition = structuredClone(migrateAddon.definition);
    const retrier = definition.States.AwaitWindow!.Retry!.find(({ ErrorEquals }) =>
      ErrorEquals.includes('WindowFarOff'),
    )!;
    retrier.MaxAttempts = 2016;
    const { loops, detours, retries } = HISTORY_BOUNDS.MigrateAddon;
    const bounds = { loops, detours, retries: retries.filter(({ error }) => error !== 'WindowFarOff') };
    expect(worstHistory(parseDefinition('MigrateAddon', definition), bounds).events).toBeGreaterThan(MAX_EVENTS);
  });

  it('has a loop without a bound where pauses are not told apart', () => {
    const { loops, retries } = HISTORY_BOUNDS.MigrateAddon;
    expect(() => worstHistory(parseDefinition('MigrateAddon', migrateAddon.definition), { loops, retries })).toThrow(
      UnboundedLoop,
    );
  });

  it('would be too long where an execution could pause half as often again', () => {
    const { loops, retries, detours } = HISTORY_BOUNDS.MigrateAddon;
    const more = detours.map((each) => ({ ...each, passages: 1.5 * each.passages }));
    const definition = parseDefinition('MigrateAddon', migrateAddon.definition);
    expect(worstHistory(definition, { loops, retries, detours: more }).events).toBeGreaterThan(MAX_EVENTS);
  });

  it('would be too long where the retries of each look were not counted', () => {
    const { loops } = HISTORY_BOUNDS.Sweep;
    expect(worstHistory(parseDefinition('Sweep', sweep.definition), { loops }).events).toBeGreaterThan(MAX_EVENTS);
  });
});

describe('the bounds', () => {
  const evaluate = (expression: unknown, bindings: object): Promise<unknown> =>
    jsonata(String(expression).slice(2, -2)).evaluate({}, bindings as Record<string, unknown>);

  it('of a sweep: retries count as looks, of which the same number is made', async () => {
    const { tick } = sweep.states.DispatchSweep!.Assign!;
    const after = (RetryCount: number | undefined): Promise<unknown> =>
      evaluate(tick, { tick: 10, states: { context: { State: RetryCount === undefined ? {} : { RetryCount } } } });
    expect(await Promise.all([undefined, 0, 1, 3, 4, 37].map(after))).toEqual([10, 10, 11, 11, 12, 23]);
    // Whatever mixture of looks and retries it is, it takes no more events than looks alone.
    for (const retries of [0, 1, 2, 3, 4, 7, 37])
      expect(9 + 3 * retries).toBeLessThanOrEqual(9 * (1 + (Number(await after(retries)) - 10)));
    expect(POLLS_PER_EXECUTION).toBe(2000);
  });

  it('of a migration: it is planned so often and not once more', async () => {
    const { PlanAgain, Plan, IsStillAsPlanned } = migrateAddon.states;
    expect([Plan!.Assign, PlanAgain!.Assign]).toMatchObject([{ replans: 0 }, { replans: '{% $replans + 1 %}' }]);
    const [last] = IsStillAsPlanned!.Choices!;
    expect(last!.Next).toBe('RecordBlocked');
    const isLast = (replans: number, verdict = 'migrate'): Promise<unknown> =>
      evaluate(last!.Condition, { replans, states: { input: { verdict } } });
    expect([await isLast(MOST_REPLANS), await isLast(MOST_REPLANS + 1)]).toEqual([false, true]);
    expect(await isLast(MOST_REPLANS + 1, 'already-migrated')).toBe(false);
    expect(await evaluate(last!.Assign!.failure, {})).toMatchObject({
      Error: 'WaitedTooOften',
      Cause: containing('Nothing was changed.'),
    });
  });
});
