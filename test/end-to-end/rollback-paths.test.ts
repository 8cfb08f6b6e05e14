/** A rollback takes no credentials from pods, in whole worlds: checked at every event. */
import { describe, expect, it } from 'vitest';
import { cancel } from '../../cli/service/cancel.ts';
import { liveAssociations } from '../simulation/cluster.ts';
import { type CredentialGap, CredentialWatch } from '../simulation/credentials.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { matching } from '../lambdas/matchers.ts';

const HOUR = 3_600_000;
const ROLLED_BACK = { outcome: 'rolled-back', verified: 'injected' };
const ACCOUNT = { namespace: 'payments', name: 'api' };

/** Migrates, lets the pods reach that age, and watches for pods without credentials from then on. */
const migrated = async (
  world: OpenWorld,
  asked: object,
  ageMs = 0,
): Promise<{ id: string; watch: CredentialWatch }> => {
  const report = await world.migrate(asked);
  expect(report.outcome).toBe('migrated');
  if (ageMs > 0) await world.later(ageMs);
  return { id: report.migrationId, watch: new CredentialWatch(world.backend.sandbox.world, world.cluster) };
};
/** The associations, without what differs in one that is created again. */
const associationsIn = ({ cluster }: OpenWorld): unknown[] =>
  liveAssociations(cluster).map(({ namespace, serviceAccount, roleArn, disableSessionTags, tags }) => ({
    namespace,
    serviceAccount,
    roleArn,
    disableSessionTags,
    tags,
  }));
const atOnceIn = (gaps: readonly CredentialGap[]): number => Math.max(0, ...gaps.map(({ atOnce }) => atOnce));

describe('while the webhook still knows the association', () => {
  it.each<[string, WorldOptions, object]>([
    ['a service account', { scenario: 'service-account-irsa' }, { serviceAccount: ACCOUNT }],
    ['an add-on', { scenario: 'preserve' }, { addon: 'aws-ebs-csi-driver', strategy: 'recreate', preserve: true }],
  ])('one pod of %s is affected, and the others follow when a new one has its credentials back', (_, options, asked) =>
    inWorld({ ...options, knobs: { webhookRemovalLagSeconds: 60 } }, async (world) => {
      const { id, watch } = await migrated(world, asked);
      expect(await world.rollBack({ migrationId: id })).toMatchObject(ROLLED_BACK);
      const { gaps } = watch;
      expect(gaps.length).toBeGreaterThan(0);
      expect([gaps.filter(({ had }) => had), gaps.filter(({ to }) => to === undefined)]).toEqual([[], []]);
      expect([atOnceIn(gaps), watch.livingOnSessions()]).toEqual([1, []]);
    }),
  );
});

describe('a migration that is stopped during its rollout', () => {
  it('keeps the association until the pods are ready, so that only the first one starts without credentials', async () => {
    const options: WorldOptions = {
      scenario: 'service-account-irsa',
      knobs: { webhookRemovalLagSeconds: 60, podReadySeconds: 40 },
      change: ({ accounts }) => {
        for (const workload of accounts[0]!.clusters[0]!.workloads) if (workload.name === 'api') workload.replicas = 12;
      },
    };
    await inWorld(options, async (world) => {
      const watch = new CredentialWatch(world.backend.sandbox.world, world.cluster);
      const execution = await world.start({ serviceAccount: ACCOUNT });
      await world.until(execution, 'WaitForRollout');
      await cancel(world.backend, { migrationId: execution.name, requestedBy: 'kim', reason: 'not today' });
      expect(await world.settled(execution.name)).toMatchObject(ROLLED_BACK);
      expect(watch.gaps.filter(({ had }) => had)).toEqual([]);
      expect(atOnceIn(watch.gaps)).toBeLessThanOrEqual(1);
    });
  });
});

