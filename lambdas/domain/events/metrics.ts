/**
 * The metrics that the Lambdas emit for the dashboard and the alarms (`lib/operations`). Their names are defined in one
 * file, so that no alarm watches a metric that is never emitted.
 */
import type { ErrorName } from '../failures/errors.ts';
import { type Outcome, OUTCOMES } from '../terms/outcome.ts';
import { sweepOutcome, type SweepOutcome } from '../sweep/model.ts';

export const METRICS_NAMESPACE = 'PodIdentityMigrator';
export const METRICS_SERVICE = 'pod-identity-migrator';

export const outcomeMetric = <One extends Outcome>(outcome: One): `outcome-${One}` => `outcome-${outcome}`;
export const sweepMetric = <One extends SweepOutcome>(outcome: One): `sweep-${One}` => `sweep-${outcome}`;
/** Counts errors without a name of this service: a defect, or an unforeseen condition. */
export const UNEXPECTED_ERROR = 'unexpected-error';
/** Counts steps that failed because AWS or an API server throttled a call. */
export const THROTTLED_CALL = 'throttled-call';
/** Counts every throttled call, including those that the step itself repeats. */
export const REFUSED_CALL = 'refused-call';
/** Seconds that a call waited for its turn in the shared pace. */
export const PACED_SECONDS = 'paced-seconds';
/** Invocations that could not reserve calls of the shared pace, and called without it. */
export const UNPACED = 'unpaced';
/**
 * Locks that are held and not parked, counted at each run of find-stranded. 0 is sent too: no value means no run.
 */
export const LOCKS_HELD = 'locks-held';
/** The age of the oldest of these locks, in seconds. */
export const OLDEST_LOCK = 'oldest-lock';
/** Migrations that hold a lock although their execution is no longer running. */
export const STRANDED = 'stranded';
/** Pending approvals, counted at each run of publish-events. 0 is sent too: no value means no run. */
export const APPROVALS_PENDING = 'approvals-pending';
/** The age of the oldest pending approval, in seconds. */
export const OLDEST_APPROVAL = 'oldest-approval';
/** CloudTrail events that were refused because their account is not configured. */
export const DENIAL_REFUSED = 'denial-refused';

/**
 * Metrics of the service as a whole: an alarm can add up at most ten metrics, and there are more steps. All other
 * metrics
 * (each error by its name) have the step as a dimension. Neither the account nor the cluster is a dimension: each value
 * would be a metric to pay for.
 */
export const SERVICE_METRICS: ReadonlySet<string> = new Set<string>([
  ...OUTCOMES.map(outcomeMetric),
  ...sweepOutcome.options.map(sweepMetric),
  UNEXPECTED_ERROR,
  THROTTLED_CALL,
  REFUSED_CALL,
  PACED_SECONDS,
  UNPACED,
  LOCKS_HELD,
  OLDEST_LOCK,
  STRANDED,
  APPROVALS_PENDING,
  OLDEST_APPROVAL,
  DENIAL_REFUSED,
]);

/**
 * Returns the metric that an error counts for in addition to its own name. A poll's "not yet" is not a failure, and an
 * error that a step throws deliberately is reported by the outcome.
 */
export function failureMetric(
  name: string,
  isOurs: boolean,
): typeof UNEXPECTED_ERROR | typeof THROTTLED_CALL | undefined {
  if (!isOurs) return UNEXPECTED_ERROR;
  return name === ('Throttled' satisfies ErrorName) ? THROTTLED_CALL : undefined;
}
