/** The DaemonSet controller: one pod a node; a new one starts when its node's old one is gone. */
import type { DaemonSet, Pod } from './objects.ts';
import { createPod, isActive, isReady, terminatePod } from './pods.ts';
import { countOf, nonZero, setStatus, templateHash } from './rollout.ts';
import type { Sync } from './rollout.ts';
import { controlledBy, listObjects } from './store.ts';

const HASH_LABEL = 'controller-revision-hash';

const byNode = (pods: Pod[]): Map<string, Pod[]> => Map.groupBy(pods, ({ spec }) => spec.nodeName ?? '');

export const reconcileDaemonSet = (sync: Sync, daemonSet: DaemonSet): void => {
  const { kube } = sync.cluster;
  const { template, updateStrategy } = daemonSet.spec;
  const hash = templateHash(template);
  const labels = { [HASH_LABEL]: hash, 'pod-template-generation': String(daemonSet.metadata.generation ?? 1) };
  const nodes = listObjects(kube, 'Node').map(({ metadata }) => metadata.name);
  const isNew = (pod: Pod): boolean => pod.metadata.labels?.[HASH_LABEL] === hash;

  // A terminating pod still holds its node's ports and sockets: the new one waits.
  const held = byNode(controlledBy(kube, 'Pod', daemonSet));
  for (const nodeName of nodes) {
    if (!held.has(nodeName)) createPod(sync, { owner: daemonSet, template, labels, nodeName, createdAt: sync.at, ready: sync.instant }, sync.again);
  }

  if (updateStrategy?.type !== 'OnDelete') {
    const active = byNode(controlledBy(kube, 'Pod', daemonSet).filter(isActive));
    let unavailable = nodes.filter((node) => !active.get(node)?.some(isReady)).length;
    const most = Math.max(1, countOf(updateStrategy?.rollingUpdate?.maxUnavailable, nodes.length, Math.ceil, 1));
    for (const pod of [...active.values()].flat()) {
      if (isNew(pod)) continue;
      // An old pod that does not work is replaced whatever the limit.
      if (isReady(pod)) {
        if (unavailable >= most) continue;
        unavailable += 1;
      }
      terminatePod(sync, pod, sync.again);
    }
  }

  const pods = controlledBy(kube, 'Pod', daemonSet).filter(isActive);
  const ready = pods.filter(isReady).length;
  setStatus(kube, daemonSet, {
    observedGeneration: daemonSet.metadata.generation,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: byNode(controlledBy(kube, 'Pod', daemonSet)).size,
    numberMisscheduled: 0,
    numberReady: ready,
    ...nonZero({ updatedNumberScheduled: pods.filter(isNew).length, numberAvailable: ready, numberUnavailable: nodes.length - ready }),
  });
};
