/** The DaemonSet controller: one pod per node; a new pod is created when the node's old pod is gone. */
import { daemonNodes } from './nodes.ts';
import type { DaemonSet } from './objects.ts';
import { createPod, heldNodesOf, isActive, isAvailable, REVISION_LABEL, tallyOf, terminatePod } from './pods.ts';
import { countOf, nonZero, setStatus, templateHash } from './rollout.ts';
import type { Sync } from './rollout.ts';
import { controlledBy, countControlled, templateGenerationOf } from './store.ts';

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

export const reconcileDaemonSet = (sync: Sync, daemonSet: DaemonSet): void => {
  const { kube } = sync.cluster;
  const { template, updateStrategy } = daemonSet.spec;
  const hash = templateHash(template);
  const names = daemonNodes(kube, daemonSet.spec);
  const nodes = names.length;

  if (countControlled(kube, daemonSet) < nodes) {
    const labels = { [REVISION_LABEL]: hash, 'pod-template-generation': String(templateGenerationOf(kube, daemonSet)) };
    // A terminating pod still holds its node's ports and sockets, so the new pod has to wait.
    const held = heldNodesOf(kube, daemonSet);
    for (const nodeName of names) {
      if (held.has(nodeName)) continue;
      createPod(
        sync,
        { owner: daemonSet, template, labels, nodeName, createdAt: sync.at, ready: sync.instant },
        sync.again,
      );
    }
  }
  if (updateStrategy?.type !== 'OnDelete') replaceOld(sync, daemonSet, hash, nodes);

  const { ready } = tallyOf(kube, daemonSet);
  const { available } = countOfPods(sync, daemonSet);
  setStatus(kube, daemonSet, {
    observedGeneration: daemonSet.metadata.generation,
    desiredNumberScheduled: nodes,
    // There is one pod per node; terminating pods count too.
    currentNumberScheduled: countControlled(kube, daemonSet),
    numberMisscheduled: 0,
    numberReady: ready,
    ...nonZero({
      updatedNumberScheduled: tallyOf(kube, daemonSet, hash).active,
      numberAvailable: available,
      numberUnavailable: nodes - available,
    }),
  });
};