describe('an owned association that is deleted directly', () => {
  it.each([
    ['dropped', 0],
    ['shown', 0],
    ['dropped', 30],
    ['dropped', 600],
  ] as const)(
    'has no effect, %s by DescribeAddon after %d seconds: migrated, rolled back, and migrated again',
    async (deletedOwnedAssociation, ownedAssociationLagSeconds) => {
      const knobs = { deletedOwnedAssociation, ownedAssociationLagSeconds };
      await inWorld({ scenario: 'in-place', knobs }, async (world) => {
        const asked = { addon: 'aws-ebs-csi-driver', strategy: 'in-place' };
        const { id } = await migrated(world, asked);
        expect(await world.rollBack({ migrationId: id })).toMatchObject(ROLLED_BACK);
        await migrated(world, asked);
      });
    },
  );
});

it.each<[string, WorldOptions, object]>([
  ['a service account', { scenario: 'service-account-irsa' }, { serviceAccount: ACCOUNT }],
  [
    'an add-on that had another',
    { scenario: 'left-over-session-tags' },
    { addon: 'aws-ebs-csi-driver', strategy: 'recreate' },
  ],
])(
  'a webhook that never forgets the association leaves %s with its association, and a person',
  async (_, options, asked) =>
    inWorld({ ...options, knobs: { webhookRemovalLagSeconds: 86_400 } }, async (world) => {
      const former = associationsIn(world);
      const { id, watch } = await migrated(world, asked);
      const asks = await world.rollBack({ migrationId: id });
      expect(asks).toMatchObject({ outcome: 'needs-human' });
      expect(asks.failure?.message).toMatch(/WebhookStillInjects: .*Their association is created again/s);
      await world.later(60_000);
      expect(asks.restoreCommands.filter((line) => !line.startsWith(': '))).toEqual([
        expect.stringMatching(/^aws eks list-pod-identity-associations /),
        `pod-identity rollback ${id} --deployed`,
      ]);
      const { gaps } = watch;
      expect(gaps.length).toBeGreaterThan(0);
      expect([gaps.filter(({ to }) => to === undefined), watch.livingOnSessions()]).toEqual([[], []]);
      // Once the webhook learns of a deletion again, the same rollback succeeds.
      world.backend.sandbox.world.knobs.webhookRemovalLagSeconds = 0;
      await world.later(25 * HOUR);
      expect(await world.rollBack({ migrationId: id })).toMatchObject(ROLLED_BACK);
      expect(associationsIn(world)).toEqual(former);
      expect(watch.livingOnSessions()).toEqual([]);
    }),
);

describe('pods that take longer to replace than their sessions are guaranteed to last', () => {
  const SLOW: WorldOptions = { scenario: 'service-account-irsa', knobs: { podReadySeconds: 150 } };
  const NINE_HOURS = 9 * HOUR;

  it('keep their association until a person decides, and lose nothing', () =>
    inWorld(SLOW, async (world) => {
      const { id, watch } = await migrated(world, { serviceAccount: ACCOUNT }, NINE_HOURS);
      const before = world.readAccount(ACCOUNT);
      const asks = await world.rollBack({ migrationId: id });
      const message = matching(/SessionsMayEnd.*for only 5 minutes.*rollout restart .*--accept credential-gap/s);
      expect(asks).toMatchObject({ outcome: 'needs-human', failure: { message } });
      const restoreCommands = asks.restoreCommands.join('\n');
      expect(restoreCommands).toMatch(/replaces \d+ pods, .* about \d+ minutes\. .* 5 minutes only: until /);
      expect(restoreCommands).toContain(`: pod-identity rollback ${id} --deployed --accept credential-gap`);
      expect(restoreCommands).toContain(`: pod-identity release ${id} --deployed`);
      expect(restoreCommands).not.toContain('delete-pod-identity-association');
      expect([world.readAccount(ACCOUNT), watch.gaps]).toEqual([before, []]);
      const back = await world.rollBack({ migrationId: id, accept: ['credential-gap'] });
      expect(back).toMatchObject({ outcome: 'rolled-back', rollback: { accept: ['credential-gap'] } });
      expect(new Set(world.readAccount(ACCOUNT).pods)).toEqual(new Set(['irsa']));
    }));

  it('are rolled back automatically while their sessions are new', () =>
    inWorld(SLOW, async (world) => {
      const { id, watch } = await migrated(world, { serviceAccount: ACCOUNT });
      expect([await world.rollBack({ migrationId: id }), watch.gaps]).toMatchObject([{ outcome: 'rolled-back' }, []]);
    }));
});
