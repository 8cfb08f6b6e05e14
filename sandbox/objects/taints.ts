/**
 * Taints of nodes, and the tolerations of pods. Source: Kubernetes documentation, "Taints and Tolerations"; API
 * reference, Toleration and Taint.
 */
import { z } from 'zod';

export const taint = z
  .strictObject({
    key: z.string().min(1).describe('Its key.'),
    value: z.string().optional().describe('Its value; if omitted, empty.'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .describe('`NoSchedule`: no new pods without toleration; `NoExecute`: neither new nor running ones.'),
  })
  .meta({ id: 'Taint', description: 'Keeps pods that do not tolerate it from a node.' });
export type Taint = z.infer<typeof taint>;

export const toleration = z
  .strictObject({
    key: z.string().optional().describe('Key of the taints; if omitted, with `Exists`, all.'),
    operator: z.enum(['Equal', 'Exists']).optional().describe('`Equal`, the default, also compares the value.'),
    value: z.string().optional().describe('Value of the taints.'),
    effect: z
      .enum(['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .optional()
      .describe('Effect of the taints; if omitted, all.'),
    tolerationSeconds: z
      .number()
      .int()
      .optional()
      .describe(
        'Time for which a pod stays on a node with such a taint of the effect `NoExecute`; if omitted, always.',
      ),
  })
  .refine(({ key, operator }) => (key ?? '') !== '' || operator === 'Exists', {
    path: ['operator'],
    message: 'must be Exists if there is no key',
  })
  .meta({ id: 'Toleration', description: "A pod's toleration of taints." });
export type Toleration = z.infer<typeof toleration>;

export const tolerates = (tolerations: readonly Toleration[], { key, value = '', effect }: Taint): boolean =>
  tolerations.some(
    (each) =>
      (!each.effect || each.effect === effect) &&
      (!each.key || each.key === key) &&
      (each.operator === 'Exists' || (each.value ?? '') === value),
  );

/**
 * Taints that every pod of a DaemonSet tolerates, because its controller adds the tolerations (k8s.io/kubernetes,
 * pkg/controller/daemon/util).
 */
const OF_DAEMON_PODS: readonly Toleration[] = [
  ...['not-ready', 'unreachable'].map((name): Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect: 'NoExecute',
  })),
  ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((name): Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect: 'NoSchedule',
  })),
];
const IN_HOST_NETWORK: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

type Spec = { tolerations?: Toleration[]; hostNetwork?: boolean };

/** Returns the tolerations that a DaemonSet's controller adds to a pod. */
export const daemonTolerations = ({ hostNetwork }: Spec): readonly Toleration[] =>
  hostNetwork === true ? [...OF_DAEMON_PODS, IN_HOST_NETWORK] : OF_DAEMON_PODS;

const tolerationsOf = (spec: Spec, isDaemon: boolean): readonly Toleration[] =>
  isDaemon ? [...(spec.tolerations ?? []), ...daemonTolerations(spec)] : (spec.tolerations ?? []);

const taintsOf = ({ spec }: { spec?: Record<string, unknown> }): Taint[] => (spec?.['taints'] ?? []) as Taint[];

/** Returns whether the taints of a node let new pods of a specification onto it. */
export const admits = (node: { spec?: Record<string, unknown> }, spec: Spec, isDaemon: boolean): boolean => {
  const tolerations = tolerationsOf(spec, isDaemon);
  return taintsOf(node).every((each) => each.effect === 'PreferNoSchedule' || tolerates(tolerations, each));
};

/**
 * Returns for how many seconds a running pod stays on a node: 0 if it does not tolerate a taint of the effect
 * NoExecute, Infinity if it stays.
 */
export const secondsOn = (node: { spec?: Record<string, unknown> }, spec: Spec, isDaemon: boolean): number => {
  const tolerations = tolerationsOf(spec, isDaemon);
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...taintsOf(node)
      .filter(({ effect }) => effect === 'NoExecute')
      .map((each) => {
        const fitting = tolerations.filter((one) => tolerates([one], each));
        if (fitting.length === 0) return 0;
        return Math.max(0, Math.min(...fitting.map((one) => one.tolerationSeconds ?? Number.POSITIVE_INFINITY)));
      }),
  );
};
