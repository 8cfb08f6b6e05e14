/**
 * Many at once: of one add-on's migrations, one changes anything; add-ons that share a role are migrated in parallel.
 */
import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../lambdas/domain/request/request.ts';
import { expectOneMigrated, order, runAll } from './at-once.ts';
import { ADDON } from './fixture.ts';
import { inWorld } from './world.ts';

const ROLE = 'arn:aws:iam::111122223333:role/storage-csi-drivers';
/** Its nodes use the role too, and keep it by a standalone association. */
const EFS = { addon: 'aws-efs-csi-driver', roles: { 'efs-csi-node-sa': ROLE } };

describe('ten migrations of one add-on at once', () => {
  it.each<Strategy>(['in-place', 'recreate'])(
    '%s: one changes something and ends migrated, and the others report which one it is, and since when',
    (strategy) => expectOneMigrated(strategy, 10),
  );
});

describe('two add-ons that share a role', () => {
  it.each<Strategy>(['in-place', 'recreate', 'auto'])('%s: both end migrated, in parallel', async (strategy) => {
    const { reports, changes } = await inWorld({ scenario: 'shared-role' }, async (world) => ({
      reports: await runAll(
        world,
        [{ addon: ADDON }, EFS].map((asked) => ({ ...asked, strategy })),
      ),
      changes: order(world),
    }));
    expect([reports.map(({ outcome }) => outcome), new Set(changes).size]).toEqual([['migrated', 'migrated'], 2]);
    // Neither has waited for the other one.
    expect(reports.map(({ steps }) => steps.find(({ name }) => name === 'begin')!.tries)).toEqual([1, 1]);
    const [first, second] = reports;
    expect(first!.startedAt < second!.endedAt && second!.startedAt < first!.endedAt).toBe(true);
  });

  it('the second one gives up in the end, and has changed nothing', async () => {
    const holder = {
      migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      since: '2026-01-15T08:59:00.000Z',
    };
    const { report, changes } = await inWorld({ scenario: 'shared-role' }, async (world) => {
      await world.backend.ledger.acquireLock(`ROLE#${ROLE}`, holder);
      const [behind] = await runAll(world, [{ ...EFS, strategy: 'in-place' }]);
      return { report: behind!, changes: order(world) };
    });
    expect([changes, report]).toMatchObject([[], { outcome: 'blocked', failure: { name: 'WaitedTooLong' } }]);
    expect(report.failure!.message).toContain(
      `Migration ${holder.migrationId} has held the lock on role ${ROLE} since ${holder.since}`,
    );
  });

  it('a migration that needs a person does not block the other one', async () => {
    // For the first one alone: in the workflow and in the rollback.
    const fails = (step: string) => ({
      step,
      input: { addonName: ADDON },
      kind: 'not-found' as const,
      times: 'all' as const,
    });
    const reports = await inWorld(
      { scenario: 'shared-role', faults: ['update-addon', 'assess-rollback'].map(fails) },
      (world) =>
        runAll(world, [
          { addon: ADDON, strategy: 'in-place' },
          { ...EFS, strategy: 'in-place' },
        ]),
    );
    expect(reports.map(({ outcome }) => outcome)).toEqual(['needs-human', 'migrated']);
  });
});
