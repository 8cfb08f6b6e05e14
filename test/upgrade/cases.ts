/** Migrations, stops and rollbacks during an upgrade, by the previous release's definitions and today's. */
import { expect } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from '../end-to-end/world.ts';
import { keptText, type MachineName, MACHINES, previousOf, refusedInputs, statesOf } from './previous.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
export const CONTROLLER = 'ebs-csi-controller-sa';

export interface Case extends Omit<WorldOptions, 'scenario'> {
  title: string;
  asked: Asked;
  outcome: string;
  scenario?: string;
}
const DELETED = { addon: ADDON, strategy: 'recreate' } as const;
const OF_ACCOUNT = { serviceAccount: ACCOUNT, annotation: 'remove' } as const;
const aCase = (title: string, asked: Asked, more: Partial<Case> = {}): Case => ({
  title,
  asked,
  outcome: 'migrated',
  ...more,
});
export const cases: Case[] = [
  aCase('in place', { addon: ADDON }),
  aCase('by deletion', DELETED),
  aCase('with preserve, and pods that are restarted', { ...DELETED, preserve: true }),
  aCase('in a second attempt', { addon: ADDON }, { scenario: 'auto-falls-back' }),
  aCase(
    'with an association that is purged and carried over',
    { addon: ADDON },
    { scenario: 'left-over-session-tags' },
  ),
  aCase('with trust repair', { addon: ADDON, trust: 'repair' }, { scenario: 'trust-repair' }),
  aCase('with the agent installed', { addon: ADDON, agent: 'install' }, { scenario: 'agent-absent' }),
  aCase('of a service account', OF_ACCOUNT, { scenario: 'service-account-irsa' }),
  aCase('of which nothing is wanted but the plan', { addon: ADDON, dryRun: true }, { outcome: 'planned' }),
  aCase('that is blocked', { addon: ADDON }, { scenario: 'trust-deny', outcome: 'blocked' }),
  aCase('that is rolled back', DELETED, { knobs: { webhookLagSeconds: 86_400 }, outcome: 'rolled-back' }),
  aCase('that meets transient failures', DELETED, {
    faults: [
      { step: 'create-addon', operation: 'CreateAddon', kind: 'lost-after' },
      { step: 'delete-addon', operation: 'DeleteAddon', kind: 'throttled' },
      { step: 'verify-pods', operation: 'list pods', kind: 'server-error' },
    ],
  }),
];

/**
 * The level that a migration reaches by the previous release's definitions, whose default is `ready`: without a state that
 * observes the pods once more, it ends at the level that they have reached by then.
 */
export const LEVEL_OF_PREVIOUS = keptText('MigrateAddon').includes('"ConfirmReady"') ? 'ready' : 'injected';

/** Returns what must not differ between two releases. */
const essenceOf = ({ outcome, verified, failure, associations }: MigrationReport): object => ({
  outcome,
  verified: outcome === 'migrated' && verified === 'ready' ? LEVEL_OF_PREVIOUS : verified,
  failure: failure?.name,
  restored: associations.restored.length,
});
const stateOf = (world: OpenWorld, { serviceAccount }: Asked): object =>
  serviceAccount ? world.readAccount(ACCOUNT) : world.readAddon(ADDON, CONTROLLER);

export const play = (
  { asked, scenario = 'preserve', knobs = {}, faults = [] }: Case,
  machines: readonly MachineName[],
) =>
  inWorld({ scenario, knobs, faults, definitionOf: previousOf(machines) }, async (world) => {
    const report = essenceOf(await world.migrate(asked));
    await world.rest();
    const ends = { report, state: stateOf(world, asked), locks: await world.backend.ledger.listHeldLocks() };
    return { ends, refused: refusedInputs(world), states: statesOf(world, 'MigrateAddon') };
  });

/** The states of each previous definition that tests of this file's process have seen. */
export const seen: Record<MachineName, Set<string>> = {
  MigrateAddon: new Set(),
  Recover: new Set(),
  Retire: new Set(),
};
export const note = (machine: MachineName, states: Set<string>): void => {
  for (const state of states) seen[machine].add(state);
};

