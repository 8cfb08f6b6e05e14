/**
 * The cluster's controllers. Everything that takes time is an event of the world's schedule. Each event reads the state
 * at its own time, so that the newest template wins no matter how many restarts overlap.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterState, World } from '../world/world.ts';
import type { Json } from '../json.ts';
import { podsChanged } from './budgets.ts';
import { withWorkloadDefaults } from './defaults/workloads.ts';
import { reconcileDaemonSet } from './daemonset.ts';
import { reconcileDeployment } from './deployment.ts';
import { FARGATE_PROFILE, nodesChanged, schedulableNodes, selects } from '../world/nodes.ts';
import type { KubeObject, Pod, Workload } from '../objects/objects.ts';
import { assignNode, isActive, noteReady, terminatePod, type ControlPlane } from './pods.ts';
import { CONTROLLER_LAG } from './rollout.ts';
import { reconcileStatefulSet } from './statefulset.ts';
import {
  controlledBy,
  getObject,
  isWorkloadKind,
  listObjects,
  templateGenerationOf,
  touch,
  workloadOf,
} from '../objects/store.ts';
import { secondsOn } from '../objects/taints.ts';

/** Returns whether a workload exists, and is not about to be deleted. */
const isLive = (cluster: ClusterState, workload: Workload): boolean =>
  workload.metadata.deletionTimestamp === undefined &&
  getObject(cluster.kube, workload.kind, workload.metadata.namespace, workload.metadata.name) === workload;

/** Records a change of a workload's pods, for the history and for the budgets that count the pods. */
export const noteChange = (plane: ControlPlane, workload: Workload): void => {
  noteReady(plane, workload);
  podsChanged(plane, workload.metadata.namespace ?? '');
};

/** Runs the workload's controller once. `instant`: new pods are ready at once, as if created long ago. */
export const reconcile = (
  world: World,
  cluster: ClusterState,
  workload: Workload,
  options: { at: number; instant: boolean },
): void => {
  const plane = { world, cluster };
  if (isLive(cluster, workload)) {
    const { pendingWorkloads } = cluster.kube;
    const { uid } = workload.metadata;
    const again = (): void => {
      // Pods that change at the same time cause one reconciliation, as with the real controllers' queue.
      if (pendingWorkloads.has(uid)) return;
      pendingWorkloads.add(uid);
      world.schedule.after(0, (at) => {
        pendingWorkloads.delete(uid);
        // The change is recorded before the controller runs, which may terminate other pods at once.
        noteChange(plane, workload);
        reconcile(world, cluster, workload, { at, instant: false });
      });
    };
    const sync = { ...plane, ...options, again };
    if (workload.kind === 'Deployment') reconcileDeployment(sync, workload);
    else if (workload.kind === 'DaemonSet') reconcileDaemonSet(sync, workload);
    else reconcileStatefulSet(sync, workload);
  }
  noteChange(plane, workload);
};

/** Notifies the controllers that a workload's object has changed; they reconcile shortly afterwards. */
export const workloadChanged = (world: World, cluster: ClusterState, workload: Workload): void => {
  world.schedule.after(CONTROLLER_LAG, (at) => reconcile(world, cluster, workload, { at, instant: false }));
};

/**
 * Deletes a pod as the API server does; its controller, if it has one, soon creates a replacement. `graceSeconds`: 30
 * by default.
 */
export const deletePod = (
  world: World,
  cluster: ClusterState,
  name: { namespace: string; name: string },
  graceSeconds?: number,
): void => {
  const pod = getObject(cluster.kube, 'Pod', name.namespace, name.name);
  if (!pod) return;
  const workload = workloadOf(cluster.kube, pod);
  const changed = (): void => {
    if (workload) workloadChanged(world, cluster, workload);
  };
  terminatePod({ world, cluster }, pod, changed, graceSeconds);
  if (!workload) return;
  noteChange({ world, cluster }, workload);
  changed();
};

/** Runs the scheduler after nodes have changed: assigns a node to pending pods if one is available now. */
export const schedulePending = (world: World, cluster: ClusterState): void => {
  world.schedule.after(CONTROLLER_LAG, () => {
    const waiting = listObjects(cluster.kube, 'Pod').filter((pod) => isActive(pod) && pod.spec.nodeName === undefined);
    for (const [index, pod] of waiting.entries()) {
      const nodes = schedulableNodes(cluster.kube, pod.spec, pod.metadata.labels?.[FARGATE_PROFILE] !== undefined);
      const nodeName = nodes[index % nodes.length];
      const workload = workloadOf(cluster.kube, pod);
      if (nodeName !== undefined)
        assignNode({ world, cluster }, pod, nodeName, () => workload && workloadChanged(world, cluster, workload));
    }
  });
};

