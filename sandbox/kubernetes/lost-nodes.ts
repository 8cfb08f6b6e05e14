/**
 * Nodes that stop reporting: the instance is cut off from the network, or its kubelet has died. The control plane then
 * evicts their pods (Kubernetes documentation, "Nodes" and "Taints and Tolerations"; k8s.io/kubernetes,
 * pkg/controller/nodelifecycle and podgc).
 */
import type { NodeLoss } from '../scenario/scenario-churn.ts';
import { Random } from '../random.ts';
import type { FargateProfile } from '../world/world.ts';
import { noteChange, reconcile, schedulePending, workloadChanged } from './controllers.ts';
import { addNodes, computeOf, conditionsOf, isNodeReady, nodesChanged } from '../world/nodes.ts';
import type { Pod, Workload } from '../objects/objects.ts';
import { isActive, loseReadiness, terminatePod, type ControlPlane } from './pods.ts';
import { getObject, listObjects, removeObject, timestamp, touch, workloadOf } from '../objects/store.ts';

/** How long a pod tolerates the taint node.kubernetes.io/unreachable by default. */
const TOLERATED_MS = 300_000;
/** Grace period of pods whose node was lost before the sandbox opened; it determines their `deletionTimestamp`. */
const GRACE_MS = 30_000;

const podsOn = ({ cluster }: ControlPlane, node: string): Pod[] =>
  listObjects(cluster.kube, 'Pod').filter(({ spec }) => spec.nodeName === node);

const workloadsOf = ({ cluster }: ControlPlane, pods: readonly Pod[]): Workload[] => [
  ...new Set(pods.flatMap((pod) => workloadOf(cluster.kube, pod) ?? [])),
];

const lose = (plane: ControlPlane, name: string, at: number): void => {
  const { kube } = plane.cluster;
  const node = getObject(kube, 'Node', undefined, name);
  if (!node) return;
  kube.lostNodes.add(name);
  node.status = { ...node.status, conditions: conditionsOf(false, at) };
  touch(kube, node);
  nodesChanged(kube);
  for (const pod of podsOn(plane, name)) loseReadiness(kube, pod, at);
};

/** Evicts the pods of a lost node: DaemonSet pods tolerate the loss, all others are deleted and stay Terminating. */
const evict = (plane: ControlPlane, name: string): Pod[] => {
  const evicted = podsOn(plane, name).filter(
    (pod) => isActive(pod) && workloadOf(plane.cluster.kube, pod)?.kind !== 'DaemonSet',
  );
  for (const pod of evicted) terminatePod(plane, pod, () => {});
  return evicted;
};

const changed = ({ world, cluster }: ControlPlane, workloads: readonly Workload[]): void => {
  for (const workload of workloads) {
    noteChange({ world, cluster }, workload);
    workloadChanged(world, cluster, workload);
  }
};

/** Deletes the node object, as after its instance was terminated, together with all pods on the node. */
const remove = (plane: ControlPlane, name: string): void => {
  const { kube } = plane.cluster;
  const node = getObject(kube, 'Node', undefined, name);
  if (!node) return;
  const pods = podsOn(plane, name);
  const workloads = workloadsOf(plane, pods);
  removeObject(kube, 'Node', node);
  kube.lostNodes.delete(name);
  nodesChanged(kube);
  for (const pod of pods) terminatePod(plane, pod, () => {}, 0);
  changed(plane, workloads);
};

/** Adds a Linux node: DaemonSets create their pods on it, and pending pods can be scheduled to it. */
export const joinNode = (plane: ControlPlane, at: number, replacement: NodeLoss['replacement'] = {}): void => {
  const { world, cluster } = plane;
  addNodes(cluster, { count: 1, os: 'linux', ready: true, agentReady: true, ...replacement }, at);
  nodesChanged(cluster.kube);
  changed(plane, listObjects(cluster.kube, 'DaemonSet'));
  schedulePending(world, cluster);
};

/**
 * Adds a Fargate profile, after all others, with nodes for the pods that it selects. Pods that exist are not moved: a
 * profile applies to new ones.
 */
export const addFargateProfile = ({ cluster }: ControlPlane, at: number, profile: FargateProfile, count = 2): void => {
  cluster.fargateProfiles = [...(cluster.fargateProfiles ?? []), profile];
  addNodes(cluster, { count, os: 'linux', compute: 'fargate', ready: true, agentReady: true }, at);
  nodesChanged(cluster.kube);
};

/** Loses a node before the sandbox opened: its pods were evicted then, and have been replaced since. */
const loseBefore = (plane: ControlPlane, name: string, at: number): void => {
  const { world, cluster } = plane;
  const pods = podsOn(plane, name);
  lose(plane, name, at);
  for (const { metadata } of evict(plane, name))
    metadata.deletionTimestamp = timestamp(Math.min(at + TOLERATED_MS + GRACE_MS, world.schedule.now()));
  for (const workload of workloadsOf(plane, pods)) reconcile(world, cluster, workload, { at, instant: true });
};

/** Schedules a scenario's node losses; the nodes are drawn from the ready, non-Fargate nodes by the seed. */
export const scheduleNodeLosses = (plane: ControlPlane, losses: readonly NodeLoss[]): void => {
  const { world, cluster } = plane;
  const { schedule } = world;
  const random = new Random(world.seed);
  const draw = (): string | undefined => {
    const nodes = listObjects(cluster.kube, 'Node').filter(
      (node) => isNodeReady(node) && computeOf(node) !== 'fargate' && !cluster.kube.lostNodes.has(node.metadata.name),
    );
    return nodes[random.integer(nodes.length)]?.metadata.name;
  };
  const opened = schedule.now();
  const loseNode = ({ goneAfterSeconds, replacedAfterSeconds, replacement }: NodeLoss, lostAt: number): void => {
    const name = draw();
    if (name === undefined) return;
    if (lostAt + TOLERATED_MS <= opened) loseBefore(plane, name, lostAt);
    else {
      lose(plane, name, schedule.now());
      changed(plane, workloadsOf(plane, podsOn(plane, name)));
      schedule.at(lostAt + TOLERATED_MS, () => changed(plane, workloadsOf(plane, evict(plane, name))));
    }
    if (goneAfterSeconds !== undefined) schedule.at(lostAt + goneAfterSeconds * 1000, () => remove(plane, name));
    if (replacedAfterSeconds !== undefined)
      schedule.at(lostAt + replacedAfterSeconds * 1000, (at) => joinNode(plane, at, replacement));
  };
  for (const loss of losses) {
    const lostAt = opened + loss.afterSeconds * 1000;
    for (let count = 0; count < loss.nodes; count += 1) {
      if (lostAt <= opened) loseNode(loss, lostAt);
      else schedule.at(lostAt, () => loseNode(loss, lostAt));
    }
  }
};