const STOPS = [
  {
    title: 'in place',
    asked: { addon: ADDON },
    fault: { step: 'update-addon', operation: 'UpdateAddon', kind: 'abort-after' },
  },
  {
    title: 'by deletion',
    asked: DELETED,
    fault: { step: 'create-addon', operation: 'CreateAddon', kind: 'abort-before' },
  },
  {
    title: 'of a service account',
    scenario: 'service-account-irsa',
    asked: OF_ACCOUNT,
    fault: { step: 'create-association', operation: 'CreatePodIdentityAssociation', kind: 'abort-after' },
  },
] as const;

const DONE = [
  { title: 'of a service account whose annotation was removed', scenario: 'service-account-irsa', asked: OF_ACCOUNT },
  { title: 'of an add-on whose role was repaired', scenario: 'trust-repair', asked: { addon: ADDON, trust: 'repair' } },
  { title: 'of an add-on that was deleted', scenario: 'preserve', asked: DELETED },
] as const;

/** Which Recover may act: only today's, or the previous release's as well. */
const BY = [
  { by: 'today’s', machines: ['MigrateAddon'] },
  { by: 'the previous', machines: MACHINES },
] as const satisfies { by: string; machines: readonly MachineName[] }[];

export const stopped = STOPS.flatMap((stop) => BY.map((recover) => ({ ...stop, ...recover })));
export const rolledBack = DONE.flatMap((done) => BY.map((recover) => ({ ...done, ...recover })));

/** Expects that a migration ends by the previous definitions, with today's functions, and that no call is refused. */
export const expectEnds = async (one: Case): Promise<object> => {
  const before = await play(one, MACHINES);
  note('MigrateAddon', before.states);
  expect([before.refused, before.ends]).toMatchObject([[], { report: { outcome: one.outcome }, locks: [] }]);
  return before.ends;
};

/** Expects the same end as by today's definitions. */
export const expectSameEnds = async (one: Case): Promise<void> => {
  const before = await expectEnds(one);
  const { ends } = await play(one, []);
  expect(before).toEqual(ends);
};

/** Expects that what a stopped migration left is rolled back. */
export const expectPutBack = ({
  asked,
  fault,
  machines,
  by: _by,
  title: _title,
  ...rest
}: (typeof stopped)[number]): Promise<void> =>
  inWorld({ scenario: 'preserve', ...rest, faults: [fault], definitionOf: previousOf(machines) }, async (world) => {
    const before = stateOf(world, asked);
    const report = await world.migrate(asked);
    note('MigrateAddon', statesOf(world, 'MigrateAddon'));
    if (machines.length > 1) note('Recover', statesOf(world, 'Recover'));
    expect(refusedInputs(world)).toEqual([]);
    expect(report).toMatchObject({
      outcome: 'rolled-back',
      verified: 'injected',
      failure: { name: 'ExecutionStopped' },
      recovery: { cause: 'stranded' },
    });
    expect(stateOf(world, asked)).toMatchObject({ ...before, pods: expect.any(Array) as unknown });
    expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
  });

/** Expects that a rollback on demand restores everything that a migration changed. */
export const expectRolledBack = ({ scenario, asked, machines }: (typeof rolledBack)[number]): Promise<void> =>
  inWorld({ scenario, definitionOf: previousOf(machines) }, async (world) => {
    const before = stateOf(world, asked);
    const { migrationId, outcome } = await world.migrate(asked);
    expect(outcome).toBe('migrated');
    expect(await world.rollBack({ migrationId })).toMatchObject({
      outcome: 'rolled-back',
      verified: 'injected',
      rollback: { cause: 'requested', after: 'migrated' },
    });
    if (machines.length > 1) note('Recover', statesOf(world, 'Recover'));
    expect([refusedInputs(world), stateOf(world, asked)]).toEqual([[], before]);
    expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
  });
