/**
 * Locks of roles: naming a role blocks no other migration, and changing its trust requires the role's lock exclusively.
 */
import { describe, expect, it } from 'vitest';
import { roleLock } from '../../lambdas/use-cases/record/lock.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { inWorld } from '../end-to-end/world.ts';

const ROLE = 'arn:aws:iam::111122223333:role/storage-csi-drivers';
const STRANGER = 'aws-efs-csi-driver';

/** A migration that runs for the hour in which EKS throttles its update. */
const STUCK = { step: 'update-addon', input: { addonName: STRANGER }, kind: 'throttled' as const, seconds: 3600 };
const OF_STRANGER = { addon: STRANGER, strategy: 'in-place', roles: { 'efs-csi-node-sa': ROLE } } as const;

describe("an unrelated migration that names another team's role", () => {
  it('does not delay any of its users', async () =>
    inWorld({ scenario: 'shared-role', faults: [STUCK] }, async (world) => {
      const stranger = await world.start(OF_STRANGER);
      await world.until(stranger, 'UpdateAddon');
      const report = await world.migrate({ addon: ADDON, strategy: 'in-place' });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      expect(report.steps.find(({ name }) => name === 'begin')).toMatchObject({ tries: 1 });
      // The unrelated migration runs during all of this.
      expect(world.backend.sandbox.executions.execution(stranger.arn).status).toBe('RUNNING');
      await world.rest();
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    }));

  it('loses only its own part of the lock when it is stopped', async () => {
    const stop = { step: 'update-addon', input: { addonName: STRANGER }, kind: 'abort-before' as const };
    await inWorld({ scenario: 'shared-role', faults: [stop] }, async (world) => {
      const stranger = await world.start(OF_STRANGER);
      expect(await world.migrate({ addon: ADDON, strategy: 'recreate' })).toMatchObject({ outcome: 'migrated' });
      expect(await world.settled(stranger.name)).toMatchObject({ outcome: 'rolled-back' });
      await world.rest();
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    });
  });
});

describe('a role whose trust is retired', () => {
  it('is locked exclusively: no migration begins with it meanwhile, and the retirement waits for those that have begun', async () =>
    inWorld({ scenario: 'shared-role', faults: [STUCK] }, async (world) => {
      const { ledger, clock } = world.backend;
      const me = (name: string) => ({
        migrationId: name,
        executionArn: `arn:aws:states:eu-west-1:111122223333:execution:Retire:${name}`,
        since: new Date(clock.now()).toISOString(),
      });
      const stranger = await world.start(OF_STRANGER);
      await world.until(stranger, 'UpdateAddon');
      expect(await ledger.acquireLock(roleLock(ROLE), me('retire'), 'exclusive')).toMatchObject({
        acquired: false,
        holder: { migrationId: stranger.name },
      });
      // Every later migration waits for the retirement.
      expect(await ledger.acquireLock(roleLock(ROLE), me('next'), 'shared')).toMatchObject({
        acquired: false,
        holder: { migrationId: 'retire' },
      });
      await world.rest();
      expect(await ledger.acquireLock(roleLock(ROLE), me('retire'), 'exclusive')).toMatchObject({ acquired: true });
      expect(await ledger.acquireLock(roleLock(ROLE), me('next'), 'shared')).toMatchObject({ acquired: false });
    }));
});
