/** Reads the node pools of Karpenter as templates of nodes to come. */
import { z } from 'zod';
import type { Taint } from '../kubernetes/objects.ts';
import type { Place } from './taints.ts';

const nodePool = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()).nullish() }).nullish(),
      spec: z.looseObject({
        nodeClassRef: z.looseObject({ group: z.string().nullish() }).nullish(),
        taints: z.array(z.looseObject({ key: z.string(), value: z.string().nullish(), effect: z.string() })).nullish(),
      }),
    }),
  }),
});

/** The group of the node classes of EKS Auto Mode, whose nodes have the agent built in. */
const AUTO_MODE = 'eks.amazonaws.com';

export interface NodePool extends Place {
  name: string;
  taints: Taint[];
}

/**
 * Returns the node pools whose nodes need the agent's pod. Their `startupTaints` are not included: other software removes
 * them before any pod without a toleration is placed, be it the agent's or another. Nodes have labels in addition to those
 * of the template, such as those of their instance type.
 */
export const readNodePools = (objects: readonly unknown[]): NodePool[] =>
  objects.flatMap((object) => {
    const parsed = nodePool.safeParse(object);
    if (!parsed.success) return [];
    const { metadata, spec } = parsed.data;
    const { metadata: more, spec: template } = spec.template;
    if (template.nodeClassRef?.group === AUTO_MODE) return [];
    return [
      {
        name: metadata.name,
        labels: { ...more?.labels, 'karpenter.sh/nodepool': metadata.name, 'kubernetes.io/os': 'linux' },
        moreLabels: true,
        taints: (template.taints ?? []).map(({ key, value, effect }) => ({ key, effect, ...(value ? { value } : {}) })),
      },
    ];
  });
