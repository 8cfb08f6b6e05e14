/**
 * POST pods/NAME/eviction: a deletion that checks the pod's budget first (k8s.io/kubernetes,
 * registry/core/pod/storage/eviction.go).
 */
import { z } from 'zod';
import type { HttpResponse } from '../http.ts';
import { badRequest, Refusal, success, tooManyRequests } from './answers.ts';
import { budgetsOf, disruptionCondition } from './budgets.ts';
import { deletePod } from './controllers.ts';
import type { Budget, Pod } from './objects.ts';
import { isActive, isReady } from './pods.ts';
import type { ControlPlane } from './pods.ts';
import { setStatus } from './rollout.ts';
import { timestamp, touch } from './store.ts';

const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget.";

const eviction = z.looseObject({
  kind: z.literal('Eviction').optional(),
  apiVersion: z.literal('policy/v1').optional(),
  metadata: z.looseObject({ name: z.string().optional() }).optional(),
  deleteOptions: z
    .looseObject({
      gracePeriodSeconds: z.number().int().min(0).nullish(),
      dryRun: z.array(z.string()).nullish(),
      preconditions: z.looseObject({ uid: z.string().nullish() }).nullish(),
    })
    .nullish(),
});

/** Uses one of the disruptions that the budget allows, or throws the 429. */
const spend = ({ world, cluster }: ControlPlane, budget: Budget, pod: Pod, dryRun: boolean): void => {
  const { metadata, status } = budget;
  const { name } = metadata;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1)) {
    throw tooManyRequests(VIOLATES, 10, [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ]);
  }
  if (status.disruptionsAllowed <= 0) {
    const message = `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`;
    throw tooManyRequests(VIOLATES, 0, [{ reason: 'DisruptionBudget', message }]);
  }
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

/** Evicts a pod. `body`: the Eviction; members that it leaves out come from the path. */
export const evictPod = (plane: ControlPlane, pod: Pod, body: unknown, dryRunQuery: boolean): HttpResponse => {
  const parsed = eviction.safeParse(body);
  if (!parsed.success)
    throw badRequest(
      `invalid Eviction: ${parsed.error.issues[0]?.path.join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? 'not valid'}`,
    );
  const { metadata, deleteOptions } = parsed.data;
  const { name, namespace = '', uid } = pod.metadata;
  if (metadata?.name && metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const wanted = deleteOptions?.preconditions?.uid;
  if (wanted && wanted !== uid)
    throw new Refusal(
      409,
      'Conflict',
      `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`,
      { name, kind: 'pods' },
    );

  const dryRun = dryRunQuery || (deleteOptions?.dryRun?.includes('All') ?? false);
  const budgets = budgetsOf(plane, pod);
  const [budget] = budgets;
  // Budgets do not protect pods that are not running yet or are already terminating.
  if (budget && isActive(pod) && pod.status.phase !== 'Pending') {
    if (budgets.length > 1)
      throw new Refusal(
        500,
        'InternalError',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
    if (!isFree(budget, pod)) spend(plane, budget, pod, dryRun);
  }
  if (!dryRun) {
    const at = plane.world.schedule.now();
    pod.status.conditions.push({
      type: 'DisruptionTarget',
      status: 'True',
      lastTransitionTime: timestamp(at),
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
    touch(plane.cluster.kube, pod);
    deletePod(plane.world, plane.cluster, { namespace, name }, deleteOptions?.gracePeriodSeconds ?? undefined);
  }
  return success(201);
};
