/** The Deployment controller: one ReplicaSet per template, scaled within maxSurge and maxUnavailable. */
import { copyOf } from '../json.ts';
import type { Condition, Deployment, Pod, ReplicaSet } from './objects.ts';
import { placementOf } from './placement.ts';
import { createPod, isActive, isAvailable, isReady, terminatePod } from './pods.ts';
import { countOf, nonZero, setStatus, templateHash } from './rollout.ts';
import type { Sync } from './rollout.ts';
import { controlledBy, newMetadata, ownedBy, putObject, removeObject, timestamp, touch } from './store.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH_LABEL = 'pod-template-hash';
const DEFAULT_HISTORY = 10;

const revisionOf = (replicaSet: ReplicaSet): number => Number(replicaSet.metadata.annotations?.[REVISION] ?? 0);
const activePods = ({ cluster }: Sync, replicaSet: ReplicaSet): Pod[] =>
  controlledBy(cluster.kube, 'Pod', replicaSet).filter(isActive);

const replicaSetOf = (
  { cluster }: Sync,
  deployment: Deployment,
  hash = templateHash(deployment.spec.template),
): ReplicaSet | undefined =>
  controlledBy(cluster.kube, 'ReplicaSet', deployment).find(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);

/**
 * Returns the ReplicaSet of the current template, and creates it if it does not exist. An older ReplicaSet that matches
 * again becomes the newest revision.
 */
const currentReplicaSet = (sync: Sync, deployment: Deployment): ReplicaSet => {
  const { kube } = sync.cluster;
  const { template } = deployment.spec;
  const existing = controlledBy(kube, 'ReplicaSet', deployment);
  const hash = templateHash(template);
  const newest = Math.max(0, ...existing.map(revisionOf));
  const found = replicaSetOf(sync, deployment, hash);
  const revision = String(found && revisionOf(found) === newest ? newest : newest + 1);
  if (deployment.metadata.annotations?.[REVISION] !== revision) {
    deployment.metadata.annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
    touch(kube, deployment);
  }
  if (found) {
    if (found.metadata.annotations?.[REVISION] !== revision) {
      found.metadata.annotations = { ...found.metadata.annotations, [REVISION]: revision };
      touch(kube, found);
    }
    return found;
  }
  const labels = { ...template.metadata.labels, [HASH_LABEL]: hash };
  return putObject(kube, 'ReplicaSet', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: newMetadata(kube, sync.at, {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      generation: 1,
      labels,
      annotations: {
        [REVISION]: revision,
        'deployment.kubernetes.io/desired-replicas': String(deployment.spec.replicas),
      },
      ownerReferences: [ownedBy(deployment)],
    }),
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...deployment.spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: copyOf({ ...template, metadata: { ...template.metadata, labels } }),
    },
  });
};

/** Creates pods and returns them. */
const scaleUp = (sync: Sync, replicaSet: ReplicaSet, siblings: Pod[], count: number): Pod[] => {
  if (count <= 0) return [];
  const { template } = replicaSet.spec;
  const { labels, pick } = placementOf(sync.cluster, replicaSet.metadata.namespace ?? 'default', template, siblings);
  return Array.from({ length: count }, () => {
    const options = { owner: replicaSet, template, labels, nodeName: pick(), createdAt: sync.at, ready: sync.instant };
    return createPod(sync, options, sync.again);
  });
};

/** Terminates `count` pods: pods that are not ready first, then the youngest. */
const scaleDown = (sync: Sync, pods: Pod[], count: number): void => {
  if (count <= 0) return;
  const order = pods.toReversed().sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
  for (const pod of order.slice(0, count)) terminatePod(sync, pod, sync.again);
};

/**
 * Returns how far a rollout may exceed or fall short of the wanted number of pods (k8s.io/kubernetes, deployment/util).
 */
const limits = ({ spec }: Deployment): { maxSurge: number; maxUnavailable: number } => {
  const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {};
  const surge = countOf(maxSurge, spec.replicas, Math.ceil, '25%');
  const unavailable = countOf(maxUnavailable, spec.replicas, Math.floor, '25%');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
};

const rollOut = (sync: Sync, deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]): void => {
  const { replicas } = deployment.spec;
  const works = (pod: Pod): boolean => isAvailable(sync, pod, deployment);
  const isNew = activePods(sync, current);
  let isOld = old.flatMap((replicaSet) => activePods(sync, replicaSet));
  if (deployment.spec.strategy?.type === 'Recreate') {
    scaleDown(sync, isOld, isOld.length);
    const leftOver = old.some((replicaSet) => controlledBy(sync.cluster.kube, 'Pod', replicaSet).length > 0);
    if (!leftOver) isNew.push(...scaleUp(sync, current, isNew, replicas - isNew.length));
  } else {
    const { maxSurge, maxUnavailable } = limits(deployment);
    const room = replicas + maxSurge - isOld.length - isNew.length;
    isNew.push(...scaleUp(sync, current, [...isOld, ...isNew], Math.min(room, replicas - isNew.length)));

    const newAvailable = isNew.filter(works).length;
    const least = replicas - maxUnavailable;
    const removable = (): number => isOld.length + newAvailable - least;
    // Old pods that are not available are terminated first: that costs no availability.
    const broken = isOld.filter((pod) => !works(pod));
    scaleDown(sync, broken, Math.min(broken.length, removable()));
    isOld = isOld.filter(isActive);
    if (removable() > 0)
      scaleDown(sync, isOld, Math.min(isOld.filter(works).length + newAvailable - least, isOld.length));
  }
  const surplus = isNew.filter(isActive);
  scaleDown(sync, surplus, surplus.length - replicas);
};

