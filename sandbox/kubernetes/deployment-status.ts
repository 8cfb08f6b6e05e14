/** The status that a Deployment's controller reports (k8s.io/kubernetes, pkg/controller/deployment, sync.go and progress.go). */
import type { Condition, Deployment, Pod, ReplicaSet } from '../objects/objects.ts';
import { isActive, isAvailable, isReady } from './pods.ts';
import { CONTROLLER_LAG, nonZero, setStatus, type Sync } from './rollout.ts';
import { controlledBy, timestamp } from '../objects/store.ts';

type DeploymentCondition = Condition & { lastUpdateTime: string };
type Reason = Pick<Condition, 'status' | 'reason' | 'message'>;

interface Counts {
  replicas: number;
  updatedReplicas: number;
  readyReplicas: number;
  availableReplicas: number;
}

const PROGRESSING = 'Progressing';
const COMPLETE = 'NewReplicaSetAvailable';
const PAUSED = 'DeploymentPaused';

const conditionOf = (conditions: readonly DeploymentCondition[], type: string): DeploymentCondition | undefined =>
  conditions.find((each) => each.type === type);

/** Returns the conditions with a changed one, which moves to the end; a condition with a new message alone is not changed. */
const withCondition = (
  conditions: readonly DeploymentCondition[],
  type: string,
  now: Reason,
  at: number,
  options: { again?: boolean } = {},
): readonly DeploymentCondition[] => {
  const then = conditionOf(conditions, type);
  if (then?.status === now.status && then.reason === now.reason && options.again !== true) return conditions;
  const time = timestamp(at);
  const lastTransitionTime = then?.status === now.status ? then.lastTransitionTime : time;
  return [...conditions.filter((each) => each !== then), { type, ...now, lastUpdateTime: time, lastTransitionTime }];
};

/** Returns the conditions after the controller has seen whether the Deployment is paused. */
const withPause = (
  conditions: readonly DeploymentCondition[],
  paused: boolean,
  at: number,
): readonly DeploymentCondition[] => {
  const wasPaused = conditionOf(conditions, PROGRESSING)?.reason === PAUSED;
  if (paused === wasPaused) return conditions;
  const now = paused
    ? { reason: PAUSED, message: 'Deployment is paused' }
    : { reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  return withCondition(conditions, PROGRESSING, { status: 'Unknown', ...now }, at);
};

/** Returns whether a rollout has come further since the last report. */
const hasProgressed = (then: Counts, now: Counts): boolean =>
  now.updatedReplicas > then.updatedReplicas ||
  now.replicas - now.updatedReplicas < then.replicas - then.updatedReplicas ||
  now.readyReplicas > then.readyReplicas ||
  now.availableReplicas > then.availableReplicas;

/** Returns the conditions with the progress of a rollout; a complete one that loses pods later stays complete. */
const withProgress = (
  conditions: readonly DeploymentCondition[],
  { name, wanted, last, now, at }: { name: string; wanted: number; last: Counts; now: Counts; at: number },
): readonly DeploymentCondition[] => {
  const isOver = now.replicas === now.updatedReplicas && conditionOf(conditions, PROGRESSING)?.reason === COMPLETE;
  if (isOver) return conditions;
  if (now.updatedReplicas === wanted && now.replicas === wanted && now.availableReplicas === wanted) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    return withCondition(conditions, PROGRESSING, { status: 'True', reason: COMPLETE, message }, at);
  }
  if (!hasProgressed(last, now)) return conditions;
  const message = `ReplicaSet "${name}" is progressing.`;
  const reason = { status: 'True', reason: 'ReplicaSetUpdated', message } as const;
  return withCondition(conditions, PROGRESSING, reason, at, { again: true });
};

/** Kubernetes 1.35 also reports how many pods terminate (feature DeploymentReplicaSetTerminatingReplicas). */
const terminatingOf = ({ cluster }: Sync, terminating: number): { terminatingReplicas?: number } =>
  Number(cluster.version.split('.')[1]) >= 35 ? { terminatingReplicas: terminating } : {};

/** Writes the status of a ReplicaSet, and its size, which follows the number of its pods. */
const reportReplicaSet = (sync: Sync, deployment: Deployment, replicaSet: ReplicaSet, all: Pod[]): Counts => {
  const pods = all.filter(isActive);
  const counts = {
    replicas: pods.length,
    updatedReplicas: pods.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter((pod) => isAvailable(sync, pod, deployment)).length,
  };
  const { replicas, readyReplicas, availableReplicas } = counts;
  setStatus(
    sync.cluster.kube,
    replicaSet,
    {
      replicas,
      ...nonZero({ fullyLabeledReplicas: replicas, readyReplicas, availableReplicas }),
      ...terminatingOf(sync, all.length - pods.length),
      observedGeneration: replicaSet.metadata.generation,
    },
    sync.at,
  );
  return counts;
};

