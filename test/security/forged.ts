/** What the tests of a forged ledger share: a record that is exchanged, and a whole migration that never was. */
import { expect } from 'vitest';
import {
  type Association,
  type Migration,
  newMigration,
  type Plan,
  type Snapshot,
} from '../../lambdas/domain/migration/model.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { changesIn, type HostileWorld, stateOf } from './hostile.ts';

/** The record as the table has it: without what are items of their own. */
export const recordItem = (record: Migration): object =>
  Object.fromEntries(
    Object.entries(record).filter(([name]) => !['associations', 'trustChanges', 'retirements'].includes(name)),
  );

/** With a hash that fits what it says now: who can write a plan can make its hash too. */
export const resealed = (record: Migration, plan: Plan): Migration => ({
  ...record,
  plan: { ...plan, hash: hashOf(plan, record.request) },
});

/** What the ledger says when `begin` reads it. */
export type Forge = (record: Migration, plan: Plan) => Migration;

/**
 * A migration, so asked, whose record is exchanged as soon as the plan has written it: nothing has come of it, and this
 * is why.
 */
export async function exchangedIn(
  world: HostileWorld,
  forge: Forge,
  asked: Record<string, unknown> = {},
): Promise<string> {
  const before = stateOf(world);
  const migrationId = world.backend.ids.ulid();
  const isPlanned = ({
    step,
    operation,
    status,
    input,
  }: {
    step?: string;
    operation: string;
    status: number;
    input: unknown;
  }): boolean =>
    step === 'plan' && operation === 'UpdateItem' && status === 200 && JSON.stringify(input).includes('"STEP#plan"');
  let exchanges = 0;
  world.onFirst(isPlanned, async () => {
    const record = (await world.record(migrationId))!;
    exchanges += 1;
    await world.forge(`MIGRATION#${migrationId}`, 'RECORD', recordItem(forge(record, record.plan!)));
  });
  const execution = await world.ask(asked, { name: migrationId });
  expect(exchanges).toBe(1);
  expect(stateOf(world)).toEqual(before);
  expect(changesIn(world)).toEqual([]);
  expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
  expect(await world.backend.ledger.getSnapshot(migrationId)).toBeUndefined();
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Blocked' });
  return execution.cause ?? '';
}

const ledgerAssociations = (world: HostileWorld): Association[] =>
  [...world.cluster.associations.values()].map(({ createdAt, modifiedAt, ...one }) => ({
    ...one,
    createdAt: new Date(createdAt).toISOString(),
    modifiedAt: new Date(modifiedAt).toISOString(),
  }));

export interface Forgery<Real extends Snapshot> {
  /** Of the request that a real one is made of, which is what one would copy. */
  asked?: Record<string, unknown>;
  record?: (real: Migration) => Partial<Migration>;
  snapshot?: (real: Real) => Snapshot;
  /** Associations that it says it has made. */
  created?: (there: Association[]) => Association[];
}

/** A migration that never was: over, or left by an execution that nobody knows. Answers its id. */
export async function forgeMigration<Real extends Snapshot>(
  world: HostileWorld,
  { asked = {}, record = () => ({}), snapshot, created = () => [] }: Forgery<Real>,
): Promise<string> {
  const { ledger, ids } = world.backend;
  const { name } = await world.ask({ ...asked, dryRun: true });
  const { plan, request } = (await world.record(name))!;
  const migrationId = ids.ulid();
  const stamp = '2026-01-15T08:00:00.000Z';
  const associations = ledgerAssociations(world);
  const executionArn = `${world.backend.stateMachineArn.replace(':stateMachine:', ':execution:')}:${migrationId}`;
  const begun = newMigration({ migrationId, request: { ...request, dryRun: false }, executionArn, startedAt: stamp });
  const base: Migration = {
    ...begun,
    endedAt: stamp,
    status: 'ended',
    outcome: 'needs-human',
    plan: plan!,
    attempt: 0,
  };
  const { addon, serviceAccount, namespace = 'kube-system', defaultNamespace } = plan!;
  const real = {
    takenAt: stamp,
    ...(addon ? { addon } : {}),
    ...(serviceAccount ? { serviceAccount } : {}),
    namespace,
    ...(defaultNamespace === undefined ? {} : { defaultNamespace }),
    planned: plan!.associations,
    associations,
    trustPolicies: {},
  } as Real;
  await world.forge(`MIGRATION#${migrationId}`, 'RECORD', recordItem({ ...base, ...record(base) }));
  await world.forge(`MIGRATION#${migrationId}`, 'SNAPSHOT', { snapshot: snapshot ? snapshot(real) : real });
  for (const association of created(associations)) await ledger.recordAssociation(migrationId, 'created', association);
  return migrationId;
}
