/**
 * How a workload's controller replaces its pods: how many of them, how many at once, and what it waits for. Sources:
 * Kubernetes documentation, "Deployments", "Performing a Rolling Update"; "Perform a Rolling Update on a DaemonSet";
 * "StatefulSets", "Update strategies"; k8s.io/kubernetes, pkg/controller/deployment/util, `ResolveFenceposts`, and
 * pkg/controller/daemon/update.go. A PodDisruptionBudget limits evictions alone: controllers delete the pods that they
 * replace, and no budget slows that down ("Disruptions", "Pod disruption budgets").
 */
import type { Workload, WorkloadKind } from '../kubernetes/objects.ts';

/** `sequential` is a StatefulSet's, `recreate` a Deployment's whose pods all end before new ones are made. */
export type RolloutOrder = 'surge' | 'in-place' | 'sequential' | 'recreate';

export interface RolloutShape {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  /** Pods that it should have. */
  replicas: number;
  /** Pods that a change of its template replaces: those of ordinals under a partition stay. */
  toReplace: number;
  /** Pods that are on their way to being replaced at the same time. */
  atOnce: number;
  order: RolloutOrder;
  /** Seconds that a pod has to be ready before it counts as available, and the next one is replaced. */
  minReadySeconds: number;
  /** The longest that the end of a pod takes while its node is there. */
  graceSeconds: number;
  /** Why it would not replace all of its pods by itself: `it is paused`. */
  heldBack?: string;
}

/** Of a pod template that does not say otherwise. Source: Kubernetes API reference, PodSpec. */
const DEFAULT_GRACE_SECONDS = 30;

/**
 * A count, or a percentage of `total` such as `25%`, as Kubernetes resolves it. What is neither counts as left out: the
 * API server accepts no such value.
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
  // With neither, one may be missing; `ResolveFenceposts`.
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
 * One pod after the other, from the highest ordinal down. `podManagementPolicy: Parallel` is about scaling, not about
 * updates, and `maxUnavailable` is on by default from Kubernetes 1.35 on alone: without it the forecast errs to the
 * longer side.
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
