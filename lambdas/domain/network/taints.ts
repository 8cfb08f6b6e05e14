/** Decides which nodes accept pods: taints against tolerations, and labels against node selectors. */
import type { Taint, Toleration } from '../kubernetes/objects.ts';

/** What places pods on nodes. Affinity is not read. */
export interface Placement {
  tolerations: readonly Toleration[];
  nodeSelector: Readonly<Record<string, string>>;
}

/** A node, or the template of nodes to come. Of a template, labels that are not in it may come from elsewhere. */
export interface Place {
  taints?: readonly Taint[];
  /** Absent if they were not read. */
  labels?: Readonly<Record<string, string>>;
  /** Whether nodes may have labels in addition to these. */
  moreLabels?: boolean;
}

/** Source: Kubernetes documentation, "Taints and Tolerations". A toleration without a key tolerates every taint. */
export const tolerates = ({ key, operator, value, effect }: Toleration, taint: Taint): boolean =>
  (effect === undefined || effect === taint.effect) &&
  (key === undefined ? operator === 'Exists' : key === taint.key) &&
  (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));

/** Kubernetes sets these taints as the state of a node changes, and they do not stay on a node that is ready. */
const isOfState = ({ key }: Taint): boolean =>
  /^node\.kubernetes\.io\/(not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|unschedulable|network-unavailable)$/.test(
    key,
  ) || key === 'node.cloudprovider.kubernetes.io/uninitialized';

/**
 * Returns whether an autoscaler has set the taint because it is about to remove the node. Sources: Cluster Autoscaler,
 * utils/taints; Karpenter, "Disruption" (`disruption` before its version 1).
 */
export const isOfRemoval = ({ key }: Taint): boolean =>
  ['ToBeDeletedByClusterAutoscaler', 'karpenter.sh/disrupted', 'karpenter.sh/disruption'].includes(key);

const taintText = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`;

/** Returns why pods are not placed there: clauses, none if they may be. `PreferNoSchedule` keeps no pod off. */
export function refusals(
  { tolerations, nodeSelector }: Placement,
  { taints = [], labels, moreLabels }: Place,
): string[] {
  const kept = taints.filter(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' && !isOfState(taint) && !tolerations.some((one) => tolerates(one, taint)),
  );
  const unselected = Object.entries(nodeSelector).filter(([key, value]) => {
    if (labels === undefined) return false;
    return Object.hasOwn(labels, key) ? labels[key] !== value : !moreLabels;
  });
  return [
    ...kept.map((taint) => `does not tolerate taint ${taintText(taint)}`),
    ...unselected.map(([key, value]) => `selects only nodes with label ${key}=${value}`),
  ];
}
