/**
 * POST pods/NAME/eviction: a deletion that checks the pod's budget first (k8s.io/kubernetes,
 * registry/core/pod/storage/eviction.go).
 */
import { isDeepStrictEqual } from 'node:util';
import type { HttpResponse } from '../http.ts';
import { badRequest, notFound, Refusal, success, tooManyRequests } from './answers.ts';
import { budgetsOf, disruptionCondition } from './budgets.ts';
import { checkDeleteOptions, checkPreconditions, endPod, type DeleteOptions } from './deletes.ts';
import type { Budget, Pod } from '../objects/objects.ts';
import { isActive, isReady, type ControlPlane } from './pods.ts';
import { isSince } from './resources/served.ts';
import { setStatus } from './rollout.ts';
import { getObject, KINDS, timestamp, touch } from '../objects/store.ts';

const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget.";

interface Eviction {
  metadata?: { name?: string; namespace?: string };
  deleteOptions?: DeleteOptions;
}

/** Returns why a budget allows no disruption. Before version 1.35 the counts were the only reason. */
const refusalOf = ({ metadata: { name }, status }: Budget, version: string): string => {
  const counts = `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`;
  if (!isSince(version, '1.35')) return counts;
  const condition = status.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const message = (condition?.status === 'False' && condition.message) || '';
  const prefix = `The disruption budget ${name} does not allow evicting pods currently`;
  if (message !== '' && condition?.reason === 'SyncFailed') return `${prefix} because it failed sync: ${message}`;
  if (status.currentHealthy <= status.desiredHealthy) return counts;
  return message === '' ? prefix : `${prefix} (${condition?.reason ?? ''}): ${message}`;
};

/** Uses one of the disruptions that the budget allows, or throws the 429. */
const spend = ({ world, cluster }: ControlPlane, budget: Budget, pod: Pod, dryRun: boolean): void => {
  const { metadata, status } = budget;
  const { name } = metadata;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) {
    throw tooManyRequests(VIOLATES, 10, [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ]);
  }
  if (status.disruptionsAllowed <= 0)
    throw tooManyRequests(VIOLATES, 0, [{ reason: 'DisruptionBudget', message: refusalOf(budget, cluster.version) }]);
  if (dryRun) return;
  const at = world.schedule.now();
  const disruptionsAllowed = status.disruptionsAllowed - 1;
  setStatus(
    cluster.kube,
    budget,
    {
      ...status,
      disruptionsAllowed,
      disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timestamp(at) },
      conditions: [disruptionCondition(budget, at, disruptionsAllowed)],
    },
    at,
  );
};

/**
 * Returns whether a pod can be evicted without using the budget: a running pod that is not ready, such as on a lost
 * node, either always or while enough other pods are healthy (Kubernetes documentation, "Unhealthy Pod Eviction
 * Policy").
 */
const isFree = ({ spec, status }: Budget, pod: Pod): boolean => {
  if (isReady(pod)) return false;
  const { currentHealthy, desiredHealthy } = status;
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (desiredHealthy > 0 && currentHealthy >= desiredHealthy);
};

/** Returns the options of the deletion; the query of the request can make it a dry run too. */
const deletionOf = ({ deleteOptions }: Eviction, dryRunQuery: readonly string[]): DeleteOptions => {
  const own = deleteOptions?.dryRun ?? [];
  if (own.length > 0 && dryRunQuery.length > 0 && !isDeepStrictEqual(own, dryRunQuery))
    throw new Refusal(
      500,
      '',
      `Non-matching dry-run options in request and content: [${dryRunQuery.join(' ')}] and [${own.join(' ')}]`,
    );
  const dryRun = own.length > 0 ? own : dryRunQuery;
  return { ...deleteOptions, ...(dryRun.length > 0 ? { dryRun: [...dryRun] } : {}) };
};

const DISRUPTED = 'DisruptionTarget';

/** Throws the refusal if a pod's budget does not allow its eviction, and uses the budget otherwise. */
const useBudget = (plane: ControlPlane, pod: Pod, dryRun: boolean): void => {
  const budgets = budgetsOf(plane, pod);
  if (budgets.length > 1)
    throw new Refusal(
      500,
      '',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const [budget] = budgets;
  if (budget && !isFree(budget, pod)) spend(plane, budget, pod, dryRun);
};

/** Evicts a pod. `body`: the Eviction; `dryRunQuery`: values of the query parameter. */
export const evictPod = (
  plane: ControlPlane,
  { namespace, name }: { namespace: string; name: string },
  body: Record<string, unknown>,
  dryRunQuery: readonly string[],
): HttpResponse => {
  const eviction = body as Eviction;
  if (eviction.metadata?.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const options = deletionOf(eviction, dryRunQuery);
  const pod = getObject(plane.cluster.kube, 'Pod', namespace, name);
  if (!pod) throw notFound(KINDS.Pod, name);
  const { dryRun } = options;
  // Budgets do not protect pods that are not running yet or are already terminating.
  if (isActive(pod) && pod.status.phase !== 'Pending') useBudget(plane, pod, dryRun !== undefined);
  checkPreconditions(KINDS.Pod, pod, options);
  checkDeleteOptions(options, plane.cluster.version);
  if (dryRun === undefined && !pod.status.conditions.some(({ type }) => type === DISRUPTED)) {
    pod.status.conditions.push({
      type: DISRUPTED,
      status: 'True',
      lastTransitionTime: timestamp(plane.world.schedule.now()),
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
    touch(plane.cluster.kube, pod);
  }
  endPod(plane, pod, options);
  return success(201);
};
