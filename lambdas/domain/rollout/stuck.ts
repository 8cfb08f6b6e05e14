/** Pods that can't end, since nobody is there to end them. */
import type { Node, Pod } from '../kubernetes/objects.ts';

/** The kubelet kills what is left when the grace period ends, and reports it: seconds as a rule. */
const MARGIN_MS = 60_000;

/** Returns whether a pod should have been gone a while ago; `now`: milliseconds since 1970. */
export const isOverdueToEnd = ({ terminating, deletionDue }: Pod, now: number): boolean =>
  terminating && deletionDue !== undefined && Date.parse(deletionDue) + MARGIN_MS < now;

/**
 * Returns, in so many words, why a pod that should have ended can't: its node does not answer, or is gone; undefined
 * where its node answers, or nobody can say. Whether its containers still run is not known then.
 */
export function stuckBecause(pod: Pod, nodes: readonly Node[] | undefined, now: number): string | undefined {
  if (!isOverdueToEnd(pod, now)) return undefined;
  const since = `terminating, and was to be gone by ${pod.deletionDue ?? ''}`;
  if (pod.node === undefined) return `${since}; no node ever took it`;
  if (!nodes) return undefined;
  const node = nodes.find(({ name }) => name === pod.node);
  if (!node) return `${since}; its node ${pod.node} is gone`;
  return node.ready
    ? undefined
    : `${since}; its node ${pod.node} does not answer, so that nobody knows whether its containers still run`;
}
