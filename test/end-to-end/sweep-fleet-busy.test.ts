/** A sweep over add-ons one of which is in a separate migration: the sweep starts nothing for that one. */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { directSweeps } from '../../cli/service/sweep.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { type FleetWorld, inFleet, keyOf, OPERATOR, type Session } from './sweep-world.ts';
import { matching } from '../lambdas/matchers.ts';

const FLEET = { clusters: 6, seed: 5, accounts: 2, regions: ['eu-west-1'], addons: 4 };
const LIMITS = { canary: 10, perAccount: 10, perRegion: 10 };

/** Starts a separate migration, and waits until it has its lock. */
async function migrateSeparately(
  { backend }: FleetWorld,
  { account, region, cluster, addon }: Session,
): Promise<string> {
  const migrationId = backend.ids.ulid();
  const request = migrationRequest.parse({ target: { account, region, cluster }, addon });
  await backend.stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: backend.stateMachineArn,
      name: migrationId,
      input: JSON.stringify({ migrationId, request }),
    }),
  );
  while ((await backend.ledger.listHeldLocks()).every(({ holder }) => holder?.migrationId !== migrationId))
    await backend.clock.sleep(1000);
  return migrationId;
}

describe('a sweep over an add-on that another migration works on', () => {
  it('starts nothing for it, names the holder in each report, and migrates the others', async () => {
    // The separate migration takes so long that the sweep reaches its add-on meanwhile.
    const change = ({ knobs }: FleetWorld['scenario']): void => void (knobs.addonUpdateSeconds = 600);
    await inFleet({ ...FLEET, change }, async (world) => {
      const sweepId = await world.start({ limits: LIMITS });
      await world.sweeps.command(sweepId, { command: 'pause' });
      await world.until(sweepId, ({ status, phase }) => status === 'paused' && phase === 'migrations');
      const [busy, ...others] = await world.items(sweepId);
      expect(others.length).toBeGreaterThan(2);
      const holder = await migrateSeparately(world, busy!);
      await world.sweeps.command(sweepId, { command: 'resume' });
      const { standing, report, csv } = await world.follow(sweepId);

      const migrated = { outcome: 'migrated' };
      expect(await world.backend.ledger.getMigration(holder)).toMatchObject(migrated);
      expect(world.begun().map(keyOf).sort()).toEqual([busy!, ...others].map(keyOf).sort());
      expect(await world.backend.ledger.getMigration(busy!.migrationId)).toBeUndefined();
      expect(standing).toMatchObject({
        outcome: 'completed',
        failures: 0,
        tally: { queued: 0, inFlight: 0, ended: { migrated: others.length, blocked: 1 } },
      });
      const row = report.rows.find((one) => keyOf(one) === keyOf(busy!));
      expect(row).toMatchObject({
        outcome: 'blocked',
        heldBy: holder,
        failure: {
          name: 'SubjectBusy',
          message: matching(
            new RegExp(
              `^Migration ${holder} has held the lock on add-on ${busy!.addon} of cluster ${busy!.cluster} .* Nothing was started\\. .*pod-identity show ${holder} --deployed$`,
            ),
          ),
        },
      });
      expect(row).not.toHaveProperty('migrationId');
      expect(csv).toMatch(new RegExp(`"blocked","","SubjectBusy: Migration ${holder} .*"${holder}"\\r\\n`));
      const { texts } = await directSweeps(world.backend, OPERATOR).report(standing, ['html']);
      expect(texts.html).toContain(`"heldBy":"${holder}"`);
      // The add-on's lock is free again, and another sweep finds it migrated.
      const again = await world.sweep({ limits: LIMITS });
      expect(again.report.totals).toMatchObject({ byClass: { ready: 0 }, byOutcome: {} });
    });
  });
});
