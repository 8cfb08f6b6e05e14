/**
 * What takes time without failing: large and slow workloads, outages that end, lost nodes, autoscalers, budgets, clocks
 * that differ. A run's spec defines it; the seeds draw it on request.
 */
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import { renewSessionsOf } from '../../sandbox/credentials/sessions.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { afterCall } from './actor.ts';
import type { FaultSpec, TimeSpec } from './spec.ts';

type Request = Omit<MigrationRequestInput, 'target'>;
type Workload = ScenarioCluster['workloads'][number];

/** Returns the workload of a request as the scenario describes it. */
export interface Concerned {
  kind: Workload['kind'];
  namespace: string;
  name: string;
  labels: Record<string, string>;
}

export const workloadsOf = (cluster: ScenarioCluster, { serviceAccount }: Request): Workload[] =>
  cluster.workloads.filter(
    (one) => one.namespace === serviceAccount?.namespace && one.serviceAccount === serviceAccount.name,
  );

export const concerned = (cluster: ScenarioCluster, request: Request): Concerned[] => {
  if (request.serviceAccount)
    return workloadsOf(cluster, request).map(({ kind, namespace, name, labels }) => ({
      kind,
      namespace,
      name,
      labels: labels ?? { 'app.kubernetes.io/name': name },
    }));
  const objects = loadCatalogue().get(request.addon ?? '')?.objects;
  const addon = cluster.addons.find(({ name }) => name === request.addon);
  return (objects?.workloads ?? []).map(({ kind, name, labels }) => ({
    kind,
    namespace: addon?.namespace ?? objects?.namespace ?? '',
    name,
    labels,
  }));
};

/** Sets the number of pods and nodes, and how long pods take to become ready. */
export const resize = (
  cluster: ScenarioCluster,
  request: Request,
  { nodes, replicas, readySeconds }: TimeSpec,
): void => {
  if (nodes !== undefined && typeof cluster.nodes === 'number') cluster.nodes = nodes;
  const settings = {
    ...(replicas === undefined ? {} : { replicas }),
    ...(readySeconds === undefined ? {} : { readySeconds }),
  };
  for (const one of workloadsOf(cluster, request))
    Object.assign(one, one.kind === 'DaemonSet' ? { ...settings, replicas: undefined } : settings);
  for (const addon of cluster.addons) if (addon.name === request.addon) Object.assign(addon, settings);
};

const budgetsOf = (all: readonly Concerned[], budget: NonNullable<TimeSpec['budget']>) =>
  all
    .filter(({ kind }) => kind !== 'DaemonSet')
    .map(({ namespace, name, labels }) => ({
      namespace,
      name,
      labels,
      ...(budget === 'none-may-go' ? { minAvailable: '100%' } : { maxUnavailable: 1 }),
    }));

const autoscalersOf = (all: readonly Concerned[], autoscaler: NonNullable<TimeSpec['autoscaler']>) =>
  all.flatMap(({ kind, namespace, name }) => (kind === 'DaemonSet' ? [] : [{ kind, namespace, name, ...autoscaler }]));

/** Returns the scenario as the spec changes it. */
export const withTime = (scenario: Scenario, requests: readonly Request[], time: TimeSpec | undefined): Scenario => {
  if (!time) return scenario;
  for (const cluster of scenario.accounts.flatMap(({ clusters }) => clusters)) {
    for (const request of requests) {
      resize(cluster, request, time);
      const all = concerned(cluster, request);
      if (time.budget) cluster.disruptionBudgets.push(...budgetsOf(all, time.budget));
      if (time.autoscaler) cluster.autoscalers.push(...autoscalersOf(all, time.autoscaler));
    }
    cluster.nodeLosses.push(...(time.losses ?? []).map((loss) => ({ nodes: 1, ...loss })));
  }
  return scenario;
};

/**
 * Starts an outage of EKS Auth, or of STS for pods, once the n-th call has been answered: the calls of pods are not
 * counted.
 */
export const prepareOutages = (sandbox: Sandbox, faults: readonly FaultSpec[]): void => {
  const { world } = sandbox;
  const openedAt = world.schedule.now();
  for (const { service, kind, call, seconds } of faults) {
    if (service !== 'eks-auth' || seconds === undefined) continue;
    afterCall(sandbox, call, async () => {
      renewSessionsOf(world);
      world.faults.add({ service, kind, seconds, after: (world.schedule.now() - openedAt) / 1000 });
    });
  }
};
