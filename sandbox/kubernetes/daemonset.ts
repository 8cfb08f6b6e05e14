/**
 * The DaemonSet controller: one pod per node. A new pod is created when the node's old pod is gone or, with `maxSurge`,
 * before (k8s.io/kubernetes, pkg/controller/daemon/update.go).
 */
import { daemonNodes } from '../world/nodes.ts';
import type { DaemonSet, Pod } from '../objects/objects.ts';
import {
  createPod,
  heldNodesOf,
  isActive,
  isAvailable,
  isReady,
  REVISION_LABEL,
  tallyOf,
  terminatePod,
} from './pods.ts';
import { countOf, nonZero, setStatus, templateHash, type Sync } from './rollout.ts';
import { controlledBy, templateGenerationOf } from '../objects/store.ts';

/**
 * Returns how many active pods there are, and how many of them are available: all, or those of one template. Without
 * `minReadySeconds` the pods are not listed, because clusters can be large.
 */
const countOfPods = (sync: Sync, daemonSet: DaemonSet, hash?: string): { active: number; available: number } => {
  const { kube } = sync.cluster;
  const { active, ready } = tallyOf(kube, daemonSet, hash);
  if (daemonSet.spec.minReadySeconds === undefined) return { active, available: ready };
  const pods = controlledBy(kube, 'Pod', daemonSet).filter(
    (pod) => isActive(pod) && (hash === undefined || pod.metadata.labels?.[REVISION_LABEL] === hash),
  );
  return { active, available: pods.filter((pod) => isAvailable(sync, pod, daemonSet)).length };
};

/** Terminates pods of an older template, as many as `maxUnavailable` allows. */
const replaceOld = (sync: Sync, daemonSet: DaemonSet, hash: string, nodes: number): void => {
  const { kube } = sync.cluster;
  const all = countOfPods(sync, daemonSet);
  const updated = countOfPods(sync, daemonSet, hash);
  const old = { active: all.active - updated.active, available: all.available - updated.available };
  if (old.active === 0) return;
  const { updateStrategy } = daemonSet.spec;
  const most = Math.max(1, countOf(updateStrategy?.rollingUpdate?.maxUnavailable, nodes, Math.ceil, 1));
  // No node has two active pods.
  let room = most - (nodes - all.available);
  let broken = old.active - old.available;
  if (room <= 0 && broken === 0) return;
  for (const pod of controlledBy(kube, 'Pod', daemonSet)) {
    if (room <= 0 && broken === 0) return;
    if (!isActive(pod) || pod.metadata.labels?.[REVISION_LABEL] === hash) continue;
    if (isAvailable(sync, pod, daemonSet)) {
      if (room <= 0) continue;
      room -= 1;
    } else {
      // A pod that is not available is replaced regardless of the limit.
      broken -= 1;
    }
    terminatePod(sync, pod, sync.again);
  }
};

const surgeOf = ({ spec: { updateStrategy } }: DaemonSet, nodes: number): number =>
  updateStrategy?.type === 'OnDelete' ? 0 : countOf(updateStrategy?.rollingUpdate?.maxSurge, nodes, Math.ceil, 0);

/** The active pods of a node, of the current template and of an older one. */
interface OnNode {
  updated?: Pod;
  old?: Pod;
}

const podsByNode = ({ cluster: { kube } }: Sync, daemonSet: DaemonSet, hash: string): Map<string, OnNode> => {
  const nodes = new Map<string, OnNode>();
  for (const pod of controlledBy(kube, 'Pod', daemonSet).filter(isActive)) {
    const { nodeName = '' } = pod.spec;
    const isOld = pod.metadata.labels?.[REVISION_LABEL] !== hash;
    nodes.set(nodeName, { ...nodes.get(nodeName), ...(isOld ? { old: pod } : { updated: pod }) });
  }
  return nodes;
};

/**
 * Terminates old pods whose node has an available new pod, and returns the nodes that get a new pod next to the old
 * one: as many as `maxSurge` allows, and all whose old pod is not available.
 */
const surge = (sync: Sync, daemonSet: DaemonSet, hash: string, names: string[]): string[] => {
  const pods = podsByNode(sync, daemonSet, hash);
  const works = (pod: Pod): boolean => isAvailable(sync, pod, daemonSet);
  let room = surgeOf(daemonSet, names.length);
  const candidates: string[] = [];
  const broken: string[] = [];
  for (const name of names) {
    const { old, updated } = pods.get(name) ?? {};
    if (!old) continue;
    if (!updated) (works(old) ? candidates : broken).push(name);
    else if (works(updated)) terminatePod(sync, old, sync.again);
    else room -= 1;
  }
  return [...broken, ...candidates.slice(0, Math.max(0, room))];
};

/** Returns how many nodes have a ready and an available pod; of two pods of a node, the older one counts. */
const countOfNodes = (sync: Sync, daemonSet: DaemonSet, hash: string): { ready: number; available: number } => {
  const pods = [...podsByNode(sync, daemonSet, hash).values()].flatMap(({ old, updated }) => old ?? updated ?? []);
  return {
    ready: pods.filter(isReady).length,
    available: pods.filter((pod) => isAvailable(sync, pod, daemonSet)).length,
  };
};

const report = (sync: Sync, daemonSet: DaemonSet, hash: string, names: string[]): void => {
  const { kube } = sync.cluster;
  const surges = surgeOf(daemonSet, names.length) > 0;
  const { ready, available } = surges
    ? countOfNodes(sync, daemonSet, hash)
    : { ready: tallyOf(kube, daemonSet).ready, available: countOfPods(sync, daemonSet).available };
  const held = heldNodesOf(kube, daemonSet);
  // Terminating pods count too.
  const misscheduled = held.size > names.length ? [...held.keys()].filter((name) => !names.includes(name)).length : 0;
  setStatus(
    kube,
    daemonSet,
    {
      observedGeneration: daemonSet.metadata.generation,
      desiredNumberScheduled: names.length,
      currentNumberScheduled: held.size - misscheduled,
      numberMisscheduled: misscheduled,
      numberReady: ready,
      ...nonZero({
        updatedNumberScheduled: tallyOf(kube, daemonSet, hash).active,
        numberAvailable: available,
        numberUnavailable: names.length - available,
      }),
    },
    sync.at,
  );
};

export const reconcileDaemonSet = (sync: Sync, daemonSet: DaemonSet): void => {
  const { kube } = sync.cluster;
  const { template, updateStrategy } = daemonSet.spec;
  const hash = templateHash(kube, template);
  const names = daemonNodes(kube, daemonSet.spec.template);
  const create = (nodeName: string): void => {
    const labels = { [REVISION_LABEL]: hash, 'pod-template-generation': String(templateGenerationOf(kube, daemonSet)) };
    const options = { owner: daemonSet, template, labels, nodeName, createdAt: sync.at, ready: sync.instant };
    createPod(sync, options, sync.again);
  };
  const held = heldNodesOf(kube, daemonSet);
  // A terminating pod still holds its node's ports and sockets, so the new pod has to wait.
  if (held.size < names.length) for (const name of names) if (!heldNodesOf(kube, daemonSet).has(name)) create(name);
  if (surgeOf(daemonSet, names.length) > 0) surge(sync, daemonSet, hash, names).forEach(create);
  else if (updateStrategy?.type !== 'OnDelete') replaceOld(sync, daemonSet, hash, names.length);
  report(sync, daemonSet, hash, names);
};
