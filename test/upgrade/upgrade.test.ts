/**
 * An upgrade with migrations in flight: the previous release's definitions over today's functions, and today's over the
 * ledger that its code wrote.
 */
import { DeleteAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { retireAndFollow } from '../../cli/retire.ts';
import { silentProgress } from '../../cli/progress.ts';
import type { MigrationReport } from '../../lambdas/domain/model.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from '../end-to-end/world.ts';
import {
  keptLedger,
  keptText,
  type MachineName,
  MACHINES,
  previousOf,
  refusedInputs,
  statesOf,
  writeLedger,
} from './previous.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const CONTROLLER = 'ebs-csi-controller-sa';

interface Case extends Omit<WorldOptions, 'scenario'> {
  title: string;
  asked: Asked;
  outcome: string;
  scenario?: string;
}
const cases: Case[] = [
  { title: 'in place', asked: { addon: ADDON }, outcome: 'migrated' },
  { title: 'by deletion', asked: { addon: ADDON, strategy: 'recreate' }, outcome: 'migrated' },
  {
    title: 'with preserve, and pods that are restarted',
    asked: { addon: ADDON, strategy: 'recreate', preserve: true },
    outcome: 'migrated',
  },
  { title: 'on the second way', scenario: 'auto-climbs', asked: { addon: ADDON }, outcome: 'migrated' },
  {
    title: 'with an association that is purged and carried over',
    scenario: 'left-over-target-role',
    asked: { addon: ADDON },
    outcome: 'migrated',
  },
  {
    title: 'with trust repair',
    scenario: 'trust-repair',
    asked: { addon: ADDON, trust: 'repair' },
    outcome: 'migrated',
  },
  {
    title: 'with the agent installed',
    scenario: 'agent-absent',
    asked: { addon: ADDON, agent: 'install' },
    outcome: 'migrated',
  },
  {
    title: 'of a service account',
    scenario: 'service-account-irsa',
    asked: { serviceAccount: ACCOUNT, annotation: 'remove' },
    outcome: 'migrated',
  },
  { title: 'of which nothing is wanted but the plan', asked: { addon: ADDON, dryRun: true }, outcome: 'planned' },
  { title: 'that is blocked', scenario: 'trust-deny', asked: { addon: ADDON }, outcome: 'blocked' },
  {
    title: 'that is rolled back',
    asked: { addon: ADDON, strategy: 'recreate' },
    knobs: { webhookLagSeconds: 86_400 },
    outcome: 'rolled-back',
  },
  {
    title: 'that meets transient failures',
    asked: { addon: ADDON, strategy: 'recreate' },
    faults: [
      { step: 'create-addon', operation: 'CreateAddon', kind: 'lost-after' },
      { step: 'delete-addon', operation: 'DeleteAddon', kind: 'throttled' },
      { step: 'verify-pods', operation: 'list pods', kind: 'server-error' },
    ],
    outcome: 'migrated',
  },
];

/** What must not differ between two releases. */
const essenceOf = ({ outcome, verified, failure, associations }: MigrationReport): object => ({
  outcome,
  verified,
  failure: failure?.name,
  restored: associations.restored.length,
});
const lookAt = (world: OpenWorld, { serviceAccount }: Asked): object =>
  serviceAccount ? world.lookAtAccount(ACCOUNT) : world.look(ADDON, CONTROLLER);

const play = ({ asked, scenario = 'preserve', knobs = {}, faults = [] }: Case, machines: readonly MachineName[]) =>
  inWorld({ scenario, knobs, faults, definitionOf: previousOf(machines) }, async (world) => {
    const report = essenceOf(await world.migrate(asked));
    await world.rest();
    const ends = { report, look: lookAt(world, asked), locks: await world.backend.ledger.listHeldLocks() };
    return { ends, refused: refusedInputs(world), states: statesOf(world, 'MigrateAddon') };
  });

const seen: Record<MachineName, Set<string>> = { MigrateAddon: new Set(), Recover: new Set(), Retire: new Set() };
const note = (machine: MachineName, states: Set<string>): void => {
  for (const state of states) seen[machine].add(state);
};

describe("the previous release's MigrateAddon, over today's functions", () => {
  it.each(cases)('ends a migration $title as today’s does', async (one) => {
    const before = await play(one, MACHINES);
    note('MigrateAddon', before.states);
    expect(before.refused).toEqual([]);
    expect(before.ends).toMatchObject({ report: { outcome: one.outcome }, locks: [] });
    const { ends } = await play(one, []);
    expect(before.ends).toEqual(ends);
  });
});

const STOPS = [
  {
    title: 'in place',
    asked: { addon: ADDON },
    fault: { step: 'update-addon', operation: 'UpdateAddon', kind: 'abort-after' },
  },
  {
    title: 'by deletion',
    asked: { addon: ADDON, strategy: 'recreate' },
    fault: { step: 'create-addon', operation: 'CreateAddon', kind: 'abort-before' },
  },
  {
    title: 'of a service account',
    scenario: 'service-account-irsa',
    asked: { serviceAccount: ACCOUNT, annotation: 'remove' },
    fault: { step: 'create-association', operation: 'CreatePodIdentityAssociation', kind: 'abort-after' },
  },
] as const;

describe('a migration that stops during the upgrade', () => {
  it.each(
    STOPS.flatMap((stop) =>
      ([['MigrateAddon'], MACHINES] as const).map((machines) => ({
        ...stop,
        machines,
        by: machines.length > 1 ? 'the previous' : 'today’s',
      })),
    ),
  )('$title is put back by $by Recover', ({ asked, fault, machines, ...rest }) =>
    inWorld({ scenario: 'preserve', ...rest, faults: [fault], definitionOf: previousOf(machines) }, async (world) => {
      const before = lookAt(world, asked);
      const report = await world.migrate(asked);
      note('MigrateAddon', statesOf(world, 'MigrateAddon'));
      if (machines.length > 1) note('Recover', statesOf(world, 'Recover'));
      expect(refusedInputs(world)).toEqual([]);
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        verified: 'pods',
        failure: { name: 'ExecutionStopped' },
        recovery: { cause: 'stranded' },
      });
      expect(lookAt(world, asked)).toMatchObject({ ...before, pods: expect.any(Array) as unknown });
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    }),
  );

  it('is finished by the previous Recover where its pods are proven', () =>
    inWorld(
      {
        scenario: 'preserve',
        faults: [{ step: 'verify-pods', operation: 'list pods', kind: 'abort-after' }],
        definitionOf: previousOf(MACHINES),
      },
      async (world) => {
        expect(await world.migrate({ addon: ADDON })).toMatchObject({ outcome: 'migrated', verified: 'pods' });
        expect(refusedInputs(world)).toEqual([]);
      },
    ));
});

