/** Shared by the tests of a forged ledger: an exchanged record, and a forged migration. */
import { expect } from 'vitest';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import { type Migration, newMigration, type Snapshot } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { changesIn, type HostileWorld, stateOf } from './hostile.ts';

/** Returns the record as the table has it, without the parts that are items of their own. */
export const recordItem = (record: Migration): object =>
  Object.fromEntries(
    Object.entries(record).filter(([name]) => !['associations', 'trustChanges', 'retirements'].includes(name)),
  );

/** Returns the plan with a hash that fits its content: an attacker that can write a plan can compute its hash too. */
export const resealed = (record: Migration, plan: Plan): Migration => ({
  ...record,
  plan: { ...plan, hash: hashOf(plan, record.request) },
});

/** The ledger's content when `begin` reads it. */
export type Forge = (record: Migration, plan: Plan) => Migration;

/**
 * Starts a migration whose record is exchanged as soon as the plan has written it, asserts that nothing was changed,
 * and returns the cause.
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
  expect([exchanges, stateOf(world), changesIn(world)]).toEqual([1, before, []]);
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
  /** Taken from a real migration's request, which an attacker would copy. */
  asked?: Record<string, unknown>;
  record?: (real: Migration) => Partial<Migration>;
  snapshot?: (real: Real) => Snapshot;
  /** Associations that it claims to have created. */
  created?: (there: Association[]) => Association[];
}

/** Writes a migration that never happened: ended, or left by an unknown execution. Returns its id. */
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
