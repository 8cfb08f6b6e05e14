/** The status of a pod: conditions, container statuses and addresses. */
import type { KubeState } from '../objects/kube-state.ts';
import type { Condition, Container, KubeObject, Pod } from '../objects/objects.ts';
import { getObject, timestamp } from '../objects/store.ts';

const condition = (type: string, status: boolean, at: number, reason?: string, message?: string): Condition => ({
  type,
  status: status ? 'True' : 'False',
  lastTransitionTime: timestamp(at),
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

/** Returns reason and message of the condition of a pod with containers that are not ready; none if all are. */
const notReadyReason = (unready: readonly string[]): string[] =>
  unready.length === 0 ? [] : ['ContainersNotReady', `containers with unready status: [${unready.join(' ')}]`];

/** `crashes`: how often the containers have crashed. */
const containerStatuses = (
  containers: Container[],
  { running, at, init = false, crashes = 0 }: { running: boolean; at: number; init?: boolean; crashes?: number },
): Record<string, unknown>[] =>
  containers.map(({ name, image }) => {
    const state = init
      ? { terminated: { exitCode: 0, reason: 'Completed', startedAt: timestamp(at), finishedAt: timestamp(at) } }
      : running
        ? { running: { startedAt: timestamp(at) } }
        : { waiting: { reason: crashes > 0 ? 'CrashLoopBackOff' : 'ContainerCreating' } };
    return { name, image, imageID: '', ready: running, restartCount: crashes, started: running && !init, state };
  });

const addressOf = (node: KubeObject | undefined): string | undefined => {
  const addresses = node?.status?.['addresses'];
  const found = Array.isArray(addresses)
    ? (addresses as { type: string; address: string }[]).find(({ type }) => type === 'InternalIP')
    : undefined;
  return found?.address;
};

/**
 * Writes the status of a pod that is ready, not ready yet, or unscheduled. `crashes`: how often its containers crashed.
 */
export const setStatus = (kube: KubeState, pod: Pod, at: number, ready: boolean, crashes = 0): void => {
  const scheduled = pod.spec.nodeName !== undefined;
  const hostIP = addressOf(getObject(kube, 'Node', undefined, pod.spec.nodeName ?? ''));
  const podIP =
    pod.spec.hostNetwork === true
      ? hostIP
      : (pod.status['podIP'] ?? `10.0.${64 + kube.random.integer(128)}.${1 + kube.random.integer(254)}`);
  const notReady = notReadyReason(ready ? [] : pod.spec.containers.map(({ name }) => name));
  pod.status = {
    phase: ready ? 'Running' : 'Pending',
    qosClass: 'BestEffort',
    conditions: scheduled
      ? [
          condition('PodReadyToStartContainers', ready, at),
          condition('Initialized', true, at),
          condition('Ready', ready, at, ...notReady),
          condition('ContainersReady', ready, at, ...notReady),
          condition('PodScheduled', true, at),
        ]
      : [condition('PodScheduled', false, at, 'Unschedulable', 'no nodes available to schedule pods')],
    ...(scheduled ? { hostIP, hostIPs: [{ ip: hostIP }], startTime: pod.metadata.creationTimestamp } : {}),
    ...(ready ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    ...(scheduled
      ? { containerStatuses: containerStatuses(pod.spec.containers, { running: ready, at, crashes }) }
      : {}),
    ...(scheduled && pod.spec.initContainers
      ? {
          initContainerStatuses: containerStatuses(pod.spec.initContainers, {
            running: ready,
            at,
            init: ready,
          }),
        }
      : {}),
  };
};

interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state: { waiting?: { reason: string }; terminated?: { reason: string } };
}

/** Returns the statuses of a pod's containers; none if the pod has no node. */
export const containerStatusesOf = (pod: Pod): ContainerStatus[] =>
  (pod.status['containerStatuses'] ?? []) as ContainerStatus[];

/**
 * Changes the status of one container of a pod that was ready before, and the conditions that follow from it. Returns
 * whether the pod is ready if that has changed, otherwise undefined.
 */
export const setContainerStatus = (pod: Pod, name: string, at: number, change: object): boolean | undefined => {
  const statuses = containerStatusesOf(pod).map((one) => (one.name === name ? { ...one, ...change } : one));
  const unready = statuses.filter(({ ready }) => !ready).map((one) => one.name);
  const ready = unready.length === 0;
  const wasReady = pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const conditions = pod.status.conditions.map((before) => {
    if (before.type !== 'Ready' && before.type !== 'ContainersReady') return before;
    const now = condition(before.type, ready, at, ...notReadyReason(unready));
    return now.status === before.status ? { ...now, lastTransitionTime: before.lastTransitionTime } : now;
  });
  pod.status = { ...pod.status, conditions, containerStatuses: statuses };
  return ready === wasReady ? undefined : ready;
};

/** Records that containers of a pod were restarted in the past: the sum is that of the first container. */
export const noteRestarts = (pod: Pod, at: number, restarts: number): void => {
  const [first] = containerStatusesOf(pod);
  if (first && restarts > 0) setContainerStatus(pod, first.name, at, { restartCount: restarts });
};
