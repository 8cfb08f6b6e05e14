/**
 * The StatefulSet controller: pods with ordinals, created and terminated in order, replaced from the highest ordinal
 * down (Kubernetes documentation, "StatefulSets"; k8s.io/kubernetes,
 * pkg/controller/statefulset/stateful_set_control.go). Volume claims and `ordinals.start` are not simulated.
 */
import type { Revision } from '../objects/kube-state.ts';
import type { Pod, PodTemplate, StatefulSet } from '../objects/objects.ts';
import { placementOf } from './placement.ts';
import { createPod, isActive, isAvailable, isReady, REVISION_LABEL, terminatePod } from './pods.ts';
import { nonZero, setStatus, templateHash, type Sync } from './rollout.ts';
import { controlledBy, getObject } from '../objects/store.ts';

/** Delay until the controller retries to create a pod whose name is taken; a placeholder, not a measurement. */
const RETRY = 1000;

/**
 * One reconciliation of a StatefulSet: its pods by ordinal, including terminating pods, and the revisions that they can
 * have.
 */
interface Reconciliation {
  sync: Sync;
  statefulSet: StatefulSet;
  pods: Map<number, Pod>;
  /** The revision that the rollout starts from. */
  current: Revision;
  /** The revision that the rollout leads to. */
  update: Revision;
  /** True if each pod waits until the previous one is ready, or gone. */
  ordered: boolean;
  /** Placement of new pods, by name of the revision. */
  placements: Map<string, ReturnType<typeof placementOf>>;
}

const ordinalOf = ({ metadata }: Pod): number => Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1));
const isHealthy = ({ sync, statefulSet }: Reconciliation, pod: Pod): boolean =>
  isActive(pod) && isAvailable(sync, pod, statefulSet);
const isOf = (pod: Pod, revision: Revision): boolean => pod.metadata.labels?.[REVISION_LABEL] === revision.name;
const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0;

const begin = (sync: Sync, statefulSet: StatefulSet): Reconciliation => {
  const { kube } = sync.cluster;
  const { metadata, spec } = statefulSet;
  const update = { name: `${metadata.name}-${templateHash(kube, spec.template)}`, template: spec.template };
  return {
    sync,
    statefulSet,
    pods: new Map(controlledBy(kube, 'Pod', statefulSet).map((pod) => [ordinalOf(pod), pod])),
    current: kube.currentRevisions.get(metadata.uid) ?? update,
    update,
    ordered: spec.podManagementPolicy !== 'Parallel',
    placements: new Map(),
  };
};

/** Returns the pod template with the pod's hostname, and the headless service as its subdomain. */
const templateFor = ({ template }: Revision, hostname: string, subdomain: string): PodTemplate => ({
  ...template,
  spec: { ...template.spec, hostname, subdomain },
});

/** Creates a pod; returns undefined and retries later if another controller's pod still has the name. */
const create = (
  { sync, statefulSet, pods, current, update, placements }: Reconciliation,
  ordinal: number,
): Pod | undefined => {
  const { name: owner, namespace = 'default' } = statefulSet.metadata;
  const name = `${owner}-${ordinal}`;
  if (getObject(sync.cluster.kube, 'Pod', namespace, name)) {
    sync.world.schedule.after(RETRY, sync.again);
    return undefined;
  }
  const revision = ordinal < partitionOf(statefulSet) ? current : update;
  const placement =
    placements.get(revision.name) ?? placementOf(sync.cluster, namespace, revision.template, [...pods.values()]);
  placements.set(revision.name, placement);
  const labels = {
    [REVISION_LABEL]: revision.name,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    ...placement.labels,
  };
  const template = templateFor(revision, name, statefulSet.spec.serviceName);
  const pod = createPod(
    sync,
    { owner: statefulSet, name, template, labels, nodeName: placement.pick(), createdAt: sync.at, ready: sync.instant },
    sync.again,
  );
  pods.set(ordinal, pod);
  return pod;
};

/** Creates missing pods, the lowest ordinal first. Returns whether all exist and, if ordered, are healthy. */
const fill = (reconciliation: Reconciliation): boolean => {
  const { statefulSet, pods, ordered } = reconciliation;
  for (let ordinal = 0; ordinal < statefulSet.spec.replicas; ordinal += 1) {
    const pod = pods.get(ordinal) ?? create(reconciliation, ordinal);
    if (ordered && !(pod && isHealthy(reconciliation, pod))) return false;
  }
  return true;
};

/** Terminates surplus pods, the highest ordinal first. Returns whether the controller does not have to wait for any. */
const shrink = (reconciliation: Reconciliation): boolean => {
  const { sync, statefulSet, pods, ordered } = reconciliation;
  const condemned = [...pods]
    .filter(([ordinal]) => ordinal >= statefulSet.spec.replicas)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  const firstUnhealthy = condemned.findLast((pod) => !isHealthy(reconciliation, pod));
  for (const pod of condemned) {
    const waits = !isActive(pod) || (!isReady(pod) && pod !== firstUnhealthy);
    if (isActive(pod) && !(ordered && waits)) terminatePod(sync, pod, sync.again);
    if (ordered) return false;
  }
  return true;
};

/** Terminates the outdated pod with the highest ordinal, once all pods above it are healthy. */
const replaceOld = (reconciliation: Reconciliation): void => {
  const { sync, statefulSet, pods, update } = reconciliation;
  for (let ordinal = statefulSet.spec.replicas - 1; ordinal >= partitionOf(statefulSet); ordinal -= 1) {
    const pod = pods.get(ordinal);
    if (pod && isActive(pod) && !isOf(pod, update)) {
      terminatePod(sync, pod, sync.again);
      return;
    }
    if (!pod || !isHealthy(reconciliation, pod)) return;
  }
};

/** Writes the status. Terminating pods count as replicas, and as ready until they are gone, but for no revision. */
const report = ({ sync, statefulSet, pods, current, update }: Reconciliation): void => {
  const { kube } = sync.cluster;
  const { metadata, spec } = statefulSet;
  const all = [...pods.values()];
  const active = all.filter(isActive);
  const ready = all.filter(isReady).length;
  const available = all.filter((pod) => isAvailable(sync, pod, statefulSet)).length;
  const updated = active.filter((pod) => isOf(pod, update)).length;
  const complete =
    spec.updateStrategy?.type !== 'OnDelete' &&
    updated === spec.replicas &&
    ready === spec.replicas &&
    all.length === spec.replicas;
  const reached = complete ? update : current;
  kube.currentRevisions.set(metadata.uid, reached);
  setStatus(
    kube,
    statefulSet,
    {
      observedGeneration: metadata.generation,
      // These two counts are not omitted if they are 0 (k8s.io/api, apps/v1, StatefulSetStatus).
      replicas: all.length,
      availableReplicas: available,
      ...nonZero({
        readyReplicas: ready,
        currentReplicas: active.filter((pod) => isOf(pod, reached)).length,
        updatedReplicas: updated,
      }),
      currentRevision: reached.name,
      updateRevision: update.name,
      collisionCount: 0,
    },
    sync.at,
  );
};

export const reconcileStatefulSet = (sync: Sync, statefulSet: StatefulSet): void => {
  const reconciliation = begin(sync, statefulSet);
  if (fill(reconciliation) && shrink(reconciliation) && statefulSet.spec.updateStrategy?.type !== 'OnDelete')
    replaceOld(reconciliation);
  report(reconciliation);
};
