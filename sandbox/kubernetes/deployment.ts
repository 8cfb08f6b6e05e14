/** The Deployment controller: one ReplicaSet per template, scaled within maxSurge and maxUnavailable. */
import { copyOf } from '../json.ts';
import { reportDeployment } from './deployment-status.ts';
import type { Deployment, Pod, ReplicaSet } from '../objects/objects.ts';
import { placementOf } from './placement.ts';
import { createPod, isActive, isAvailable, isReady, terminatePod } from './pods.ts';
import { CONTROLLER_LAG, countOf, templateHash, type Sync } from './rollout.ts';
import { controlledBy, newMetadata, ownedBy, putObject, removeObject, touch } from '../objects/store.ts';

const REVISION = 'deployment.kubernetes.io/revision';
/** The revisions that a ReplicaSet was before. */
const HISTORY = 'deployment.kubernetes.io/revision-history';
const HASH_LABEL = 'pod-template-hash';
const DEFAULT_HISTORY = 10;

const revisionOf = (replicaSet: ReplicaSet): number => Number(replicaSet.metadata.annotations?.[REVISION] ?? 0);
const activePods = ({ cluster }: Sync, replicaSet: ReplicaSet): Pod[] =>
  controlledBy(cluster.kube, 'Pod', replicaSet).filter(isActive);

const replicaSetOf = (
  { cluster }: Sync,
  deployment: Deployment,
  hash = templateHash(cluster.kube, deployment.spec.template),
): ReplicaSet | undefined =>
  controlledBy(cluster.kube, 'ReplicaSet', deployment).find(({ metadata }) => metadata.labels?.[HASH_LABEL] === hash);

/**
 * Returns how far a rollout may exceed or fall short of the wanted number of pods (k8s.io/kubernetes, deployment/util).
 */
const limits = ({ spec }: Deployment): { maxSurge: number; maxUnavailable: number } => {
  const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {};
  const surge = countOf(maxSurge, spec.replicas, Math.ceil, '25%');
  const unavailable = countOf(maxUnavailable, spec.replicas, Math.floor, '25%');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
};

/** Annotations of a Deployment that its ReplicaSets do not get. */
const NOT_COPIED = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, HISTORY]);

/** Returns the annotations of a Deployment that its newest ReplicaSet gets. */
const copiedAnnotations = ({ metadata: { annotations = {} } }: Deployment): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => !NOT_COPIED.has(name)));

/** Returns the annotations by which the controller notices that a Deployment was scaled. */
const sizeAnnotations = (deployment: Deployment): Record<string, string> => ({
  'deployment.kubernetes.io/desired-replicas': String(deployment.spec.replicas),
  'deployment.kubernetes.io/max-replicas': String(
    deployment.spec.replicas + (deployment.spec.strategy?.type === 'Recreate' ? 0 : limits(deployment).maxSurge),
  ),
});

const annotate = (sync: Sync, object: Deployment | ReplicaSet, annotations: Record<string, string>): void => {
  const { metadata } = object;
  if (Object.entries(annotations).every(([name, value]) => metadata.annotations?.[name] === value)) return;
  metadata.annotations = { ...metadata.annotations, ...annotations };
  touch(sync.cluster.kube, object);
};

/**
 * Returns the ReplicaSet of the current template, and creates it if it does not exist. An older ReplicaSet that matches
 * again becomes the newest revision.
 */
const currentReplicaSet = (sync: Sync, deployment: Deployment): { current: ReplicaSet; isNew: boolean } => {
  const { kube } = sync.cluster;
  const { template } = deployment.spec;
  const existing = controlledBy(kube, 'ReplicaSet', deployment);
  const hash = templateHash(kube, template);
  const newest = Math.max(0, ...existing.map(revisionOf));
  const found = replicaSetOf(sync, deployment, hash);
  const revision = String(found && revisionOf(found) === newest ? newest : newest + 1);
  annotate(sync, deployment, { [REVISION]: revision });
  if (found) {
    const was = found.metadata.annotations?.[REVISION] ?? revision;
    const history = [found.metadata.annotations?.[HISTORY], was].filter((one) => one !== undefined).join(',');
    annotate(sync, found, {
      ...copiedAnnotations(deployment),
      ...(was === revision ? {} : { [HISTORY]: history }),
      [REVISION]: revision,
    });
    return { current: found, isNew: false };
  }
  const labels = { ...template.metadata.labels, [HASH_LABEL]: hash };
  const current = putObject(kube, 'ReplicaSet', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: newMetadata(kube, sync.at, {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      generation: 1,
      labels,
      annotations: { ...copiedAnnotations(deployment), ...sizeAnnotations(deployment), [REVISION]: revision },
      ownerReferences: [ownedBy(deployment)],
    }),
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...deployment.spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: copyOf({ ...template, metadata: { ...template.metadata, labels } }),
    },
  });
  return { current, isNew: true };
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

/** Deletes the oldest ReplicaSets; `revisionHistoryLimit` of them are kept for `kubectl rollout undo`. */
const forgetOldRevisions = (sync: Sync, deployment: Deployment, old: ReplicaSet[]): void => {
  const empty = old
    .filter((replicaSet) => controlledBy(sync.cluster.kube, 'Pod', replicaSet).length === 0)
    .sort((a, b) => revisionOf(b) - revisionOf(a));
  for (const replicaSet of empty.slice(deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY))
    removeObject(sync.cluster.kube, 'ReplicaSet', replicaSet);
};

const report = (sync: Sync, deployment: Deployment, current: ReplicaSet | undefined, isNew: boolean): void => {
  const { maxUnavailable } = limits(deployment);
  reportDeployment(sync, deployment, { current, isNew, maxUnavailable });
  const size = sizeAnnotations(deployment);
  for (const replicaSet of controlledBy(sync.cluster.kube, 'ReplicaSet', deployment))
    if (replicaSet === current || replicaSet.spec.replicas > 0) annotate(sync, replicaSet, size);
  // The ReplicaSet's controller creates the pods and reports them, which this controller has to see.
  if (isNew && !sync.instant) sync.world.schedule.after(2 * CONTROLLER_LAG, sync.again);
};

export const reconcileDeployment = (sync: Sync, deployment: Deployment): void => {
  // A Deployment that existed before the sandbox opened was paused after its pods had been created.
  if (deployment.spec.paused === true && !sync.instant) {
    holdBack(sync, deployment);
    report(sync, deployment, replicaSetOf(sync, deployment), false);
    return;
  }
  const { current, isNew } = currentReplicaSet(sync, deployment);
  const old = controlledBy(sync.cluster.kube, 'ReplicaSet', deployment).filter((replicaSet) => replicaSet !== current);
  // Terminating pods do not count, so each terminated pod makes room for a new pod at once.
  let before: number;
  do {
    before = sync.cluster.kube.resourceVersion;
    rollOut(sync, deployment, current, old);
  } while (sync.cluster.kube.resourceVersion !== before);
  forgetOldRevisions(sync, deployment, old);
  report(sync, deployment, current, isNew);
};
