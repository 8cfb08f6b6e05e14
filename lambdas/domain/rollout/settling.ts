/**
 * How long pods are observed after their rollout, before they count as stable. A container that is restarted by its
 * liveness probe, or that ends because it gets no credentials, does so within this time if it does so at every start.
 */
import type { Workload } from '../kubernetes/objects.ts';

/** Long enough for three restarts of a container that ends at once: the kubelet waits 10, 20 and 40 seconds. */
export const LEAST_SETTLE_SECONDS = 60;
/** The longest delay of the kubelet before a restart. Longer probes would make each migration wait for rare cases. */
export const MOST_SETTLE_SECONDS = 300;

/**
 * The number of times that pods are observed in an attempt. The second time shows whether restarts happen again, the third
 * allows for one more event that has nothing to do with the migration, such as an eviction. After that the migration ends
 * with the level that was reached.
 */
export const MAX_SETTLINGS = 3;

/** Returns the seconds until a liveness probe that fails from the beginning restarts its container. */
const livenessSeconds = ({ containers }: Pick<Workload, 'containers'>): number =>
  Math.max(0, ...containers.map(({ liveness }) => (liveness ? liveness.periodSeconds * liveness.failureThreshold : 0)));

/** Returns the seconds for which the pods of these workloads are observed. */
export function settleSeconds(workloads: readonly Pick<Workload, 'containers' | 'rollout'>[]): number {
  const each = workloads.map((workload) => Math.max(workload.rollout?.minReadySeconds ?? 0, livenessSeconds(workload)));
  return Math.min(MOST_SETTLE_SECONDS, Math.ceil(Math.max(LEAST_SETTLE_SECONDS, ...each)));
}
