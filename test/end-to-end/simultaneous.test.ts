/** Many at once: of one add-on one migration changes anything; add-ons that share a role go one after the other. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport, Strategy } from '../../lambdas/domain/model.ts';
import { ADDON, identityOf } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';

/** Which migration each change was of: an execution has its migration's id as its name. */
const order = (world: OpenWorld): string[] =>
  world.changes().map(({ execution = '' }) => execution.split(':').at(-1) ?? '');

/** All at once, until nothing runs any more. */
const runAll = async (world: OpenWorld, asked: Asked[]): Promise<MigrationReport[]> => {
  const executions = await Promise.all(asked.map((one) => world.start(one)));
  await world.rest();
  const reports: MigrationReport[] = [];
  for (const { name } of executions) reports.push(await world.report(name));
  return reports;
};

/** What a blocked one says: of the plan that found the lock held, or of the step that came too late to take it. */
const whyBlocked = ({ failure, plan }: MigrationReport): string => {
  const check = plan?.checks.find(({ id, status }) => id === 'lock-free' && status === 'fail');
  return check ? `${check.message} ${check.remedy ?? ''}` : `${failure?.name ?? ''}: ${failure?.message ?? ''}`;
};

const EFS = 'aws-efs-csi-driver';
const HOLDS =
  /Migration (\w{26}) holds the lock on (?:add-on )?aws-ebs-csi-driver of cluster catalogue-prod(?: \(111122223333, eu-west-1\))? since (\S+) \(execution (\S+)\)/;

describe('fifty migrations of one add-on at once', () => {
  it.each<Strategy>(['in-place', 'recreate'])(
    '%s: one changes something and ends migrated, the others say who it is, and since when',
    async (strategy) => {
      const { reports, changedBy, operations, pods, locks } = await inWorld({ scenario: 'in-place' }, async (world) => {
        const ended = await runAll(
          world,
          Array.from({ length: 50 }, () => ({ addon: ADDON, strategy })),
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
      expect([migrated.length, blocked.length]).toEqual([1, 49]);
      const [winner] = migrated;
      expect([...changedBy]).toEqual([winner!.migrationId]);
      expect(operations).toEqual(
        strategy === 'in-place'
          ? ['DeletePodIdentityAssociation', 'UpdateAddon']
          : ['DeleteAddon', 'DeletePodIdentityAssociation', 'CreateAddon'],
      );
      expect(pods).toEqual(['pod-identity', 'pod-identity']);
      expect(locks).toEqual([]);

      const told = new Set<string>();
      for (const one of blocked) {
        expect(whyBlocked(one)).toMatch(HOLDS);
        const [, holder, heldSince = '', execution] = HOLDS.exec(whyBlocked(one))!;
        expect(holder).toBe(winner!.migrationId);
        expect(execution).toMatch(new RegExp(`:${winner!.migrationId}$`));
        told.add(heldSince);
        expect(one.steps.map(({ name }) => name)).not.toContain('purge-associations');
      }
      // All name the one moment in which the lock was taken.
      expect(told.size).toBe(1);
      const [heldSince = ''] = told;
      const begin = winner!.steps.find(({ name }) => name === 'begin')!;
      expect([begin.startedAt, heldSince, begin.endedAt].toSorted()).toEqual([
        begin.startedAt,
        heldSince,
        begin.endedAt,
      ]);
    },
  );
});

describe('two add-ons that share a role', () => {
  it.each<Strategy>(['in-place', 'recreate', 'auto'])(
    '%s: both end migrated, one after the other',
    async (strategy) => {
      const { reports, changes } = await inWorld({ scenario: 'shared-role' }, async (world) => ({
        reports: await runAll(
          world,
          [ADDON, EFS].map((addon) => ({ addon, strategy })),
        ),
        changes: order(world),
      }));
      expect(reports.map(({ outcome }) => outcome)).toEqual(['migrated', 'migrated']);
      expect(new Set(changes).size).toBe(2);
      // Never interleaved: whoever has begun ends first.
      expect(changes.filter((id, index) => id !== changes[index - 1])).toHaveLength(2);
      const waited = reports.map(({ steps }) => steps.find(({ name }) => name === 'begin')!);
      const [first, second] = waited[0]!.attempts < waited[1]!.attempts ? [0, 1] : [1, 0];
      expect(changes[0]).toBe(reports[first]!.migrationId);
      expect(waited[first]!.attempts).toBe(1);
      expect(waited[second]!.attempts).toBeGreaterThan(1);
      expect(waited[second]!.endedAt >= reports[first]!.endedAt).toBe(true);
    },
  );

  it('the one behind gives up in the end, and has changed nothing', async () => {
    const role = 'arn:aws:iam::111122223333:role/storage-csi-drivers';
    const holder = {
      migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      since: '2026-01-15T08:59:00.000Z',
    };
    const { report, changes } = await inWorld({ scenario: 'shared-role' }, async (world) => {
      await world.backend.ledger.acquireLock(`ROLE#${role}`, holder);
      const [behind] = await runAll(world, [{ addon: EFS, strategy: 'in-place' }]);
      return { report: behind!, changes: order(world) };
    });
    expect(changes).toEqual([]);
    expect(report).toMatchObject({ outcome: 'blocked', failure: { name: 'RoleLockHeld' } });
    expect(report.failure!.message).toContain(
      `Migration ${holder.migrationId} holds the lock on role ${role} since ${holder.since}`,
    );
  });

  it('one that needs a person does not keep the other one waiting', async () => {
    // Refused to the first alone, for good: on the road and on the way back.
    const denied = (step: string) => ({
      step,
      input: { addonName: ADDON },
      kind: 'access-denied' as const,
      times: 'all' as const,
    });
    const reports = await inWorld(
      { scenario: 'shared-role', faults: ['update-addon', 'assess-rollback'].map(denied) },
      (world) =>
        runAll(world, [
          { addon: ADDON, strategy: 'in-place' },
          { addon: EFS, strategy: 'in-place' },
        ]),
    );
    expect(reports.map(({ outcome }) => outcome)).toEqual(['needs-human', 'migrated']);
  });
});
