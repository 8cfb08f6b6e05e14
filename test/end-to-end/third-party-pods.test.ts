/** Rollbacks while pods that no rollout replaces use EKS Pod Identity: those of Jobs and custom resources, and bare pods. */
import { describe, expect, it } from 'vitest';
import { cancel } from '../../cli/service/cancel.ts';
import { startPod, type ThirdPartyPod } from '../../sandbox/kubernetes/third-party-pods.ts';
import { CredentialWatch } from '../simulation/credentials.ts';
import { containing, matching } from '../lambdas/matchers.ts';
import { inWorld, type OpenWorld } from './world.ts';

const HOUR = 3_600_000;
const DAYS = 86_400;
const ACCOUNT = { namespace: 'payments', name: 'api' };
const OF: ThirdPartyPod = { namespace: 'payments', serviceAccount: 'api' };
const owned = (kind: string, name: string, change: Partial<ThirdPartyPod> = {}): ThirdPartyPod => ({
  ...OF,
  owner: { apiVersion: 'example.com/v1', kind, name },
  ...change,
});
const start = ({ backend: { sandbox }, cluster }: OpenWorld, of: ThirdPartyPod) =>
  startPod({ world: sandbox.world, cluster }, of);

/** Migrates, starts the pod on EKS Pod Identity, and watches for pods without credentials from then on. */
const migrated = async (world: OpenWorld, of: ThirdPartyPod) => {
  const { outcome, migrationId: id } = await world.migrate({ serviceAccount: ACCOUNT });
  expect(outcome).toBe('migrated');
  const pod = start(world, of);
  await world.later(120_000);
  return { id, pod: pod.metadata.name, watch: new CredentialWatch(world.backend.sandbox.world, world.cluster) };
};
/** Returns the number of pods of each identity, without the given pod. */
const identities = (world: OpenWorld): string[] => [...new Set(world.readAccount(ACCOUNT).pods)].sort();

describe('a rollback that would leave such a pod without credentials', () => {
  it.each<[string, ThirdPartyPod, RegExp]>([
    ['a Job of 10 h', owned('Job', 'report', { seconds: 10 * 3600 }), /delete job report/],
    ['a Job of 9 days', owned('Job', 'backfill', { seconds: 9 * DAYS }), /wait .*job\/backfill/],
    ['a CronJob', owned('Job', 'nightly-29100000', { seconds: 9 * DAYS }), /patch cronjob nightly -p .*suspend/],
    ['a bare pod', { ...OF, name: 'debug' }, /keep its manifest.*delete pod debug/],
    ['a custom resource', owned('SparkApplication', 'etl'), /controller of SparkApplication etl/],
  ])('asks about the pod of %s, and with acceptance leaves only that pod', (_, of, remedy) =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const { id, pod, watch } = await migrated(world, of);
      const before = world.readAccount(ACCOUNT);
      const asks = await world.rollBack({ migrationId: id });
      expect(asks.outcome).toBe('needs-human');
      const { message } = asks.failure!;
      expect(message).toMatch(/SessionsMayEnd: .*--accept credential-gap$/);
      expect(message).toMatch(remedy);
      expect(message).toContain(`pod payments/${pod} ${of.owner ? `of ${of.owner.kind} ${of.owner.name}` : 'without'}`);
      expect(message).not.toContain('rollout restart');
      expect(asks.restoreCommands.join('\n')).toContain(`No rollout replaces pod payments/${pod}.`);
      expect(asks.restoreCommands.at(-1)).toBe(`pod-identity rollback ${id} --deployed`);
      expect([world.readAccount(ACCOUNT), watch.gaps]).toEqual([before, []]);

      const started = world.backend.sandbox.world.schedule.now();
      const back = await world.rollBack({ migrationId: id, accept: ['credential-gap'] });
      expect(world.backend.sandbox.world.schedule.now() - started).toBeLessThan(HOUR / 2);
      expect(back).toMatchObject({
        outcome: 'rolled-back',
        warnings: [{ id: 'pods-left-behind', message: containing(`payments/${pod} `) }],
      });
      expect([identities(world), await world.backend.ledger.listHeldLocks()]).toEqual([['irsa', 'pod-identity'], []]);
      await world.later(7 * HOUR);
      expect(watch.gaps.filter((gap) => gap.pod !== pod)).toEqual([]);
    }),
  );

  it('asks in a cancelled migration too, and rolls back once the Job has ended', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const watch = new CredentialWatch(world.backend.sandbox.world, world.cluster);
      const execution = await world.start({ serviceAccount: ACCOUNT });
      await world.until(execution, 'WaitForRollout');
      start(world, owned('Job', 'report', { seconds: 10 * 3600 }));
      await cancel(world.backend, { migrationId: execution.name, requestedBy: 'kim', reason: 'not today' });
      const asks = await world.settled(execution.name);
      expect(asks).toMatchObject({ outcome: 'needs-human', failure: { message: matching(/SessionsMayEnd: /) } });
      await world.later(10 * HOUR);
      const back = await world.rollBack({ migrationId: execution.name });
      expect(back).toMatchObject({ outcome: 'rolled-back', warnings: [] });
      expect([identities(world), watch.gaps.filter(({ had }) => had)]).toEqual([['irsa'], []]);
    }));
});

it.each<[string, ThirdPartyPod]>([
  ['a Job that ends before its session', owned('Job', 'short', { activeDeadlineSeconds: 2 * 3600 })],
  ['a Job of another service account', { ...owned('Job', 'other', { seconds: 9 * DAYS }), serviceAccount: 'default' }],
  ['a Job that has ended', owned('Job', 'done', { seconds: 60 })],
])('a rollback that leaves every such pod its credentials does not ask about the pod of %s', (_, of) =>
  inWorld({ scenario: 'service-account-irsa' }, async (world) => {
    const { id, pod, watch } = await migrated(world, of);
    const back = await world.rollBack({ migrationId: id });
    expect(back.outcome).toBe('rolled-back');
    expect(back.warnings.map((one) => one.message.includes(pod))).toEqual(pod.startsWith('short') ? [true] : []);
    await world.later(9 * HOUR);
    expect([watch.gaps, identities(world)]).toEqual([[], ['irsa']]);
  }),
);
