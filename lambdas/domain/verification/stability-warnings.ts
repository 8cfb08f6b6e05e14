/** The warnings of a migration about pods that did not reach the level `ready`. */
import { isMadeBy, isOfJob, type Pod } from '../kubernetes/objects.ts';
import { type Check, some, warn } from '../terms/check.ts';
import type { Target } from '../terms/subject.ts';
import { conditionText, previousLogs } from '../rollout/text.ts';
import { shellCommand } from '../text/shell.ts';
import type { ShortPod, Stability } from './stability.ts';

export const STABILITY_NOT_OBSERVED = 'stability-not-observed';
const PODS_ON_UNREADY_NODES = 'pods-on-unready-nodes';
const PODS_BELOW_READY = 'pods-below-ready';

/** The warnings that each observation of the pods replaces. */
export const STABILITY_WARNINGS: readonly string[] = [STABILITY_NOT_OBSERVED, PODS_ON_UNREADY_NODES, PODS_BELOW_READY];

/** The most nodes in a command: a DaemonSet may have a pod on each of thousands. */
const MOST_NODES = 10;
const SOURCE =
  'Kubernetes documentation, "Pod Lifecycle", "Container restarts": an exit is followed by a restart, with a growing delay';

const nameOf = ({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string => `${namespace}/${name}`;

/**
 * Returns the warning that the pods have the credentials configuration, and that it was not observed whether they stay
 * ready with it. `why` is a sentence with the reason.
 */
export const stabilityNotObserved = (
  why: string,
  { cluster }: Pick<Target, 'cluster'>,
  namespaces: readonly string[],
  [first]: readonly Pod[] = [],
): Check =>
  warn(
    STABILITY_NOT_OBSERVED,
    `The pods are verified at level injected only: they have the credentials configuration, but were not observed to stay ready with it. ${why}`,
    `Check whether the pods are ready and their restart counts stay the same: ${[...new Set(namespaces)].map((namespace) => shellCommand(['kubectl', '-n', namespace, 'get', 'pods'])).join(' ; ')} .${first === undefined ? '' : ` Read the logs of a container that ended: ${previousLogs(first)} .`} To check how each workload gets its credentials: pod-identity identities --cluster ${cluster}`,
    SOURCE,
  );

/** Returns why an observation did not show that the pods stay ready, as sentences. */
export function unstableText({ causes, replaced }: Pick<Stability, 'causes' | 'replaced'>): string {
  const list = (title: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${title}: ${some(names)}.`];
  const podsThat = (why: ShortPod['why']): string[] =>
    causes.filter((one) => one.why === why).map(({ pod }) => conditionText(pod));
  // Of a workload whose pods are listed, this adds nothing.
  const workloads = replaced
    .filter((workload) => !causes.some(({ pod }) => isMadeBy(pod, workload)))
    .map(({ kind, name }) => `${kind} ${name}`);
  return [
    ...list('Restarted during the observation', podsThat('restarted')),
    ...list('Not ready at the end of the observation', podsThat('not-ready')),
    ...list('Without the identity that they should have', podsThat('wrong')),
    ...list('Without a pod that was ready all the time', workloads),
  ].join(' ');
}

/** Returns why a pod is below the level `ready`, for a list. */
function shortText({ pod, why }: ShortPod): string {
  const reason = {
    joined: 'it was not ready yet when the observation began',
    wrong: 'it does not have the identity that it should have',
    'unready-node': 'its node is not ready',
    'not-ready': 'it is not ready, and as many pods of its workload did not work before the migration',
    restarted: isOfJob(pod)
      ? 'it belongs to a Job, and a container restarted'
      : 'a container restarted, as was usual before the migration',
    interrupted: 'it was not ready for a part of the observation',
    failed: 'it ended with an error during the observation',
  }[why];
  return `${nameOf(pod)} (${reason})`;
}

/** Returns the warnings about the pods that did not reach the level `ready` in an observation that ended stable. */
export function shortPodsWarnings(short: readonly ShortPod[]): Check[] {
  const onNodes = short.filter(({ why }) => why === 'unready-node');
  const others = short.filter(({ why }) => why !== 'unready-node');
  const nodes = [...new Set(onNodes.map(({ pod }) => pod.node ?? ''))];
  const [first] = others;
  return [
    ...(onNodes.length === 0
      ? []
      : [
          warn(
            PODS_ON_UNREADY_NODES,
            `The verification leaves out ${onNodes.length === 1 ? 'a pod' : `${onNodes.length} pods`} on nodes that are not ready: ${some(onNodes.map(({ pod }) => `${nameOf(pod)} (node ${pod.node ?? ''})`))}. They have the credentials configuration, but nothing can be observed of them.`,
            `Find out why the nodes are not ready (${shellCommand(['kubectl', 'describe', 'node', ...nodes.slice(0, MOST_NODES)])}), and check these pods when the nodes are ready again.`,
            'Kubernetes documentation, "Nodes", "Node status"',
          ),
        ]),
    ...(first === undefined
      ? []
      : [
          warn(
            PODS_BELOW_READY,
            `${others.length === 1 ? 'A pod is' : `${others.length} pods are`} verified at level injected only: ${some(others.map(shortText))}.`,
            `Check whether they are ready and stay so: ${shellCommand(['kubectl', '-n', first.pod.namespace, 'get', 'pods'])}`,
            SOURCE,
          ),
        ]),
  ];
}
