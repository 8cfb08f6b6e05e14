/** Measures the disruption of a migration, from the counts of ready pods that the sandbox keeps. */
import { WORKLOAD_KINDS } from '../lambdas/domain/kubernetes/objects.ts';
import type { Disruption, Migration } from '../lambdas/domain/record/migration.ts';
import type { PlannedAssociation } from '../lambdas/domain/terms/planned.ts';
import type { KubeState } from '../sandbox/objects/kube-state.ts';
import { listObjects } from '../sandbox/objects/store.ts';
import { type ClusterState, findCluster, type World } from '../sandbox/world/world.ts';

/** The number of ready pods of a workload from `at` (milliseconds since 1970). */
export type ReadyCount = Pick<KubeState['readyHistory'][number], 'at' | 'namespace' | 'kind' | 'workload' | 'ready'>;

const keyOf = ({ namespace, kind, workload }: Pick<ReadyCount, 'namespace' | 'kind' | 'workload'>): string =>
  `${kind} ${namespace}/${workload}`;

/**
 * Returns, for one period (milliseconds since 1970) and the workloads of `history`, the seconds in which one of them had
 * no ready pod, and the lowest count of any of them. Excludes workloads without a ready pod at the beginning; returns
 * undefined if none is left. `history` is in chronological order.
 */
export const disruptionOf = (
  history: readonly ReadyCount[],
  { from, to }: { from: number; to: number },
): Omit<Disruption, 'simulated'> | undefined => {
  const ready = new Map<string, number>();
  for (const entry of history) if (entry.at <= from) ready.set(keyOf(entry), entry.ready);
  for (const [key, count] of ready) if (count === 0) ready.delete(key);
  if (ready.size === 0) return undefined;

  let lowest = Math.min(...ready.values());
  let unavailable = 0;
  let since = from;
  const pass = (at: number): void => {
    if ([...ready.values()].includes(0)) unavailable += at - since;
    since = at;
  };
  for (const entry of history) {
    if (entry.at <= from || entry.at > to || !ready.has(keyOf(entry))) continue;
    pass(entry.at);
    ready.set(keyOf(entry), entry.ready);
    lowest = Math.min(lowest, entry.ready);
  }
  pass(to);
  return { controllerUnavailableSeconds: Math.round(unavailable / 100) / 10, minReadyPods: lowest };
};

interface ServedAccount {
  workload: string;
  namespace: string;
  serviceAccount: string;
}

const workloadsIn = ({ kube }: ClusterState): ServedAccount[] =>
  WORKLOAD_KINDS.flatMap((kind) =>
    listObjects(kube, kind).map(({ metadata: { name, namespace = '' }, spec: { template } }) => ({
      workload: keyOf({ namespace, kind, workload: name }),
      namespace,
      serviceAccount: template.spec.serviceAccountName ?? 'default',
    })),
  );

/** Outcomes of migrations that began a change. */
const BEGUN: readonly Migration['outcome'][] = ['migrated', 'rolled-back', 'needs-human'];

const uses = (planned: readonly PlannedAssociation[], one: ServedAccount): boolean =>
  planned.some(({ namespace, serviceAccount }) => namespace === one.namespace && serviceAccount === one.serviceAccount);

/**
 * Returns the function that measures an ended migration. Must be called before anything changes in the world, so that
 * it knows workloads that are gone at the end.
 */
export const watchDisruption = (world: World): ((migration: Migration) => Disruption | undefined) => {
  const clusters = [...world.accounts.values()].flatMap((account) => [...account.clusters.values()]);
  const first = new Map(clusters.map((cluster) => [cluster, workloadsIn(cluster)]));
  return ({ request: { target }, plan, outcome, startedAt, endedAt }) => {
    const cluster = findCluster(world, target.account, target.region, target.cluster);
    if (!cluster || !plan || !endedAt || !BEGUN.includes(outcome)) return undefined;
    const known = [...(first.get(cluster) ?? []), ...workloadsIn(cluster)];
    const concerned = new Set(known.filter((one) => uses(plan.associations, one)).map(({ workload }) => workload));
    const history = cluster.kube.readyHistory.filter((entry) => concerned.has(keyOf(entry)));
    const measured = disruptionOf(history, { from: Date.parse(startedAt), to: Date.parse(endedAt) });
    return measured && { ...measured, simulated: true };
  };
};
