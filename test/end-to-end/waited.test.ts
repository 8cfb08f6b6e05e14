/** Waits that are long, or many: an execution has room in its history for what comes after them. */
import { describe, expect, it } from 'vitest';
import { MOST_REPLANS } from '../../lambdas/domain/waiting/waiting.ts';
import type { HistoryEvent } from '../../sandbox/states/history.ts';
import { ADDON } from './fixture.ts';
import { inWorld, type OpenWorld } from './world.ts';

const MINUTE = 60_000;
/** The world begins on 15 January at 9:00 in UTC. */
const START = Date.parse('2026-01-15T09:00:00.000Z');

const eventsOf = ({ backend }: OpenWorld): HistoryEvent[] =>
  backend.sandbox.executions.list(backend.stateMachineArn).flatMap(({ history }) => history.events);
/** Minutes after the start at which the step looked for the window. */
const pollsOf = ({ backend }: OpenWorld): number[] =>
  backend.sandbox.world.log.calls
    .filter(({ step, operation }) => step === 'await-window' && operation === 'Query')
    .map(({ at }) => Math.floor((Date.parse(at) - START) / MINUTE));

describe('a window that opens in ten days', () => {
  it('is looked for each hour, and every ten minutes in the last one', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const changeWindow = { schedule: '0 12 25 1 *', durationMinutes: 15, timeZone: 'UTC', waitAtMostHours: 336 };
      const report = await world.migrate({ addon: ADDON, changeWindow });
      expect(report.outcome).toBe('migrated');
      const opens = Date.parse('2026-01-25T12:00:00.000Z');
      const begun = Date.parse(report.steps.find(({ name }) => name === 'begin')!.startedAt);
      expect([begun >= opens, begun < opens + 12 * MINUTE]).toEqual([true, true]);
      const looks = [...new Set(pollsOf(world))];
      const gaps = looks.slice(1).map((at, index) => at - looks[index]!);
      expect(gaps.filter((gap) => gap > 61)).toEqual([]);
      // 243 hours, of which the last one has six looks.
      expect(looks.length).toBeGreaterThan(243);
      expect(looks.length).toBeLessThan(256);
      expect(eventsOf(world).length).toBeLessThan(1000);
    }));
});

describe('a migration that has waited again and again', () => {
  it('ends blocked rather than to wait once more, and says so', () =>
    inWorld(
      {
        scenario: 'in-place',
        definitionOf: ({ definition }) =>
          JSON.parse(JSON.stringify(definition).replaceAll(`$replans > ${MOST_REPLANS}`, '$replans > 0')) as object,
      },
      async (world) => {
        const changeWindow = { schedule: '0 11 * * *', durationMinutes: 60, timeZone: 'UTC', waitAtMostHours: 24 };
        const report = await world.migrate({ addon: ADDON, changeWindow });
        expect(report).toMatchObject({
          outcome: 'blocked',
          failure: { name: 'WaitedTooOften', message: expect.stringContaining('Nothing was changed.') as string },
        });
        expect(world.changes()).toEqual([]);
        expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
      },
    ));
});
