/**
 * The controller that updates the status of PodDisruptionBudgets. Only evictions respect budgets; rollouts and
 * deletions do not (k8s.io/kubernetes, pkg/controller/disruption).
 */
import type { Budget, BudgetStatus, Condition, Pod } from '../objects/objects.ts';
import { isActive, isReady, type ControlPlane } from './pods.ts';
import { CONTROLLER_LAG, countOf, setStatus } from './rollout.ts';
import { objectSelector } from '../objects/object-selector.ts';
import { countObjects, listObjects, timestamp, workloadOf } from '../objects/store.ts';

/** Time after which an evicted pod that still exists counts as healthy again. */
const STALE_DISRUPTION = 120_000;

export const budgetsOf = ({ cluster }: ControlPlane, pod: Pod): Budget[] =>
  listObjects(cluster.kube, 'PodDisruptionBudget', pod.metadata.namespace).filter((budget) =>
    objectSelector(budget.spec.selector)(pod),
  );

const podsOfBudget = ({ cluster }: ControlPlane, { metadata, spec }: Budget): Pod[] =>
  listObjects(cluster.kube, 'Pod', metadata.namespace).filter(objectSelector(spec.selector));

/** Returns how many pods the controllers of `pods` want; an error text if that cannot be determined. */
const expectedScale = ({ cluster }: ControlPlane, pods: Pod[]): number | string => {
  const workloads = new Set(pods.map((pod) => workloadOf(cluster.kube, pod)));
  let scale = 0;
  for (const workload of workloads) {
    if (!workload) return 'found no controller ref for a pod';
    if (workload.kind === 'DaemonSet') return 'daemonsets.apps does not implement the scale subresource';
    scale += workload.spec.replicas;
  }
  return scale;
};

/** Returns the expected number of pods and how many must be healthy; an error text if that cannot be determined. */
const wanted = (plane: ControlPlane, { spec }: Budget, pods: Pod[]): { expected: number; desired: number } | string => {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  if (minAvailable === undefined && maxUnavailable === undefined) return { expected: 0, desired: 0 };
  const expected = expectedScale(plane, pods);
  if (typeof expected === 'string') return expected;
  if (maxUnavailable !== undefined)
    return { expected, desired: Math.max(0, expected - countOf(maxUnavailable, expected, Math.ceil, 0)) };
  return { expected, desired: countOf(minAvailable, expected, Math.ceil, 0) };
};

/** Returns the condition DisruptionAllowed; `lastTransitionTime` is kept as long as the status does not change. */
export const disruptionCondition = (
  { metadata, status }: Budget,
  at: number,
  allowed: number,
  problem?: string,
): NonNullable<BudgetStatus['conditions']>[number] => {
  const before = status.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const now: Condition['status'] = allowed > 0 ? 'True' : 'False';
  return {
    type: 'DisruptionAllowed',
    status: now,
    observedGeneration: metadata.generation ?? 1,
    reason: problem === undefined ? (allowed > 0 ? 'SufficientPods' : 'InsufficientPods') : 'SyncFailed',
    message: problem ?? '',
    lastTransitionTime: before?.status === now ? before.lastTransitionTime : timestamp(at),
  };
};

const reconcileBudget = (plane: ControlPlane, budget: Budget, at: number): void => {
  const pods = podsOfBudget(plane, budget);
  const wants = wanted(plane, budget, pods);
  const common = { observedGeneration: budget.metadata.generation ?? 1 };
  if (typeof wants === 'string') {
    // The controller fails safe: nothing may be evicted.
    setStatus(
      plane.cluster.kube,
      budget,
      {
        ...budget.status,
        ...common,
        disruptionsAllowed: 0,
        conditions: [disruptionCondition(budget, at, 0, wants)],
      },
      at,
    );
    return;
  }
  const disrupted = Object.fromEntries(
    Object.entries(budget.status.disruptedPods ?? {}).filter(
      ([name, since]) =>
        Date.parse(since) + STALE_DISRUPTION > at && pods.some((pod) => pod.metadata.name === name && isActive(pod)),
    ),
  );
  const healthy = pods.filter(
    (pod) => isActive(pod) && isReady(pod) && disrupted[pod.metadata.name] === undefined,
  ).length;
  const allowed = wants.expected <= 0 ? 0 : Math.max(0, healthy - wants.desired);
  setStatus(
    plane.cluster.kube,
    budget,
    {
      ...common,
      ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
      currentHealthy: healthy,
      desiredHealthy: wants.desired,
      disruptionsAllowed: allowed,
      expectedPods: wants.expected,
      conditions: [disruptionCondition(budget, at, allowed)],
    },
    at,
  );
};

/**
 * Notifies the controller that a namespace's pods or budgets have changed. The controller reconciles shortly
 * afterwards, once for all changes.
 */
export const podsChanged = (plane: ControlPlane, namespace: string): void => {
  const { kube } = plane.cluster;
  if (countObjects(kube, 'PodDisruptionBudget') === 0 || kube.pendingBudgets.has(namespace)) return;
  kube.pendingBudgets.add(namespace);
  plane.world.schedule.after(CONTROLLER_LAG, (at) => {
    kube.pendingBudgets.delete(namespace);
    for (const budget of listObjects(kube, 'PodDisruptionBudget', namespace)) reconcileBudget(plane, budget, at);
  });
};
