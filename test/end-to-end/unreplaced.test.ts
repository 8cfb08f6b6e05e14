/** Pods that nobody replaces, and workloads without pods: what a migration does not wait for, and what it says about them. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { noteChange, workloadChanged } from '../../sandbox/kubernetes/controllers.ts';
import { listObjects, newMetadata, putObject, touch } from '../../sandbox/objects/store.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';
import { matching } from '../lambdas/matchers.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const OPTIONS: WorldOptions = { scenario: 'service-account-irsa' };
const MINUTE = 60_000;
type Owner = { kind: string; name: string } | undefined;

/** Adds a pod that started on IRSA, with that controller or none. Returns how it ends. */
function startAlone({ backend: { clock }, cluster: { kube } }: OpenWorld, owner: Owner): () => void {
  const like = listObjects(kube, 'Pod').find(({ metadata }) => metadata.name.startsWith('api-'))!;
  const pod = putObject(kube, 'Pod', {
    ...structuredClone(like),
    metadata: newMetadata(kube, clock.now(), {
      name: 'worker-1',
      namespace: ACCOUNT.namespace,
      labels: { app: 'worker' },
      ownerReferences: owner ? [{ apiVersion: 'batch/v1', uid: 'u', controller: true, ...owner }] : [],
    }),
  });
  return () => {
    Object.assign(pod.status, { phase: 'Succeeded', conditions: [] });
    touch(kube, pod);
  };
}

/** Scales the workloads of the service account, as `kubectl scale` does. */
function scale({ backend: { sandbox }, cluster }: OpenWorld, replicas: number): void {
  const plane = { world: sandbox.world, cluster };
  for (const kind of ['Deployment', 'StatefulSet'] as const)
    for (const workload of listObjects(cluster.kube, kind)) {
      if (workload.spec.template.spec.serviceAccountName !== ACCOUNT.name) continue;
      workload.spec.replicas = replicas;
      workload.metadata.generation = (workload.metadata.generation ?? 1) + 1;
      touch(cluster.kube, workload);
      noteChange(plane, workload);
      workloadChanged(plane.world, cluster, workload);
    }
}

/** Migrates the service account; `happens` runs once its association was created. */
const migrateWhile = async (
  world: OpenWorld,
  happens: () => Promise<unknown> | void,
  asked: Asked = {},
): Promise<MigrationReport> => {
  world.onFirst(({ operation }) => operation === 'CreatePodIdentityAssociation', happens);
  const report = await world.migrate({ serviceAccount: ACCOUNT, ...asked });
  expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
  return report;
};
const hours = ({ startedAt, endedAt }: MigrationReport): number =>
  (Date.parse(endedAt) - Date.parse(startedAt)) / (60 * MINUTE);
const excluded = ({ verification }: MigrationReport): unknown[] =>
  verification.pods.flatMap((pod) => (pod.excluded === undefined ? [] : [[pod.name, pod.identity, pod.level]]));

it.each<[string, Owner, RegExp]>([
  ['without a controller', undefined, /kubectl -n payments delete pod worker-1/],
  ['of a Job', { kind: 'Job', name: 'nightly' }, /kubectl -n payments get job nightly/],
])(
  'a pod on IRSA that nobody replaces %s is named, and neither waited for nor a reason for a rollback',
  (_, owner, remedy) =>
    inWorld(OPTIONS, async (world) => {
      const report = await migrateWhile(world, () => void startAlone(world, owner), { annotation: 'remove' });
      expect(report).toMatchObject({
        outcome: 'migrated',
        verified: 'ready',
        warnings: [{ id: 'pods-not-replaced', message: matching(/worker-1 \(.*irsa\)/), remedy: matching(remedy) }],
      });
      expect(excluded(report)).toEqual([['worker-1', 'irsa', undefined]]);
      expect(hours(report)).toBeLessThan(0.2);
      expect(world.readAccount(ACCOUNT)).toMatchObject({
        annotation: undefined,
        pods: ['irsa', ...Array.from({ length: 5 }, () => 'pod-identity')],
      });
    }),
);

const atZero = {
  id: 'no-pods-to-verify',
  message: matching(/Deployment api has 0 replicas, StatefulSet outbox has 0/),
};
describe('workloads without pods', () => {
  it('end the migration with a warning that names them, and a level that no retirement accepts', () =>
    inWorld(OPTIONS, async (world) => {
      const report = await migrateWhile(world, () => scale(world, 0));
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'api', warnings: [atZero] });
      expect(hours(report)).toBeLessThan(0.3);
      const back = await world.rollBack({ migrationId: report.migrationId });
      expect(back).toMatchObject({ outcome: 'rolled-back', verified: 'api', warnings: [atZero] });
      expect(hours(back)).toBeLessThan(0.6);
    }));

  it('for a moment are waited for', () =>
    inWorld(OPTIONS, async (world) => {
      const report = await migrateWhile(world, async () => {
        scale(world, 0);
        await world.later(0.75 * MINUTE);
        scale(world, 2);
      });
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready', warnings: [] });
    }));

  it('and a Job that has ended are named', () =>
    inWorld(OPTIONS, async (world) => {
      const end = startAlone(world, { kind: 'Job', name: 'nightly' });
      scale(world, 0);
      await world.later(MINUTE);
      expect(await migrateWhile(world, end)).toMatchObject({
        outcome: 'migrated',
        verified: 'api',
        warnings: [{ id: 'no-pods-to-verify', message: matching(/pod worker-1 of Job nightly has ended/) }],
      });
    }));
});
