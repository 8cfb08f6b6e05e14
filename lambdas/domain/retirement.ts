/**
 * A retirement of the OIDC trust as an operation: requested, under way, over or refused. A migration has one at a time;
 * its record keeps the last one. What was written into trust policies, and may be put back, is noted apart
 * (`trustRetirement`).
 */
import { z } from 'zod';
import { check } from './check.ts';
import { correlation } from './correlation.ts';
import { reason, requestedBy } from './names.ts';
import { failure, type Failure } from './outcome.ts';
import { shownText } from './text.ts';

/** What became, or would become, of one role's trust policy. */
export const retiredRole = z.object({
  roleArn: z.string(),
  result: z.enum(['removed', 'would-remove', 'put-back', 'would-put-back', 'nothing', 'refused']),
  /** There for `nothing` and `refused`. */
  why: shownText.optional(),
  /** The trust policy before and after, JSON text; there where it changes, or would. */
  before: z.string().optional(),
  after: z.string().optional(),
});
export type RetiredRole = z.infer<typeof retiredRole>;

/** `retire` takes the OIDC statement out, `reinstate` puts back what `retire` took out. */
export const retirementAction = z.enum(['retire', 'reinstate']);
/** Days that have to pass after the end of the migration before its way back may be taken away. */
export const soakDays = z.number().int().min(0).max(365);
export const DEFAULT_SOAK_DAYS = 7;

export const retirement = z.object({
  /** Name of the execution that was started for it: unique among the retirements of all migrations. */
  id: z.string(),
  /**
   * `requested`: accepted, and not begun. `running`: its execution looks, waits for a lock, or writes. `refused`:
   * something stood in the way, and nothing was changed.
   */
  state: z.enum(['requested', 'running', 'ended', 'refused']),
  action: retirementAction,
  dryRun: z.boolean(),
  soakDays,
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
  /** Of the request that it was accepted by. */
  correlation: correlation.optional(),
  /** When it was requested; where its execution was started otherwise, when that was. */
  startedAt: z.string(),
  endedAt: z.string().optional(),
  /** The execution that carries it out, or is to. */
  executionArn: z.string().optional(),
  /** Whether it has changed a trust policy; there once it has ended. */
  done: z.boolean().optional(),
  /** What it found, and what became, or would become, of each role. */
  checks: z.array(check).optional(),
  roles: z.array(retiredRole).optional(),
  /** Why it was refused, or what it could not do; of one that is running, what it tries again after. */
  error: failure.optional(),
  /** What to do next, where something is to be done. */
  next: shownText.optional(),
});
export type Retirement = z.infer<typeof retirement>;

/** Whether it is still to be carried out, or under way, as far as the record says. */
export const isOpenRetirement = (one: Pick<Retirement, 'state'> | undefined): boolean =>
  one?.state === 'requested' || one?.state === 'running';

/** Errors before which nothing was changed, and that say what stood in the way. */
export const RETIREMENT_REFUSALS: readonly string[] = ['RetireRefused', 'LockHeld', 'RoleLockHeld'];

const nextOf = (migrationId: string, state: 'ended' | 'refused', action: Retirement['action']): string =>
  state === 'refused'
    ? `To see every check, without a change: pod-identity retire ${migrationId}${action === 'reinstate' ? ' --undo' : ''}`
    : 'Ask for it again: it looks first, and goes on from what it finds.';

/** Returns the retirement as it ended by that error. */
export function failedRetirement(
  migrationId: string,
  one: Retirement,
  { error, endedAt }: { error: Failure; endedAt: string },
): Retirement {
  const state = RETIREMENT_REFUSALS.includes(error.name) ? 'refused' : 'ended';
  return { ...one, state, endedAt, error, next: nextOf(migrationId, state, one.action) };
}

/** Returns the retirement as over, although it did not note its end: its execution, now of that status, says so. */
export function strandedRetirement(
  migrationId: string,
  one: Retirement,
  execution: { status: string; stoppedAt?: string | undefined } | undefined,
  now: string,
): Retirement {
  const error = one.error ?? {
    name: 'ExecutionStopped',
    message: `Execution ${one.executionArn ?? one.id} ${execution ? `is ${execution.status}` : 'is not known to Step Functions'}, and it has not noted how it ended. What it may have written is noted under retirements.`,
  };
  return failedRetirement(migrationId, one, { error, endedAt: execution?.stoppedAt ?? now });
}
