/** Locks of roles: who merely names a role holds nobody up, and whoever changes its trust has it alone. */
import { describe, expect, it } from 'vitest';
import { roleLock } from '../../lambdas/use-cases/migration/lock.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { inWorld } from '../end-to-end/world.ts';

const ROLE = 'arn:aws:iam::111122223333:role/storage-csi-drivers';
const STRANGER = 'aws-efs-csi-driver';

/** A migration that is under way for as long as EKS throttles its update. */
const STUCK = {
  step: 'update-addon',
  input: { addonName: STRANGER },
  kind: 'throttled' as const,
  times: 'all' as const,
};
const OF_STRANGER = { addon: STRANGER, strategy: 'in-place', roles: { 'efs-csi-node-sa': ROLE } } as const;

describe('a stranger whose migration names the role of others', () => {
  it('keeps none of them waiting', async () => {
    await inWorld({ scenario: 'shared-role', faults: [STUCK] }, async (world) => {
      const stranger = await world.start(OF_STRANGER);
      await world.until(stranger, 'UpdateAddon');
      const report = await world.migrate({ addon: ADDON, strategy: 'in-place' });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'injected' });
      expect(report.steps.find(({ name }) => name === 'begin')).toMatchObject({ attempts: 1 });
      // All the while the stranger's one goes on.
      expect(world.backend.sandbox.executions.execution(stranger.arn).status).toBe('RUNNING');
      await world.rest();
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    });
  });

  it('has its part of the lock taken over alone, when it is stopped', async () => {
    const stop = { step: 'update-addon', input: { addonName: STRANGER }, kind: 'abort-before' as const };
    await inWorld({ scenario: 'shared-role', faults: [stop] }, async (world) => {
      const stranger = await world.start(OF_STRANGER);
      const report = await world.migrate({ addon: ADDON, strategy: 'recreate' });
      expect(report).toMatchObject({ outcome: 'migrated' });
      expect(await world.settled(stranger.name)).toMatchObject({ outcome: 'rolled-back' });
      await world.rest();
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    });
  });
});

describe('a role whose trust is retired', () => {
  it('is had alone: nobody begins with it meanwhile, and it waits for those who have begun', async () => {
    await inWorld({ scenario: 'shared-role', faults: [STUCK] }, async (world) => {
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
      // Whoever comes after it waits for it.
      expect(await ledger.acquireLock(roleLock(ROLE), me('next'), 'shared')).toMatchObject({
        acquired: false,
        holder: { migrationId: 'retire' },
      });
      await world.rest();
      expect(await ledger.acquireLock(roleLock(ROLE), me('retire'), 'exclusive')).toMatchObject({ acquired: true });
      expect(await ledger.acquireLock(roleLock(ROLE), me('next'), 'shared')).toMatchObject({ acquired: false });
    });
  });
});
