/** A rollback takes nothing from pods that they need, in whole worlds: watched at every event. */
import { describe, expect, it } from 'vitest';
import { type CredentialGap, CredentialWatch } from '../simulation/credentials.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const HOUR = 3_600_000;
const ACCOUNT = { namespace: 'payments', name: 'api' };

/** Migrates, lets the pods grow that old, and watches who is without credentials from then on. */
const migrated = async (
  world: OpenWorld,
  asked: object,
  ageMs = 0,
): Promise<{ id: string; watch: CredentialWatch }> => {
  const report = await world.migrate(asked);
  expect(report.outcome).toBe('migrated');
  if (ageMs > 0) await world.later(ageMs);
  return {
    id: report.migrationId,
    watch: new CredentialWatch(world.backend.sandbox.world, world.cluster),
  };
};
const atOnceIn = (gaps: readonly CredentialGap[]): number => Math.max(0, ...gaps.map(({ atOnce }) => atOnce));

describe('while the webhook still knows the association', () => {
  it.each<[string, WorldOptions, object]>([
    ['a service account', { scenario: 'service-account-irsa' }, { serviceAccount: ACCOUNT }],
    ['an add-on', { scenario: 'preserve' }, { addon: 'aws-ebs-csi-driver', strategy: 'recreate', preserve: true }],
  ])('one pod of %s finds out, and the others follow when a new one has what it had', async (_, options, asked) => {
    await inWorld({ ...options, knobs: { webhookRemovalLagSeconds: 60 } }, async (world) => {
      const { id, watch } = await migrated(world, asked);
      expect(await world.rollBack({ migrationId: id })).toMatchObject({ outcome: 'rolled-back', verified: 'pods' });
      const { gaps } = watch;
      expect(gaps.length).toBeGreaterThan(0);
      expect(gaps.filter(({ had }) => had)).toEqual([]);
      expect(gaps.filter(({ to }) => to === undefined)).toEqual([]);
      expect(atOnceIn(gaps)).toBe(1);
      expect(watch.livingOnSessions()).toEqual([]);
    });
  });
});

describe('pods that take longer to replace than their sessions last for sure', () => {
  const SLOW: WorldOptions = { scenario: 'service-account-irsa', knobs: { podReadySeconds: 150 } };
  const NINE_HOURS = 9 * HOUR;

  it('keep their association until a person decides, and lose nothing', async () => {
    await inWorld(SLOW, async (world) => {
      const { id, watch } = await migrated(world, { serviceAccount: ACCOUNT }, NINE_HOURS);
      const before = world.lookAtAccount(ACCOUNT);
      const asks = await world.rollBack({ migrationId: id });
      expect(asks).toMatchObject({
        outcome: 'needs-human',
        failure: {
          message: expect.stringMatching(
            /SessionsMayEnd.*for sure only for 5 minutes.*rollout restart .*--accept-credential-gap/s,
          ) as string,
        },
      });
      expect(world.lookAtAccount(ACCOUNT)).toEqual(before);
      expect(watch.gaps).toEqual([]);
      const back = await world.rollBack({ migrationId: id, acceptCredentialGap: true });
      expect(back).toMatchObject({ outcome: 'rolled-back', rollback: { acceptCredentialGap: true } });
      expect(new Set(world.lookAtAccount(ACCOUNT).pods)).toEqual(new Set(['irsa']));
    });
  });

  it('go back by themselves while their sessions are new', async () => {
    await inWorld(SLOW, async (world) => {
      const { id, watch } = await migrated(world, { serviceAccount: ACCOUNT });
      expect(await world.rollBack({ migrationId: id })).toMatchObject({ outcome: 'rolled-back' });
      expect(watch.gaps).toEqual([]);
    });
  });
});
