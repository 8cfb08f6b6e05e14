/**
 * The StatefulSet controller: pods with ordinals, made and ended in order, replaced from the highest down (Kubernetes
 * documentation, "StatefulSets"; k8s.io/kubernetes, pkg/controller/statefulset/stateful_set_control.go). It does not
 * play volume claims and `ordinals.start`.
 */
import type { Revision } from './kube-state.ts';
import type { Pod, PodTemplate, StatefulSet } from './objects.ts';
import { placementOf } from './placement.ts';
import { createPod, isActive, isReady, REVISION_LABEL, terminatePod } from './pods.ts';
import { nonZero, setStatus, templateHash } from './rollout.ts';
import type { Sync } from './rollout.ts';
import { controlledBy, getObject } from './store.ts';

/** Until the controller tries again to make a pod whose name is taken; a placeholder, not a measurement. */
const RETRY = 1000;

/**
 * One look at a StatefulSet: its pods by their ordinals, terminating ones too, and the revisions that they may be of.
 */
interface Look {
  sync: Sync;
  statefulSet: StatefulSet;
  pods: Map<number, Pod>;
  /** The one that the rollout comes from, and the one that it goes to. */
  current: Revision;
  update: Revision;
  /** One after the other: each waits until the one before it is ready, or gone. */
  ordered: boolean;
  /** Where pods of a revision go, by its name. */
  places: Map<string, Place>;
}
type Place = ReturnType<typeof placementOf>;

const ordinalOf = ({ metadata }: Pod): number => Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1));
const isHealthy = (pod: Pod): boolean => isActive(pod) && isReady(pod);
const isOf = (pod: Pod, revision: Revision): boolean => pod.metadata.labels?.[REVISION_LABEL] === revision.name;
const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0;

const lookAt = (sync: Sync, statefulSet: StatefulSet): Look => {
  const { kube } = sync.cluster;
  const { metadata, spec } = statefulSet;
  const update = { name: `${metadata.name}-${templateHash(spec.template)}`, template: spec.template };
  return {
    sync,
    statefulSet,
    pods: new Map(controlledBy(kube, 'Pod', statefulSet).map((pod) => [ordinalOf(pod), pod])),
    current: kube.currentRevisions.get(metadata.uid) ?? update,
    update,
    ordered: spec.podManagementPolicy !== 'Parallel',
    places: new Map(),
  };
};

/** The pod's name in the network is its own; its domain is that of the headless service. */
const templateFor = ({ template }: Revision, hostname: string, subdomain: string): PodTemplate => ({
  ...template,
  spec: { ...template.spec, hostname, subdomain },
});

/** Where another controller's pod still has the name, there is none yet, and the controller tries again. */
const create = ({ sync, statefulSet, pods, current, update, places }: Look, ordinal: number): Pod | undefined => {
  const { name: owner, namespace = 'default' } = statefulSet.metadata;
  const name = `${owner}-${ordinal}`;
  if (getObject(sync.cluster.kube, 'Pod', namespace, name)) {
    sync.world.schedule.after(RETRY, sync.again);
    return undefined;
  }
  const revision = ordinal < partitionOf(statefulSet) ? current : update;
  const place =
    places.get(revision.name) ?? placementOf(sync.cluster, namespace, revision.template, [...pods.values()]);
  places.set(revision.name, place);
  const labels = {
    [REVISION_LABEL]: revision.name,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    ...place.labels,
  };
  const template = templateFor(revision, name, statefulSet.spec.serviceName);
  const pod = createPod(
    sync,
    { owner: statefulSet, name, template, labels, nodeName: place.pick(), createdAt: sync.at, ready: sync.instant },
    sync.again,
  );
  pods.set(ordinal, pod);
  return pod;
};

/** Makes what is missing, the lowest ordinal first; whether all are there and, in order, healthy. */
const fill = (look: Look): boolean => {
  const { statefulSet, pods, ordered } = look;
  for (let ordinal = 0; ordinal < statefulSet.spec.replicas; ordinal += 1) {
    const pod = pods.get(ordinal) ?? create(look, ordinal);
    if (ordered && !(pod && isHealthy(pod))) return false;
  }
  return true;
};

/** Ends those above the wanted number, the highest first; whether nothing is left to wait for. */
const shrink = ({ sync, statefulSet, pods, ordered }: Look): boolean => {
  const condemned = [...pods]
    .filter(([ordinal]) => ordinal >= statefulSet.spec.replicas)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  const firstUnhealthy = condemned.findLast((pod) => !isHealthy(pod));
  for (const pod of condemned) {
    const waits = !isActive(pod) || (!isReady(pod) && pod !== firstUnhealthy);
    if (isActive(pod) && !(ordered && waits)) terminatePod(sync, pod, sync.again);
    if (ordered) return false;
  }
  return true;
};

/** Ends the pod of another revision with the highest ordinal, once all above it are healthy. */
const replaceOld = ({ sync, statefulSet, pods, update }: Look): void => {
  for (let ordinal = statefulSet.spec.replicas - 1; ordinal >= partitionOf(statefulSet); ordinal -= 1) {
    const pod = pods.get(ordinal);
    if (pod && isActive(pod) && !isOf(pod, update)) {
      terminatePod(sync, pod, sync.again);
      return;
    }
    if (!pod || !isHealthy(pod)) return;
  }
};

/** Terminating pods are still there, and ready until they are gone, but they count for no revision. */
const report = ({ sync, statefulSet, pods, current, update }: Look): void => {
  const { kube } = sync.cluster;
  const { metadata, spec } = statefulSet;
  const all = [...pods.values()];
  const active = all.filter(isActive);
  const ready = all.filter(isReady).length;
  const updated = active.filter((pod) => isOf(pod, update)).length;
  const complete =
    spec.updateStrategy?.type !== 'OnDelete' &&
    updated === spec.replicas &&
    ready === spec.replicas &&
    all.length === spec.replicas;
  const reached = complete ? update : current;
  kube.currentRevisions.set(metadata.uid, reached);
  setStatus(kube, statefulSet, {
    observedGeneration: metadata.generation,
    // These two are there also where they are 0 (k8s.io/api, apps/v1, StatefulSetStatus).
    replicas: all.length,
    availableReplicas: ready,
    ...nonZero({
      readyReplicas: ready,
      currentReplicas: active.filter((pod) => isOf(pod, reached)).length,
      updatedReplicas: updated,
    }),
    currentRevision: reached.name,
    updateRevision: update.name,
    collisionCount: 0,
  });
};

export const reconcileStatefulSet = (sync: Sync, statefulSet: StatefulSet): void => {
  const look = lookAt(sync, statefulSet);
  if (fill(look) && shrink(look) && statefulSet.spec.updateStrategy?.type !== 'OnDelete') replaceOld(look);
  report(look);
};
