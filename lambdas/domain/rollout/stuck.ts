/** Pods that cannot end because their node does not answer. */
import type { Node, Pod } from '../kubernetes/objects.ts';

/** At the end of the grace period the kubelet kills the remaining processes and reports it, usually within seconds. */
const MARGIN_MS = 60_000;

/** Returns whether a pod should have been gone for some time. `now` is in milliseconds since 1970. */
export const isOverdueToEnd = ({ terminating, deletionDue }: Pod, now: number): boolean =>
  terminating && deletionDue !== undefined && Date.parse(deletionDue) + MARGIN_MS < now;

/**
 * Returns a clause with the reason why a pod that should have ended cannot: its node does not answer, or is gone. It is
 * then not known whether its containers still run. Returns undefined if the node answers, or if the nodes are not known.
 */
export function stuckBecause(pod: Pod, nodes: readonly Node[] | undefined, now: number): string | undefined {
  if (!isOverdueToEnd(pod, now)) return undefined;
  const since = `terminating, and was due to be gone by ${pod.deletionDue ?? ''}`;
  if (pod.node === undefined) return `${since}; it was never scheduled to a node`;
  if (!nodes) return undefined;
  const node = nodes.find(({ name }) => name === pod.node);
  if (!node) return `${since}; its node ${pod.node} is gone`;
  return node.ready
    ? undefined
    : `${since}; its node ${pod.node} does not answer, so its containers may still be running`;
}
