/** Reads from a cluster's objects whether its controllers have acted on everything that they can see. */
import type { KubeObject, Pod } from '../../../sandbox/objects/objects.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { controlledBy, controllerOf, KINDS, listObjects } from '../../../sandbox/objects/store.ts';
import type { KubeState } from '../../../sandbox/objects/kube-state.ts';

const nameOf = ({ kind, metadata: { namespace = '', name } }: KubeObject): string => `${kind} ${namespace}/${name}`;

const observed = ({ status }: KubeObject): number => Number(status?.['observedGeneration'] ?? 0);
const number = (value: unknown): number => Number(value ?? 0);

const isMirrored = (kind: string): boolean => kind in KINDS;

/** Returns the controller of an object by its uid, if there is such an object. */
const findOwner = (kube: KubeState, object: KubeObject): KubeObject | undefined => {
  const owner = controllerOf(object);
  if (!owner || !isMirrored(owner.kind)) return object;
  return listObjects(kube, owner.kind as 'ReplicaSet', object.metadata.namespace).find(
    ({ metadata: { uid } }) => uid === owner.uid,
  );
};

const ofPod = (kube: KubeState, pod: Pod): string | undefined => {
  if (!isActive(pod)) return undefined;
  if (!findOwner(kube, pod)) return `${nameOf(pod)} has lost its owner`;
  const isTried = pod.status.conditions?.some(({ type }) => type === 'PodScheduled') ?? false;
  return pod.spec.nodeName === undefined && !isTried ? `${nameOf(pod)} is not scheduled` : undefined;
};

const ofReplicaSet = (kube: KubeState, set: KubeObject): string | undefined => {
  if (set.metadata.deletionTimestamp !== undefined) return `${nameOf(set)} is being deleted`;
  if (!findOwner(kube, set)) return `${nameOf(set)} has lost its owner`;
  const pods = controlledBy(kube, 'Pod', set).filter(isActive);
  const { status = {}, spec = {} } = set;
  const isSeen =
    observed(set) >= number(set.metadata.generation) &&
    number(status['replicas']) === pods.length &&
    number(status['readyReplicas']) === pods.filter(isReady).length &&
    number(spec['replicas']) === pods.length;
  return isSeen ? undefined : `${nameOf(set)} has ${pods.length} pods`;
};

const ofDeployment = (kube: KubeState, deployment: KubeObject): string | undefined => {
  const pods = controlledBy(kube, 'ReplicaSet', deployment).flatMap((set) => controlledBy(kube, 'Pod', set));
  const active = pods.filter(isActive);
  const { status = {} } = deployment;
  const isSeen =
    number(status['replicas']) === active.length && number(status['readyReplicas']) === active.filter(isReady).length;
  return isSeen ? undefined : `${nameOf(deployment)} has ${active.length} pods`;
};

/**
 * Returns one thing that a controller has still to do; undefined if they have observed everything and wait for pods, or
 * for nothing.
 */
export const unfinishedIn = (kube: KubeState): string | undefined => {
  for (const kind of ['Deployment', 'DaemonSet', 'StatefulSet'] as const)
    for (const workload of listObjects(kube, kind)) {
      if (observed(workload) < number(workload.metadata.generation)) return `${nameOf(workload)} is not observed`;
      const left = kind === 'Deployment' ? ofDeployment(kube, workload) : undefined;
      if (left !== undefined) return left;
    }
  for (const set of listObjects(kube, 'ReplicaSet')) {
    const left = ofReplicaSet(kube, set);
    if (left !== undefined) return left;
  }
  for (const pod of listObjects(kube, 'Pod')) {
    const left = ofPod(kube, pod);
    if (left !== undefined) return left;
  }
  return undefined;
};