/** Evicts the pods that do not tolerate a taint of their node (k8s.io/kubernetes, pkg/controller/tainteviction). */
const evictTainted = (world: World, cluster: ClusterState, node: KubeObject): void => {
  const stays = (pod: Pod): number => secondsOn(node, pod.spec, workloadOf(cluster.kube, pod)?.kind === 'DaemonSet');
  for (const pod of listObjects(cluster.kube, 'Pod')) {
    const seconds = pod.spec.nodeName === node.metadata.name && isActive(pod) ? stays(pod) : Number.POSITIVE_INFINITY;
    if (seconds === Number.POSITIVE_INFINITY) continue;
    world.schedule.after(seconds * 1000, () => {
      const { namespace = 'default', name } = pod.metadata;
      if (isActive(pod) && stays(pod) <= seconds) deletePod(world, cluster, { namespace, name });
    });
  }
};

/** Lets DaemonSets create pods on a node that has changed, and end those on a node that they no longer select. */
const nodeChanged = (world: World, cluster: ClusterState, node: KubeObject): void => {
  for (const daemonSet of listObjects(cluster.kube, 'DaemonSet')) {
    for (const pod of controlledBy(cluster.kube, 'Pod', daemonSet)) {
      const { namespace = 'default', name } = pod.metadata;
      if (pod.spec.nodeName !== node.metadata.name || !isActive(pod) || selects(pod.spec, node)) continue;
      world.schedule.after(CONTROLLER_LAG, () => deletePod(world, cluster, { namespace, name }));
    }
    workloadChanged(world, cluster, daemonSet);
  }
};

/** Returns what a client can change of an object besides its metadata and spec: rules, subjects, secrets, … */
const contentOf = ({
  apiVersion: _apiVersion,
  kind: _kind,
  metadata: _metadata,
  spec: _spec,
  status: _status,
  ...content
}: KubeObject): Record<string, unknown> => content;

/** Returns whether two specs of an object differ in more than the API's defaults, which a client reads and writes back. */
const specsDiffer = ({ version }: ClusterState, { kind, spec }: KubeObject, changed: KubeObject['spec']): boolean => {
  if (isDeepStrictEqual(spec, changed)) return false;
  if (!isWorkloadKind(kind) || !spec || !changed) return true;
  const minor = Number(version.split('.')[1]);
  const filled = (one: Json): Json => withWorkloadDefaults({ kind, spec: one }, minor);
  return !isDeepStrictEqual(filled(spec), filled(changed));
};

/** Applies a change of a node's labels, taints or readiness to the pods. */
const nodeReplaced = (world: World, cluster: ClusterState, node: KubeObject, before: KubeObject): void => {
  nodesChanged(cluster.kube);
  const tainted = !isDeepStrictEqual(before.spec?.['taints'], node.spec?.['taints']);
  const labelled = !isDeepStrictEqual(before.metadata.labels, node.metadata.labels);
  if (labelled || !isDeepStrictEqual(before.spec, node.spec)) schedulePending(world, cluster);
  if (tainted) evictTainted(world, cluster, node);
  if (tainted || labelled) nodeChanged(world, cluster, node);
};

/**
 * Replaces an object's labels, annotations, spec and content with those of `changed`, and increments its generation if
 * the spec differs, or the annotations of a Deployment (k8s.io/kubernetes, registry/apps/deployment, strategy.go). Does
 * nothing if nothing differs.
 */
export const replaceObject = (world: World, cluster: ClusterState, object: KubeObject, changed: KubeObject): void => {
  const { labels, annotations } = changed.metadata;
  const specChanged = specsDiffer(cluster, object, changed.spec);
  const content = contentOf(changed);
  const contentChanged = !isDeepStrictEqual(contentOf(object), content);
  if (
    !specChanged &&
    !contentChanged &&
    isDeepStrictEqual(object.metadata.labels, labels) &&
    isDeepStrictEqual(object.metadata.annotations, annotations)
  )
    return;
  const before = { ...object };
  const counts =
    specChanged || (object.kind === 'Deployment' && !isDeepStrictEqual(before.metadata.annotations, annotations));
  object.metadata = { ...object.metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
  if (!labels) delete object.metadata.labels;
  if (!annotations) delete object.metadata.annotations;
  if (contentChanged) {
    for (const key of Object.keys(contentOf(object))) if (!(key in content)) delete object[key];
    Object.assign(object, content);
  }
  touch(cluster.kube, object);
  if (object.kind === 'DaemonSet' && !isDeepStrictEqual(object.spec?.['template'], changed.spec?.['template'])) {
    const { templateGenerations } = cluster.kube;
    templateGenerations.set(object.metadata.uid, templateGenerationOf(cluster.kube, object) + 1);
  }
  if (specChanged && changed.spec) object.spec = changed.spec;
  // The one default that the controllers rely on.
  if (isWorkloadKind(object.kind) && object.kind !== 'DaemonSet' && object.spec) object.spec['replicas'] ??= 1;
  if (counts && object.metadata.generation !== undefined) object.metadata.generation += 1;
  if (object.kind === 'Node') nodeReplaced(world, cluster, object, before);
  if (counts && isWorkloadKind(object.kind)) workloadChanged(world, cluster, object as Workload);
  if (specChanged && object.kind === 'PodDisruptionBudget')
    podsChanged({ world, cluster }, object.metadata.namespace ?? '');
};