describe('a rollback that is asked for after the upgrade', () => {
  const done = [
    {
      title: 'of a service account whose annotation was removed',
      scenario: 'service-account-irsa',
      asked: { serviceAccount: ACCOUNT, annotation: 'remove' },
    },
    {
      title: 'of an add-on whose role was repaired',
      scenario: 'trust-repair',
      asked: { addon: ADDON, trust: 'repair' },
    },
    { title: 'of an add-on that was deleted', scenario: 'preserve', asked: { addon: ADDON, strategy: 'recreate' } },
  ] as const;
  it.each(
    done.flatMap((one) =>
      ([['MigrateAddon'], MACHINES] as const).map((machines) => ({
        ...one,
        machines,
        by: machines.length > 1 ? 'the previous' : 'today’s',
      })),
    ),
  )('$title, by $by Recover', ({ scenario, asked, machines }) =>
    inWorld({ scenario, definitionOf: previousOf(machines) }, async (world) => {
      const before = lookAt(world, asked);
      const { migrationId, outcome } = await world.migrate(asked);
      expect(outcome).toBe('migrated');
      expect(await world.rollBack({ migrationId })).toMatchObject({
        outcome: 'rolled-back',
        verified: 'pods',
        recovery: { cause: 'requested', after: 'migrated' },
      });
      if (machines.length > 1) note('Recover', statesOf(world, 'Recover'));
      expect(refusedInputs(world)).toEqual([]);
      expect(lookAt(world, asked)).toEqual(before);
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    }),
  );
});

