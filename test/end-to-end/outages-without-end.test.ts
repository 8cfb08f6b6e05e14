/** Outages that outlast every wait: their first hours, and then the wait's last check. */
import { expect, it } from 'vitest';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { ADDON } from './fixture.ts';
import { hasWaited } from './waits.ts';
import { inWorld, type OpenWorld } from './world.ts';

const HOUR = 3_600_000;

/** Waits three hours, and then acts as if seven days had passed. `begin`: starts the outage. */
const outlasted = <T>(
  fault: FaultInput,
  begin: (world: OpenWorld, away: () => void) => void,
  check: (world: OpenWorld, report: MigrationReport) => T,
): Promise<T> =>
  inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
    begin(world, () => world.backend.sandbox.world.faults.add({ ...fault, times: 'all' }));
    const { name } = await world.start({ addon: ADDON, strategy: 'recreate' });
    await world.later(3 * HOUR);
    expect(await world.backend.ledger.getMigration(name)).toMatchObject({
      status: 'running',
      waitingFor: { what: 'service', notified: true },
    });
    await hasWaited(world, name, MOST_DAYS_WAITING);
    return check(world, await world.settled(name));
  });

it(`an outage of ${MOST_DAYS_WAITING} days ends needs-human, with the commands that finish the migration`, () =>
  outlasted(
    { service: 'eks', kind: 'server-error' },
    (world, away) => world.onFirst(({ operation }) => operation === 'DeleteAddon', away),
    (world, report) => {
      expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'WaitedTooLong' } });
      expect(report.failure!.message).toContain('ServiceUnavailable');
      expect(report.restoreCommands.join('\n')).toContain('pod-identity rollback');
      // The wait alone causes neither a rollback nor an attempt.
      expect(report.steps.map(({ name }) => name)).not.toContain('assess-rollback');
      expect(world.cluster.addons.has(ADDON)).toBe(false);
    },
  ));

it('an outage of a week that began before the plan ends blocked', () =>
  outlasted(
    { service: 'iam', kind: 'server-error' },
    (_, away) => away(),
    (_, report) => expect(report).toMatchObject({ outcome: 'blocked', failure: { name: 'WaitedTooLong' } }),
  ));
