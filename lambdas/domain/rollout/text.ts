/** Texts about rollouts. */
import type { Pod } from '../kubernetes/objects.ts';
import { shellCommand } from '../text/shell.ts';
import { isCrashing } from './broken.ts';
import type { Forecast } from './model.ts';

/** Returns a duration as text: `45 seconds`, `18 minutes`, `2 hours 5 minutes`, `3 days 4 hours`. */
export function durationText(seconds: number): string {
  const count = (value: number, unit: string): string => `${value} ${unit}${value === 1 ? '' : 's'}`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? count(big, bigUnit) : `${count(big, bigUnit)} ${count(small, smallUnit)}`;
  if (seconds < 100) return count(Math.round(seconds), 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return count(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return pair(hours, 'hour', minutes % 60, 'minute');
  return pair(Math.floor(hours / 24), 'day', hours % 24, 'hour');
}

type WorkloadPace = Forecast['workloads'][number];

/** Returns how a workload replaces its pods: `StatefulSet ledger replaces 18 pods one after the other, 57 seconds each`. */
export const paceText = ({ kind, name, pods, atOnce, secondsEach }: WorkloadPace): string =>
  pods === 1
    ? `${kind} ${name} replaces its pod in ${durationText(secondsEach)}`
    : `${kind} ${name} replaces ${pods} pods ${atOnce === 1 ? 'one after the other' : `${Math.min(atOnce, pods)} at a time`}, ${durationText(secondsEach)} each`;

/** Why software can fail with an identity that its pods have. */
const NO_CREDENTIALS =
  'A possible reason is that the software gets no credentials, for example because its AWS SDK is too old for Pod Identity.';

const restartsText = (restarts: number): string => `${restarts} restart${restarts === 1 ? '' : 's'}`;

/** Returns a pod's name with its condition. */
export const conditionText = ({ name, restarts = 0, waiting = [] }: Pod): string => {
  const what = [...waiting, ...(restarts > 0 ? [restartsText(restarts)] : [])].join(', ');
  return `${name} (${what || 'not ready'})`;
};

/** Returns the command that shows why a container of the pod ended, whichever container that is. */
export const previousLogs = ({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string =>
  shellCommand(['kubectl', '-n', namespace, 'logs', name, '--all-containers', '--previous', '--ignore-errors']);

/** Returns the first five names, and the number of the others. */
const some = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');

/** Returns the command that shows why a pod is not ready. */
const logsOf = (pod: Pod): string =>
  isCrashing(pod)
    ? previousLogs(pod)
    : shellCommand(['kubectl', '-n', pod.namespace, 'logs', pod.name, '--all-containers']);

/** A migration that fails is rolled back, which replaces its pods. */
const readLogs = (towards: 'pod-identity' | 'before'): string =>
  towards === 'before'
    ? 'Read the logs'
    : 'Read the logs where you keep them or, until the rollback replaces the pod, with';

/** Returns the message of PodsFailing. */
export function failingText(pods: readonly Pod[], since: string, towards: 'pod-identity' | 'before'): string {
  const [first] = pods;
  const logs = first ? logsOf(first) : '';
  const identity = towards === 'before' ? 'the identity that they had before' : 'Pod Identity';
  const many = pods.length === 1 ? 'A pod fails' : `${pods.length} pods fail`;
  return `${many} with ${identity}, although the same number of pods was ready before the migration: ${some(pods.map(conditionText))}. Nothing has progressed since ${since}.${pods.some(isCrashing) && towards === 'pod-identity' ? ` ${NO_CREDENTIALS}` : ''} ${readLogs(towards)}: ${logs}`;
}

/** Returns the message of PodsFailing if pods restarted each time that they were observed. */
export function restartingText(pods: readonly Pod[], settleSeconds: number): string {
  const [first] = pods;
  const logs = first ? previousLogs(first) : '';
  return `Containers restarted each time that the pods were observed for ${durationText(settleSeconds)} with Pod Identity, although the same number of pods was ready before the migration: ${some(pods.map(conditionText))}. ${NO_CREDENTIALS} ${readLogs('pod-identity')}: ${logs}`;
}

/** Returns the message of PodsFailing if only a person can replace the pods. */
export function hopelessText(pods: readonly Pod[], since: string): string {
  const [first] = pods;
  const deletion = shellCommand([
    'kubectl',
    '-n',
    first?.namespace ?? '',
    'delete',
    'pod',
    ...pods.map(({ name }) => name),
  ]);
  return `These pods do not become ready with the identity that they were created with, and their StatefulSet does not replace pods that are not ready: ${some(pods.map(conditionText))}. Nothing has progressed since ${since}. Delete them, so that new pods with the right identity replace them: ${deletion}`;
}

/** Returns the message of PodsNotSettled if nothing progresses. `why` is the known cause, with a remedy. */
export function stalledText({
  open,
  since,
  why,
  migrationId,
  towards,
}: {
  open: string;
  since: string;
  why: string | undefined;
  migrationId: string;
  towards: 'pod-identity' | 'before';
}): string {
  const cause = why === undefined ? 'no cause was found' : open.includes(why) ? '' : why;
  const stays = 'Changes are kept, and the migration continues automatically when the rollout does.';
  const next = towards === 'before' ? '' : ` To roll back instead: pod-identity cancel ${migrationId} --deployed`;
  return `Not settled yet: ${open}. Nothing has progressed since ${since}${cause === '' ? '' : `: ${cause}`}. ${stays}${next}`;
}
