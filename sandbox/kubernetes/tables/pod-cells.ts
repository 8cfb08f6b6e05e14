/** Cells of the table of pods (k8s.io/kubernetes, printers/internalversion, printPod). */
import type { Pod } from '../../objects/objects.ts';
import { containerStatusesOf } from '../pod-status.ts';
import { since } from './durations.ts';

type Ended = { finishedAt?: string };

const initStatusesOf = (pod: Pod): ReturnType<typeof containerStatusesOf> =>
  (pod.status['initContainerStatuses'] ?? []) as ReturnType<typeof containerStatusesOf>;

const isInitialized = (pod: Pod): boolean =>
  pod.status.conditions.some(({ type, status }) => type === 'Initialized' && status === 'True');
const isReady = (pod: Pod): boolean =>
  pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** Returns the reason for which a pod has not finished its init containers; undefined once it has. */
const initReason = (pod: Pod): string | undefined => {
  const statuses = initStatusesOf(pod);
  const index = statuses.findIndex(
    ({ state }) => (state.terminated as { exitCode?: number } | undefined)?.exitCode !== 0,
  );
  const state = statuses[index]?.state;
  if (!state || isInitialized(pod)) return undefined;
  const reason = state.terminated?.reason ?? state.waiting?.reason;
  return reason === undefined || reason === 'PodInitializing' ? `Init:${index}/${statuses.length}` : `Init:${reason}`;
};

export const podStatus = (pod: Pod): string => {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const initializing = initReason(pod);
  if (initializing !== undefined) return initializing;
  // The first container with a reason counts.
  const stopped = containerStatusesOf(pod)
    .map(({ state }) => (state.waiting ?? state.terminated)?.reason)
    .find((reason) => reason !== undefined);
  if (stopped !== 'Completed') return stopped ?? pod.status.phase;
  const isRunning = containerStatusesOf(pod).some(({ ready, state }) => ready && 'running' in state);
  return isRunning ? (isReady(pod) ? 'Running' : 'NotReady') : stopped;
};

/** Returns how many containers are ready. */
export const podReady = (pod: Pod): string =>
  `${containerStatusesOf(pod).filter(({ ready, state }) => ready && 'running' in state).length}/${pod.spec.containers.length}`;

/** Returns how often the containers were restarted, and when one of them ended last. */
export const podRestarts = (pod: Pod, now: number): string => {
  const statuses = containerStatusesOf(pod);
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ends = statuses.flatMap((one) => {
    const { lastState } = one as { lastState?: { terminated?: Ended } };
    return lastState?.terminated?.finishedAt ?? [];
  });
  const last = ends.sort().at(-1);
  return restarts === 0 || last === undefined ? String(restarts) : `${restarts} (${since(last, now)} ago)`;
};

/** Returns how many of a pod's readiness gates are open. */
export const readinessGates = ({ spec, status }: Pod): string => {
  const { readinessGates: gates = [] } = spec as { readinessGates?: { conditionType: string }[] };
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) =>
    status.conditions.some((condition) => condition.type === conditionType && condition.status === 'True'),
  );
  return `${open.length}/${gates.length}`;
};