/** Sets how many pods a ReplicaSet wants. Its size when it was created is not a change. */
const setSize = (replicaSet: ReplicaSet, replicas: number): void => {
  if (replicaSet.spec.replicas === replicas) return;
  replicaSet.spec.replicas = replicas;
  if (replicaSet.status) replicaSet.metadata.generation = (replicaSet.metadata.generation ?? 1) + 1;
};

/** Returns the conditions with whether enough pods are available. */
const withAvailability = (
  conditions: readonly DeploymentCondition[],
  isAvailableNow: boolean,
  at: number,
): readonly DeploymentCondition[] =>
  withCondition(
    conditions,
    'Available',
    {
      status: isAvailableNow ? 'True' : 'False',
      reason: isAvailableNow ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: `Deployment ${isAvailableNow ? 'has' : 'does not have'} minimum availability.`,
    },
    at,
  );

const countsOf = (status: Deployment['status'] = {}): Counts => ({
  replicas: Number(status['replicas'] ?? 0),
  updatedReplicas: Number(status['updatedReplicas'] ?? 0),
  readyReplicas: Number(status['readyReplicas'] ?? 0),
  availableReplicas: Number(status['availableReplicas'] ?? 0),
});

/** Writes the status of a Deployment's ReplicaSets, and returns the sums. */
const reportReplicaSets = (
  sync: Sync,
  deployment: Deployment,
  { current, isNew }: { current: ReplicaSet | undefined; isNew: boolean },
): { now: Counts; size: number; terminating: number } => {
  const { kube } = sync.cluster;
  const now: Counts = { replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
  let size = 0;
  let terminating = 0;
  for (const replicaSet of controlledBy(kube, 'ReplicaSet', deployment)) {
    const pods = controlledBy(kube, 'Pod', replicaSet);
    const active = pods.filter(isActive).length;
    setSize(replicaSet, active);
    size += active;
    terminating += pods.length - active;
    if (replicaSet === current && isNew && !sync.instant) {
      setStatus(kube, replicaSet, { replicas: 0 }, sync.at);
      continue;
    }
    const counts = reportReplicaSet(sync, deployment, replicaSet, pods);
    now.replicas += counts.replicas;
    now.readyReplicas += counts.readyReplicas;
    now.availableReplicas += counts.availableReplicas;
    if (replicaSet === current) now.updatedReplicas = counts.updatedReplicas;
  }
  return { now, size, terminating };
};

/**
 * Writes the status of a Deployment and its ReplicaSets. `current`: undefined if a paused Deployment has no ReplicaSet
 * for its template; `isNew`: it was just created, so that its own controller has not reported any pod of it yet;
 * `maxUnavailable`: how many pods may be missing.
 */
export const reportDeployment = (
  sync: Sync,
  deployment: Deployment,
  { current, isNew, maxUnavailable }: { current: ReplicaSet | undefined; isNew: boolean; maxUnavailable: number },
): void => {
  const { kube } = sync.cluster;
  const { now, size, terminating } = reportReplicaSets(sync, deployment, { current, isNew });
  const { metadata, spec, status } = deployment;
  const { at } = sync;
  const wanted = spec.replicas;
  const isPaused = spec.paused === true;
  const before = (status?.['conditions'] ?? []) as DeploymentCondition[];
  let conditions = withPause(before, isPaused, at);
  if (conditions !== before && !sync.instant) {
    // The controller writes this by itself, and comes back for the rest because its copy is out of date then.
    setStatus(kube, deployment, { ...status, conditions }, at);
    sync.world.schedule.after(2 * CONTROLLER_LAG, sync.again);
    return;
  }
  if (current && isNew) {
    const message = `Created new replica set "${current.metadata.name}"`;
    conditions = withCondition(
      conditions,
      PROGRESSING,
      { status: 'True', reason: 'NewReplicaSetCreated', message },
      at,
    );
  }
  conditions = withAvailability(conditions, now.availableReplicas >= wanted - maxUnavailable, at);
  if (current && !isPaused)
    conditions = withProgress(conditions, { name: current.metadata.name, wanted, last: countsOf(status), now, at });
  setStatus(
    kube,
    deployment,
    {
      observedGeneration: metadata.generation,
      ...nonZero({ ...now, unavailableReplicas: Math.max(0, size - now.availableReplicas) }),
      ...terminatingOf(sync, terminating),
      conditions,
    },
    sync.at,
  );
};