/**
 * Reconciles a paused Deployment: creates no ReplicaSet for a changed template and replaces no pod. A change of
 * `replicas` applies to the only ReplicaSet that has pods; with several, among which the real controller would
 * distribute the change, it has to wait (k8s.io/kubernetes, deployment/sync.go).
 */
const holdBack = (sync: Sync, deployment: Deployment): void => {
  const replicaSets = controlledBy(sync.cluster.kube, 'ReplicaSet', deployment).sort(
    (a, b) => revisionOf(a) - revisionOf(b),
  );
  const inUse = replicaSets.filter(({ spec }) => spec.replicas > 0);
  const only = inUse.length > 1 ? undefined : (inUse[0] ?? replicaSets.at(-1));
  for (const replicaSet of replicaSets) {
    const pods = activePods(sync, replicaSet);
    const wanted = replicaSet === only ? deployment.spec.replicas : replicaSet.spec.replicas;
    scaleUp(sync, replicaSet, pods, wanted - pods.length);
    scaleDown(sync, pods, pods.length - wanted);
  }
};

type Reason = Pick<Condition, 'status' | 'reason' | 'message'>;
const PAUSED: Reason = { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };

/**
 * Returns the condition Progressing. `current`: undefined if a paused Deployment has no ReplicaSet for its template.
 */
const progressOf = ({ spec }: Deployment, current: ReplicaSet | undefined, complete: boolean): Reason => {
  if (spec.paused === true || !current) return PAUSED;
  const { name } = current.metadata;
  return complete
    ? { status: 'True', reason: 'NewReplicaSetAvailable', message: `ReplicaSet "${name}" has successfully progressed.` }
    : { status: 'True', reason: 'ReplicaSetUpdated', message: `ReplicaSet "${name}" is progressing.` };
};

const conditionsOf = (deployment: Deployment, at: number, available: boolean, progress: Reason): Condition[] => {
  const before = deployment.status?.['conditions'] as Condition[] | undefined;
  const conditions = [
    {
      type: 'Available',
      status: available ? 'True' : 'False',
      reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: `Deployment ${available ? 'has' : 'does not have'} minimum availability.`,
    },
    { type: 'Progressing', ...progress },
  ] satisfies Omit<Condition, 'lastTransitionTime'>[];
  return conditions.map((now) => {
    const then = before?.find(({ type }) => type === now.type);
    const changed = then?.status !== now.status;
    const updated = changed || then?.reason !== now.reason || then.message !== now.message;
    return {
      ...now,
      lastUpdateTime: updated ? timestamp(at) : String((then as { lastUpdateTime?: unknown }).lastUpdateTime),
      lastTransitionTime: changed ? timestamp(at) : then.lastTransitionTime,
    };
  });
};

const report = (sync: Sync, deployment: Deployment, current: ReplicaSet | undefined): void => {
  const { kube } = sync.cluster;
  const replicaSets = controlledBy(kube, 'ReplicaSet', deployment);
  let total = 0;
  let ready = 0;
  let available = 0;
  for (const replicaSet of replicaSets) {
    const pods = activePods(sync, replicaSet);
    const readyHere = pods.filter(isReady).length;
    const availableHere = pods.filter((pod) => isAvailable(sync, pod, deployment)).length;
    total += pods.length;
    ready += readyHere;
    available += availableHere;
    replicaSet.spec.replicas = pods.length;
    setStatus(kube, replicaSet, {
      replicas: pods.length,
      ...nonZero({ fullyLabeledReplicas: pods.length, readyReplicas: readyHere, availableReplicas: availableHere }),
      observedGeneration: replicaSet.metadata.generation,
    }, sync.at);
  }
  const { replicas } = deployment.spec;
  const updated = current ? activePods(sync, current).length : 0;
  const complete = updated === replicas && total === replicas && available === replicas;
  setStatus(kube, deployment, {
    observedGeneration: deployment.metadata.generation,
    ...nonZero({
      replicas: total,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: available,
      unavailableReplicas: Math.max(0, Math.max(total, replicas) - available),
    }),
    conditions: conditionsOf(
      deployment,
      sync.at,
      available >= replicas - limits(deployment).maxUnavailable,
      progressOf(deployment, current, complete),
    ),
  }, sync.at);
};

/** Deletes the oldest ReplicaSets; `revisionHistoryLimit` of them are kept for `kubectl rollout undo`. */
const forgetOldRevisions = (sync: Sync, deployment: Deployment, old: ReplicaSet[]): void => {
  const empty = old
    .filter((replicaSet) => controlledBy(sync.cluster.kube, 'Pod', replicaSet).length === 0)
    .sort((a, b) => revisionOf(b) - revisionOf(a));
  for (const replicaSet of empty.slice(deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY))
    removeObject(sync.cluster.kube, 'ReplicaSet', replicaSet);
};

export const reconcileDeployment = (sync: Sync, deployment: Deployment): void => {
  // A Deployment that existed before the sandbox opened was paused after its pods had been created.
  if (deployment.spec.paused === true && !sync.instant) {
    holdBack(sync, deployment);
    report(sync, deployment, replicaSetOf(sync, deployment));
    return;
  }
  const current = currentReplicaSet(sync, deployment);
  const old = controlledBy(sync.cluster.kube, 'ReplicaSet', deployment).filter((replicaSet) => replicaSet !== current);
  // Terminating pods do not count, so each terminated pod makes room for a new pod at once.
  let before: number;
  do {
    before = sync.cluster.kube.resourceVersion;
    rollOut(sync, deployment, current, old);
  } while (sync.cluster.kube.resourceVersion !== before);
  forgetOldRevisions(sync, deployment, old);
  report(sync, deployment, current);
};
