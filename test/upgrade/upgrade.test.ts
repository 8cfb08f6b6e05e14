/**
 * An upgrade with migrations in flight: the previous release's definitions with today's functions, and today's with the
 * ledger that its code wrote. `upgrade.grid.test.ts` compares every migration with today's.
 */
import { DeleteAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { retireAndFollow } from '../../cli/service/retire.ts';
import { silentProgress } from '../../cli/progress.ts';
import { inApiWorld, pending, WANTS_APPROVAL } from '../end-to-end/api-world.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { inWorld } from '../end-to-end/world.ts';
import {
  cases,
  CONTROLLER,
  expectEnds,
  expectPutBack,
  expectRolledBack,
  expectSameEnds,
  LEVEL_OF_PREVIOUS,
  note,
  rolledBack,
  seen,
  stopped,
} from './cases.ts';
import { keptLedger, keptText, MACHINES, previousOf, refusedInputs, statesOf, writeLedger } from './previous.ts';

/** The cases that this file compares with today's. */
const COMPARED = new Set(['with preserve, and pods that are restarted', 'of a service account']);
/** The cases that only the grid plays: the other cases have all of their states. */
const OF_GRID = new Set([
  'in place',
  'in a second attempt',
  'of which nothing is wanted but the plan',
  'that is blocked',
]);
const ended = cases.filter(({ title }) => !COMPARED.has(title) && !OF_GRID.has(title));
/** A stop that today's Recover takes over, and those that make the previous release's call all of its steps. */
const STOPPED = stopped.filter(({ by }, index) => index === 0 || (by === 'the previous' && index > 1));

describe("the previous release's MigrateAddon, with today's functions", () => {
  it.each(cases.filter(({ title }) => COMPARED.has(title)))('ends a migration $title as today’s does', (one) =>
    expectSameEnds(one),
  );

  it.each(ended)('ends a migration $title', async (one) =>
    expect(await expectEnds(one)).toMatchObject({ report: { outcome: one.outcome } }),
  );
});

describe('a migration whose definition may not know the level that it asks for', () => {
  it('ends at the level that its states reach, with the reason if that is lower', () =>
    inWorld({ scenario: 'preserve', definitionOf: previousOf(MACHINES) }, async (world) => {
      const { outcome, verified, warnings } = await world.migrate({ addon: ADDON, verification: 'ready' });
      expect({ outcome, verified, warnings: warnings.map(({ id }) => id) }).toEqual({
        outcome: 'migrated',
        verified: LEVEL_OF_PREVIOUS,
        warnings: LEVEL_OF_PREVIOUS === 'ready' ? [] : ['stability-not-observed'],
      });
      expect(refusedInputs(world)).toEqual([]);
    }));
});

it('a migration that waits during the upgrade for an approval, then for its window, is migrated', () =>
  inApiWorld({ definitionOf: previousOf(MACHINES) }, async ({ world, sandbox, ann, bob }) => {
    const changeWindow = { schedule: '0 12 * * *', durationMinutes: 60, timeZone: 'UTC' };
    const id = await ann.migrate({ ...WANTS_APPROVAL, changeWindow });
    const { planHash } = await pending(sandbox, bob, id);
    await bob.approve(id, planHash);
    await world.rest();
    expect(await ann.shown(id)).toMatchObject({ outcome: 'migrated', verified: LEVEL_OF_PREVIOUS });
    note('MigrateAddon', statesOf(world, 'MigrateAddon'));
    expect(refusedInputs(world)).toEqual([]);
  }));

describe('a migration that stops during the upgrade', () => {
  it.each(STOPPED)('$title is rolled back by $by Recover', (one) => expectPutBack(one));

  it('is finished by the previous Recover if its pods are verified', () =>
    inWorld(
      {
        scenario: 'preserve',
        faults: [{ step: 'verify-pods', operation: 'list pods', kind: 'abort-after' }],
        definitionOf: previousOf(MACHINES),
      },
      async (world) => {
        // It stopped before its pods could be observed.
        expect(await world.migrate({ addon: ADDON })).toMatchObject({ outcome: 'migrated', verified: 'injected' });
        expect(refusedInputs(world)).toEqual([]);
      },
    ));
});

it.each(rolledBack.filter(({ by }) => by === 'the previous'))(
  'a rollback that is requested after the upgrade $title, by $by Recover',
  (one) => expectRolledBack(one),
);

describe('the ledger that the previous release’s code wrote', () => {
  it.each(['migrated', 'rolled-back'] as const)(
    'has a migration that ended %s, which today’s code reads completely',
    (outcome) => {
      const kept = keptLedger(outcome);
      return inWorld({ scenario: kept.scenario }, async (world) => {
        await writeLedger(world, kept);
        const report = await world.report(kept.migrationId);
        const verified = outcome === 'migrated' ? LEVEL_OF_PREVIOUS : 'injected';
        expect(report).toMatchObject({ outcome, verified, migrationId: kept.migrationId });
        expect(report.steps.length).toBeGreaterThan(5);
        expect(report.plan!.addon!.name).toBe(ADDON);
      });
    },
  );

  it.each([true, false])(
    'has one in flight: today’s code rolls back what it left, requested (%s) or found',
    (asked) => {
      const kept = keptLedger('in-flight');
      return inWorld({ scenario: kept.scenario }, async (world) => {
        const before = world.readAddon(ADDON, CONTROLLER);
        // The migration had come this far: the add-on is gone.
        const { target, backend } = world;
        await backend.sandbox
          .clients()
          .eks()
          .send(new DeleteAddonCommand({ clusterName: target.cluster, addonName: ADDON }));
        await world.later(10 * 60_000);
        expect(world.readAddon(ADDON, CONTROLLER)).toMatchObject({ addon: undefined });
        await writeLedger(world, kept);
        expect(await backend.ledger.listHeldLocks()).not.toEqual([]);
        if (asked) await world.rollBack({ migrationId: kept.migrationId });
        await world.later(15 * 60_000);
        await world.rest();
        expect(refusedInputs(world)).toEqual([]);
        expect(await world.report(kept.migrationId)).toMatchObject({
          outcome: 'rolled-back',
          verified: 'injected',
          ...(asked ? { rollback: { cause: 'requested' } } : { recovery: { cause: 'stranded' } }),
        });
        // Its left-over association is restored as well, and new pods use it.
        expect(world.readAddon(ADDON, CONTROLLER)).toEqual({ ...before, pods: ['pod-identity', 'pod-identity'] });
        expect(await backend.ledger.listHeldLocks()).toEqual([]);
        expect((await world.migrate({ addon: ADDON })).outcome).toBe('migrated');
      });
    },
  );
});

it("the previous release's Retire, with today's functions retires, and reinstates", () =>
  inWorld({ scenario: 'in-place', definitionOf: previousOf(MACHINES) }, async (world) => {
    const { migrationId, outcome } = await world.migrate({ addon: ADDON });
    expect(outcome).toBe('migrated');
    const request = { migrationId, dryRun: false, soakDays: 0 };
    const retired = await retireAndFollow(world.backend, { ...request, action: 'retire' }, silentProgress);
    expect(retired.roles.map(({ result }) => result)).toEqual(['removed']);
    const putBack = await retireAndFollow(world.backend, { ...request, action: 'reinstate' }, silentProgress);
    expect(putBack.roles.map(({ result }) => result)).toEqual(['restored']);
    note('Retire', statesOf(world, 'Retire'));
    expect(refusedInputs(world)).toEqual([]);
  }));

describe('these tests', () => {
  // Only if all of them ran: alone, this test has seen nothing.
  it('have called every step that a kept definition calls', () => {
    const missed = MACHINES.flatMap((machine) => {
      const { States } = JSON.parse(keptText(machine)) as {
        States: Record<string, { Type: string; Arguments?: { FunctionName?: string } }>;
      };
      const steps = Map.groupBy(
        Object.entries(States).filter(([, { Arguments }]) => Arguments?.FunctionName !== undefined),
        ([, { Arguments }]) => Arguments!.FunctionName!,
      );
      return [...steps]
        .filter(([, states]) => !states.some(([state]) => seen[machine].has(state)))
        .map(([step]) => `${machine}: ${step}`);
    });
    expect(missed).toEqual([]);
  });

  it('report which step refuses what if a handler requires more than the previous definition sends', () =>
    inWorld(
      {
        scenario: 'preserve',
        definitionOf: previousOf(MACHINES, (text) =>
          text.replaceAll('"fence":"{% $fence %}"', '"fenced":"{% $fence %}"'),
        ),
      },
      async (world) => {
        expect(await world.migrate({ addon: ADDON })).toMatchObject({ outcome: 'needs-human' });
        expect(refusedInputs(world)).toEqual(
          ['update-addon', 'restore-associations'].map(
            (step) => `The input of step ${step} is wrong: fence: is missing`,
          ),
        );
      },
    ));

  it('report which step is missing if it is no longer deployed', async () => {
    const gone = inWorld(
      {
        scenario: 'preserve',
        definitionOf: previousOf(MACHINES, (text) => text.replaceAll('${step:plan}', '${step:think}')),
      },
      (world) => world.migrate({ addon: ADDON }),
    );
    await expect(gone).rejects.toThrow(
      "The previous release's definition calls step:think, which this one does not deploy",
    );
  });
});
