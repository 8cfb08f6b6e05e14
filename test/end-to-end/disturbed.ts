/**
 * Disturbances that have nothing to do with identities, at each of many moments of a rollout: a node is lost, or a pod
 * with the old identity is not ready for 20 seconds.
 */
import { noteChange, workloadChanged } from '../../sandbox/kubernetes/controllers.ts';
import { scheduleNodeLosses } from '../../sandbox/kubernetes/lost-nodes.ts';
import { containerStatusesOf, setContainerStatus } from '../../sandbox/kubernetes/pod-status.ts';
import { isActive, isReady, noteReadiness } from '../../sandbox/kubernetes/pods.ts';
import { listObjects, touch, workloadOf } from '../../sandbox/objects/store.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { inWorld, type OpenWorld } from './world.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };

/** A Deployment on three nodes, of which one may be lost. */
export interface Shape {
  replicas: number;
  readySeconds: number;
}
const SHAPES: readonly Shape[] = [
  { replicas: 3, readySeconds: 60 },
  { replicas: 6, readySeconds: 60 },
  { replicas: 6, readySeconds: 300 },
];
export type Disturbance = 'lost-node' | 'unready-pod';
/** In how many moments of a rollout each disturbance is played. */
export const MOMENTS: Record<Disturbance, number> = { 'lost-node': 20, 'unready-pod': 24 };
export type Towards = 'pod-identity' | 'before';

export interface Case extends Shape {
  towards: Towards;
  disturbance?: Disturbance;
  /** Seconds after the start of the migration, or of the rollback. */
  after?: number;
}

const UNREADY_SECONDS = 20;
const HOUR = 3_600_000;

const alone =
  ({ replicas, readySeconds }: Shape) =>
  ({ accounts: [account] }: Scenario): void => {
    const cluster = account!.clusters[0]!;
    const api = cluster.workloads.find(({ name }) => name === 'api')!;
    cluster.workloads = [{ ...api, replicas, readySeconds }];
  };

/** Makes the oldest pod that is ready unready for a while. No container restarts. */
function interrupt({ backend: { sandbox }, cluster }: OpenWorld): void {
  const { world } = sandbox;
  const { schedule } = world;
  const [pod] = listObjects(cluster.kube, 'Pod')
    .filter((one) => one.metadata.namespace === ACCOUNT.namespace && isActive(one) && isReady(one))
    .sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp));
  if (!pod) return;
  const [first] = containerStatusesOf(pod);
  const turn = (ready: boolean) => (at: number) => {
    if (setContainerStatus(pod, first!.name, at, { ready }) === undefined) return;
    touch(cluster.kube, pod);
    const workload = workloadOf(cluster.kube, pod);
    const changed = (): void => {
      if (!workload) return;
      noteChange({ world, cluster }, workload);
      workloadChanged(world, cluster, workload);
    };
    noteReadiness({ world, cluster }, pod, changed, ready);
  };
  turn(false)(schedule.now());
  schedule.at(schedule.now() + UNREADY_SECONDS * 1000, turn(true));
}

function disturb(world: OpenWorld, { disturbance, after = 0 }: Case): void {
  const { world: played } = world.backend.sandbox;
  if (disturbance === 'lost-node')
    scheduleNodeLosses({ world: played, cluster: world.cluster }, [{ afterSeconds: after, nodes: 1 }]);
  if (disturbance === 'unready-pod') played.schedule.at(played.schedule.now() + after * 1000, () => interrupt(world));
}

/** Plays one case. Returns how it ended, with the reason of a failure. */
export const play = (one: Case): Promise<string> =>
  inWorld({ scenario: 'service-account-irsa', change: alone(one) }, async (world) => {
    const isBack = one.towards === 'before';
    const migrated = isBack ? await world.migrate({ serviceAccount: ACCOUNT }) : undefined;
    // The pods are older than any allowance by then, and younger than their first sessions.
    if (migrated) await world.later(HOUR);
    disturb(world, one);
    const { outcome, verified, failure } = migrated
      ? await world.rollBack({ migrationId: migrated.migrationId })
      : await world.migrate({ serviceAccount: ACCOUNT });
    // The failure of a rollback that was requested is the request.
    const isGood = outcome === (isBack ? 'rolled-back' : 'migrated');
    return isGood ? `${outcome} ${verified}` : `${outcome}: ${failure?.message ?? ''}`;
  });

/** Seconds that a migration, and its rollback after an hour, of each shape take undisturbed. */
const SECONDS: Record<Towards, readonly number[]> = { 'pod-identity': [274, 214, 694], before: [283, 223, 953] };

/** Returns the cases: each disturbance at each moment, of which every so many are taken. */
export const cases = (every: number): Case[] =>
  (['pod-identity', 'before'] as const).flatMap((towards) =>
    SHAPES.flatMap((shape, index) =>
      (['lost-node', 'unready-pod'] as const).flatMap((disturbance) =>
        Array.from({ length: MOMENTS[disturbance] }, (_, n) => n)
          .filter((n) => n % every === index % every)
          .map((n) => ({
            ...shape,
            towards,
            disturbance,
            after: Math.round((n * SECONDS[towards][index]!) / MOMENTS[disturbance]),
          })),
      ),
    ),
  );
