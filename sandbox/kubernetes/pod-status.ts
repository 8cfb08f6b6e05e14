/** The status of a pod: conditions, container statuses and addresses. */
import type { KubeState } from './kube-state.ts';
import type { Condition, Container, KubeObject, Pod } from './objects.ts';
import { getObject, timestamp } from './store.ts';

const condition = (type: string, status: boolean, at: number, reason?: string, message?: string): Condition => ({
  type,
  status: status ? 'True' : 'False',
  lastTransitionTime: timestamp(at),
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

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
  const notReady = ready
    ? []
    : [
        'ContainersNotReady',
        `containers with unready status: [${pod.spec.containers.map(({ name }) => name).join(' ')}]`,
      ];
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
