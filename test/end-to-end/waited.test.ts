/** Waits that are long or frequent: the history of an execution keeps room for what comes after them. */
import { expect, it } from 'vitest';
import { MOST_REPLANS } from '../../lambdas/domain/waiting/waiting.ts';
import type { HistoryEvent } from '../../sandbox/states/history.ts';
import { ADDON } from './fixture.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const MINUTE = 60_000;
/** The world begins on 15 January at 09:00 UTC. */
const START = Date.parse('2026-01-15T09:00:00.000Z');

const eventsOf = ({ backend }: OpenWorld): HistoryEvent[] =>
  backend.sandbox.executions.list(backend.stateMachineArn).flatMap(({ history }) => history.events);
/** Minutes after the start at which the step checked for the window. */
const pollsOf = ({ backend }: OpenWorld): number[] =>
  backend.sandbox.world.log.calls
    .filter(({ step, operation }) => step === 'await-window' && operation === 'Query')
    .map(({ at }) => Math.floor((Date.parse(at) - START) / MINUTE));

it('a window that opens in three days is checked for each hour, and every ten minutes in the last hour', () =>
  inWorld({ scenario: 'in-place' }, async (world) => {
    const changeWindow = { schedule: '0 12 18 1 *', durationMinutes: 15, timeZone: 'UTC', waitAtMostHours: 336 };
    const report = await world.migrate({ addon: ADDON, changeWindow });
    expect(report.outcome).toBe('migrated');
    const opens = Date.parse('2026-01-18T12:00:00.000Z');
    const begun = Date.parse(report.steps.find(({ name }) => name === 'begin')!.startedAt);
    expect([begun >= opens, begun < opens + 12 * MINUTE]).toEqual([true, true]);
    const checks = [...new Set(pollsOf(world))];
    expect(
      checks
        .slice(1)
        .map((at, index) => at - checks[index]!)
        .filter((gap) => gap > 61),
    ).toEqual([]);
    // 75 hours, with six checks in the last one.
    expect(checks.length).toBeGreaterThan(75);
    expect(checks.length).toBeLessThan(88);
    expect(eventsOf(world).length).toBeLessThan(500);
  }));

it('a migration that has waited many times ends blocked instead of waiting once more, and reports why', () =>
  inWorld(
    {
      scenario: 'in-place',
      definitionOf: ({ definition }) =>
        JSON.parse(JSON.stringify(definition).replaceAll(`$replans > ${MOST_REPLANS}`, '$replans > 0')) as object,
    },
    async (world) => {
      const changeWindow = { schedule: '0 11 * * *', durationMinutes: 60, timeZone: 'UTC', waitAtMostHours: 24 };
      expect(await world.migrate({ addon: ADDON, changeWindow })).toMatchObject({
        outcome: 'blocked',
        failure: { name: 'WaitedTooOften', message: containing('Nothing was changed.') },
      });
      expect([world.changes(), await world.backend.ledger.listHeldLocks()]).toEqual([[], []]);
    },
  ));
