/**
 * How a workload's controller replaces its pods: how many, how many at once, and what it waits for. Sources:
 * Kubernetes documentation, "Deployments", "Performing a Rolling Update"; "Perform a Rolling Update on a DaemonSet";
 * "StatefulSets", "Update strategies"; k8s.io/kubernetes, pkg/controller/deployment/util, `ResolveFenceposts`, and
 * pkg/controller/daemon/update.go. A PodDisruptionBudget limits only evictions: controllers delete the pods that they
 * replace, regardless of budgets ("Disruptions", "Pod disruption budgets").
 */
import type { Workload, WorkloadKind } from '../kubernetes/objects.ts';

/** `sequential`: a StatefulSet. `recreate`: a Deployment whose pods all end before new ones are created. */
export type RolloutOrder = 'surge' | 'in-place' | 'sequential' | 'recreate';

export interface RolloutShape {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  /** Number of desired pods. */
  replicas: number;
  /** Number of pods that a change of the template replaces. Pods with ordinals below a partition stay. */
  toReplace: number;
  /** Number of pods that are being replaced at the same time. */
  atOnce: number;
  order: RolloutOrder;
  /** Seconds that a pod must be ready before it counts as available and the next pod is replaced. */
  minReadySeconds: number;
  /** The longest time that a pod takes to end while its node is ready. */
  graceSeconds: number;
  /** Why the controller would not replace all pods automatically, such as `it is paused`. */
  heldBack?: string;
}

/** The default grace period of a pod template. Source: Kubernetes API reference, PodSpec. */
const DEFAULT_GRACE_SECONDS = 30;

/**
 * Resolves a count, or a percentage of `total` such as `25%`, as Kubernetes does. Any other value counts as absent, since
 * the API server does not accept it.
 */
export function resolveCount(
  value: number | string | undefined,
  total: number,
  round: (exact: number) => number,
  otherwise: number | string,
): number {
  const percent = (text: string): number | undefined => {
    const [, digits] = /^(\d+)%$/.exec(text) ?? [];
    return digits === undefined ? undefined : round((Number(digits) * total) / 100);
  };
  const counted = typeof value === 'string' ? percent(value) : value;
  if (counted !== undefined) return Math.max(0, counted);
  return typeof otherwise === 'number' ? otherwise : (percent(otherwise) ?? 0);
}

type Pace = Pick<RolloutShape, 'toReplace' | 'atOnce' | 'order'>;

function ofDeployment({ desired, recreates, rollout }: Workload): Pace {
  if (recreates === true) return { toReplace: desired, atOnce: Math.max(1, desired), order: 'recreate' };
  const surge = resolveCount(rollout?.maxSurge, desired, Math.ceil, '25%');
  const unavailable = resolveCount(rollout?.maxUnavailable, desired, Math.floor, '25%');
  // If both are zero, one pod may be unavailable; `ResolveFenceposts`.
  return { toReplace: desired, atOnce: Math.max(1, surge + unavailable), order: 'surge' };
}

function ofDaemonSet({ desired, rollout }: Workload): Pace {
  const surge = resolveCount(rollout?.maxSurge, desired, Math.ceil, 0);
  const unavailable = resolveCount(rollout?.maxUnavailable, desired, Math.ceil, 1);
  return surge > 0
    ? { toReplace: desired, atOnce: surge, order: 'surge' }
    : { toReplace: desired, atOnce: Math.max(1, unavailable), order: 'in-place' };
}

/**
 * A StatefulSet replaces one pod after the other, from the highest ordinal down. `podManagementPolicy: Parallel` applies
 * to scaling, not to updates, and `maxUnavailable` is on by default only from Kubernetes 1.35. Ignoring it, the forecast
 * is too long rather than too short.
 */
const ofStatefulSet = ({ desired, rollout }: Workload): Pace => ({
  toReplace: Math.max(0, desired - (rollout?.partition ?? 0)),
  atOnce: 1,
  order: 'sequential',
});

const PACES: Record<WorkloadKind, (workload: Workload) => Pace> = {
  Deployment: ofDeployment,
  DaemonSet: ofDaemonSet,
  StatefulSet: ofStatefulSet,
};

/** Returns how this workload rolls out a change of its template. */
export function shapeOf(workload: Workload): RolloutShape {
  const { kind, namespace, name, desired, rollout, heldBack } = workload;
  return {
    kind,
    namespace,
    name,
    replicas: desired,
    ...PACES[kind](workload),
    minReadySeconds: rollout?.minReadySeconds ?? 0,
    graceSeconds: rollout?.graceSeconds ?? DEFAULT_GRACE_SECONDS,
    ...(heldBack === undefined ? {} : { heldBack }),
  };
}
