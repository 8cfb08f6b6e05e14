/** Many migrations of one add-on at once. */
import { expect } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Strategy } from '../../lambdas/domain/request/request.ts';
import { ADDON, identityOf } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';

/** Returns the migration of each change: an execution is named after its migration's id. */
export const order = (world: OpenWorld): string[] =>
  world.changes().map(({ execution = '' }) => execution.split(':').at(-1) ?? '');

/** Runs all at once, until nothing runs any more. */
export const runAll = async (world: OpenWorld, asked: Asked[]): Promise<MigrationReport[]> => {
  const executions = await Promise.all(asked.map((one) => world.start(one)));
  await world.rest();
  const reports: MigrationReport[] = [];
  for (const { name } of executions) reports.push(await world.report(name));
  return reports;
};

/**
 * The messages of a blocked migration: from the plan that found the lock held, or from the step that came too late to
 * take it.
 */
const whyBlocked = ({ failure, plan }: MigrationReport): string => {
  const check = plan?.checks.find(({ id, status }) => id === 'lock-free' && status === 'fail');
  return check ? `${check.message} ${check.remedy ?? ''}` : `${failure?.name ?? ''}: ${failure?.message ?? ''}`;
};

const HOLDS =
  /Migration (\w{26}) has held the lock on (?:add-on )?aws-ebs-csi-driver of cluster catalogue-prod(?: \(111122223333, eu-west-1\))? since (\S+) \(execution (\S+)\)/;

/**
 * Expects that one of this many changes something and ends migrated, and that the others report which one it is, and
 * since when.
 */
export const expectOneMigrated = async (strategy: Strategy, count: number): Promise<void> => {
  const { reports, changedBy, operations, pods, locks } = await inWorld({ scenario: 'in-place' }, async (world) => {
    const ended = await runAll(
      world,
      Array.from({ length: count }, () => ({ addon: ADDON, strategy })),
    );
    return {
      reports: ended,
      changedBy: new Set(order(world)),
      operations: world.changes().map(({ operation }) => operation),
      pods: identityOf(world.cluster, 'ebs-csi-controller-sa'),
      locks: await world.backend.ledger.listHeldLocks(),
    };
  });
  const migrated = reports.filter(({ outcome }) => outcome === 'migrated');
  const blocked = reports.filter(({ outcome }) => outcome === 'blocked');
  expect([migrated.length, blocked.length]).toEqual([1, count - 1]);
  const [winner] = migrated;
  expect([...changedBy]).toEqual([winner!.migrationId]);
  expect(operations).toEqual(
    strategy === 'in-place'
      ? ['DeletePodIdentityAssociation', 'UpdateAddon']
      : ['DeleteAddon', 'DeletePodIdentityAssociation', 'CreateAddon'],
  );
  expect([pods, locks]).toEqual([['pod-identity', 'pod-identity'], []]);

  const moments = new Set<string>();
  for (const one of blocked) {
    expect(whyBlocked(one)).toMatch(HOLDS);
    const [, holder, heldSince = '', execution] = HOLDS.exec(whyBlocked(one))!;
    expect(holder).toBe(winner!.migrationId);
    expect(execution).toMatch(new RegExp(`:${winner!.migrationId}$`));
    moments.add(heldSince);
    expect(one.steps.map(({ name }) => name)).not.toContain(strategy === 'in-place' ? 'update-addon' : 'create-addon');
  }
  // All report the same moment in which the lock was taken.
  expect(moments.size).toBe(1);
  const [heldSince = ''] = moments;
  const begin = winner!.steps.find(({ name }) => name === 'begin')!;
  expect([begin.startedAt, heldSince, begin.endedAt].toSorted()).toEqual([begin.startedAt, heldSince, begin.endedAt]);
};
