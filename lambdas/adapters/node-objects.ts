/** Converts nodes, and what places pods on them, in the API server's responses to the domain's objects. */
import { z } from 'zod';
import { shownText } from '../domain/text/text.ts';
import type { Toleration } from '../domain/kubernetes/objects.ts';
import type { Compute, Node } from '../ports/kubernetes.ts';
import { conditions, isReady, listOf, strings } from './api-schemas.ts';

export const tolerations = listOf(
  z.object({
    key: shownText.nullish(),
    operator: shownText.nullish(),
    value: shownText.nullish(),
    effect: shownText.nullish(),
  }),
);
const taints = listOf(z.object({ key: shownText, value: shownText.nullish(), effect: shownText }));
export const node = z.object({
  metadata: z.object({ name: shownText, labels: strings }),
  spec: z.object({ taints }).nullish(),
  status: z.object({ conditions }).nullish(),
});

const isKnown = (operator: string): operator is Toleration['operator'] => operator === 'Equal' || operator === 'Exists';

/**
 * Returns the tolerations with an operator that can be evaluated; the default is Equal. Newer versions have operators for
 * numbers, and one pod that uses them must not make all of them unreadable. Source: Kubernetes API reference, Toleration.
 */
export const toTolerations = (all: z.infer<typeof tolerations>): Toleration[] =>
  all.flatMap(({ key, operator, value, effect }) => {
    const known = operator ?? 'Equal';
    return isKnown(known)
      ? [{ ...(key ? { key } : {}), operator: known, ...(value ? { value } : {}), ...(effect ? { effect } : {}) }]
      : [];
  });

/**
 * Source: EKS User Guide, "Control if a workload is deployed on EKS Auto Mode nodes"; eks-pod-identity-agent's chart,
 * values.yaml, `affinity`.
 */
const COMPUTE_TYPES: Record<string, Compute> = { auto: 'auto', fargate: 'fargate', hybrid: 'hybrid' };

/** Converts a node. A node with an unknown compute type, or without one, counts as an EC2 node. */
export const toNode = ({ metadata: { name, labels }, spec, status }: z.infer<typeof node>): Node => ({
  name,
  ready: isReady(status?.conditions),
  os: labels['kubernetes.io/os'] === 'windows' ? 'windows' : 'linux',
  compute: COMPUTE_TYPES[labels['eks.amazonaws.com/compute-type'] ?? ''] ?? 'ec2',
  ...(labels['eks.amazonaws.com/nodegroup'] ? { nodeGroup: labels['eks.amazonaws.com/nodegroup'] } : {}),
  labels,
  ...(spec && spec.taints.length > 0
    ? { taints: spec.taints.map(({ key, value, effect }) => ({ key, effect, ...(value ? { value } : {}) })) }
    : {}),
});