describe('the ledger that the previous release’s code wrote', () => {
  it.each(['migrated', 'rolled-back'] as const)(
    'has a migration that ended %s, of which today’s code tells all',
    (outcome) => {
      const kept = keptLedger(outcome);
      return inWorld({ scenario: kept.scenario }, async (world) => {
        await writeLedger(world, kept);
        const report = await world.report(kept.migrationId);
        expect(report).toMatchObject({ outcome, verified: 'pods', migrationId: kept.migrationId });
        expect(report.steps.length).toBeGreaterThan(5);
        expect(report.plan!.addon!.name).toBe(ADDON);
      });
    },
  );

  it.each([true, false])('has one in flight: today’s code puts back what it left, asked for (%s) or found', (asked) => {
    const kept = keptLedger('in-flight');
    return inWorld({ scenario: kept.scenario }, async (world) => {
      const before = world.look(ADDON, CONTROLLER);
      // As far as it had come: the add-on is gone.
      const { target, backend } = world;
      await backend.sandbox
        .clients()
        .eks()
        .send(new DeleteAddonCommand({ clusterName: target.cluster, addonName: ADDON }));
      await world.later(10 * 60_000);
      expect(world.look(ADDON, CONTROLLER)).toMatchObject({ addon: undefined });
      await writeLedger(world, kept);
      expect(await backend.ledger.listHeldLocks()).not.toEqual([]);
      if (asked) await world.rollBack({ migrationId: kept.migrationId });
      await world.later(15 * 60_000);
      await world.rest();
      expect(refusedInputs(world)).toEqual([]);
      expect(await world.report(kept.migrationId)).toMatchObject({
        outcome: 'rolled-back',
        verified: 'pods',
        recovery: { cause: asked ? 'requested' : 'stranded' },
      });
      // Its left-over association is there again as well, and new pods take that.
      expect(world.look(ADDON, CONTROLLER)).toEqual({ ...before, pods: ['pod-identity', 'pod-identity'] });
      expect(await backend.ledger.listHeldLocks()).toEqual([]);
      expect((await world.migrate({ addon: ADDON })).outcome).toBe('migrated');
    });
  });
});

describe("the previous release's Retire, over today's functions", () => {
  it('retires, and reinstates', () =>
    inWorld({ scenario: 'in-place', definitionOf: previousOf(MACHINES) }, async (world) => {
      const { migrationId, outcome } = await world.migrate({ addon: ADDON });
      expect(outcome).toBe('migrated');
      const request = { migrationId, dryRun: false, soakDays: 0 };
      const retired = await retireAndFollow(world.backend, { ...request, action: 'retire' }, silentProgress);
      expect(retired.roles.map(({ result }) => result)).toEqual(['removed']);
      const putBack = await retireAndFollow(world.backend, { ...request, action: 'reinstate' }, silentProgress);
      expect(putBack.roles.map(({ result }) => result)).toEqual(['put-back']);
      note('Retire', statesOf(world, 'Retire'));
      expect(refusedInputs(world)).toEqual([]);
    }));
});

describe('these tests', () => {
  // All of them: run alone, this one has seen nothing.
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

  it('say which step refuses what, where a handler wants more than the previous definition sends', () =>
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
          ['purge-associations', 'assess-rollback'].map(
            (step) => `The input of step ${step} is wrong: fence: is missing`,
          ),
        );
      },
    ));

  it('say which step is missing, where it is not deployed any more', async () => {
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
