/**
 * What the Lambdas measure for the dashboard and the alarms (`lib/operations`): one place for the names, so that nobody
 * watches what nobody sends.
 */
import type { ErrorName } from '../failures/errors.ts';
import { type Outcome, OUTCOMES } from '../migration/model.ts';
import { sweepOutcome, type SweepOutcome } from '../sweep/model.ts';

export const METRICS_NAMESPACE = 'PodIdentityMigrator';
export const METRICS_SERVICE = 'pod-identity-migrator';

export const outcomeMetric = <One extends Outcome>(outcome: One): `outcome-${One}` => `outcome-${outcome}`;
export const sweepMetric = <One extends SweepOutcome>(outcome: One): `sweep-${One}` => `sweep-${outcome}`;
/** An error without one of our names: a defect, or a surprise. */
export const UNEXPECTED_ERROR = 'unexpected-error';
/** A call that AWS or an API server refused because there were too many. */
export const THROTTLED_CALL = 'throttled-call';
/** The same, each of them: those too that are made again within the step. */
export const REFUSED_CALL = 'refused-call';
/** Seconds that a call waited for its turn in the shared pace. */
export const PACED_SECONDS = 'paced-seconds';
/** Invocations that could not have the shared pace, and called without it. */
export const UNPACED = 'unpaced';
/**
 * Locks that are held and not parked, at each look of find-stranded; 0 is sent too, so that no number means no look.
 */
export const LOCKS_HELD = 'locks-held';
/** Of them, the age of the oldest in seconds. */
export const OLDEST_LOCK = 'oldest-lock';
/** Migrations that hold one though their execution is no longer at work. */
export const STRANDED = 'stranded';
/** Approvals that are waited for, at each look of publish-events; 0 is sent too, as of the locks. */
export const APPROVALS_PENDING = 'approvals-pending';
/** Of them, the age of the oldest in seconds. */
export const OLDEST_APPROVAL = 'oldest-approval';
/** CloudTrail's events of accounts that are not taken. */
export const DENIAL_REFUSED = 'denial-refused';

/**
 * Measured for the service as a whole: an alarm adds up ten metrics at most, and there are more steps. All others (each
 * error by its name) have the step as a dimension. No account and no cluster is one: each value would be a metric to
 * pay for.
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
 * What an error counts as beside its own name; a poll's "not yet" is no failure, and an error that a step means is told
 * of by the outcome.
 */
export function failureMetric(
  name: string,
  isOurs: boolean,
): typeof UNEXPECTED_ERROR | typeof THROTTLED_CALL | undefined {
  if (!isOurs) return UNEXPECTED_ERROR;
  return name === ('Throttled' satisfies ErrorName) ? THROTTLED_CALL : undefined;
}
