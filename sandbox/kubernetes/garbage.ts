/** Deletes workloads with the objects that they own (k8s.io/kubernetes, pkg/controller/garbagecollector). */
import { noteChange } from './controllers.ts';
import type { KubeState } from '../objects/kube-state.ts';
import type { KubeObject, Workload } from '../objects/objects.ts';
import { type ControlPlane, isActive, podsOf, terminatePod } from './pods.ts';
import { CONTROLLER_LAG } from './rollout.ts';
import { controlledBy, controllerOf, removeObject, timestamp, touch } from '../objects/store.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

const FINALIZERS = { Foreground: 'foregroundDeletion', Orphan: 'orphan' } as const;

/** Removes the owners of an object, so that nothing controls it. */
const disown = (kube: KubeState, object: KubeObject): void => {
  kube.controlled.get(controllerOf(object)?.uid ?? '')?.delete(object);
  const { ownerReferences: _owners, ...metadata } = object.metadata;
  object.metadata = metadata;
  touch(kube, object);
};

/** Deletes what a workload that is gone has owned: its ReplicaSets at once, its pods after they have ended. */
export const collectOwned = (plane: ControlPlane, workload: Workload): void => {
  const { kube } = plane.cluster;
  const pods = podsOf(plane, workload);
  for (const replicaSet of controlledBy(kube, 'ReplicaSet', workload)) removeObject(kube, 'ReplicaSet', replicaSet);
  for (const pod of pods.filter(isActive)) terminatePod(plane, pod, () => {});
  noteChange(plane, workload);
};

/** Ends the pods of a workload, and deletes it once they are gone. */
const endFirst = (plane: ControlPlane, workload: Workload): void => {
  const { kube } = plane.cluster;
  const finish = (): void => {
    if (podsOf(plane, workload).length > 0) return;
    for (const replicaSet of controlledBy(kube, 'ReplicaSet', workload)) removeObject(kube, 'ReplicaSet', replicaSet);
    removeObject(kube, workload.kind, workload);
    noteChange(plane, workload);
  };
  for (const pod of podsOf(plane, workload).filter(isActive)) terminatePod(plane, pod, finish);
  noteChange(plane, workload);
  finish();
};

/** Leaves the objects that a workload owns, and deletes it. */
const leaveOwned = ({ cluster: { kube } }: ControlPlane, workload: Workload): void => {
  const owned: KubeObject[] =
    workload.kind === 'Deployment' ? controlledBy(kube, 'ReplicaSet', workload) : controlledBy(kube, 'Pod', workload);
  for (const object of owned) disown(kube, object);
  removeObject(kube, workload.kind, workload);
};

/**
 * Deletes a workload. Returns it as the answer shows it if it stays until something else has happened; undefined if it
 * is gone.
 */
export const deleteWorkload = (
  plane: ControlPlane,
  workload: Workload,
  propagation: Propagation = 'Background',
): KubeObject | undefined => {
  const { world, cluster } = plane;
  if (propagation === 'Background') {
    removeObject(cluster.kube, workload.kind, workload);
    world.schedule.after(CONTROLLER_LAG, () => collectOwned(plane, workload));
    return undefined;
  }
  if (workload.metadata.deletionTimestamp === undefined) {
    workload.metadata = {
      ...workload.metadata,
      ...(workload.metadata.generation === undefined ? {} : { generation: workload.metadata.generation + 1 }),
      deletionTimestamp: timestamp(world.schedule.now()),
      deletionGracePeriodSeconds: 0,
      finalizers: [FINALIZERS[propagation]],
    };
    touch(cluster.kube, workload);
    world.schedule.after(CONTROLLER_LAG, () =>
      propagation === 'Foreground' ? endFirst(plane, workload) : leaveOwned(plane, workload),
    );
  }
  return workload;
};
