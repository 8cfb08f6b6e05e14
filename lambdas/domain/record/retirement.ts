/**
 * A retirement of the OIDC trust as an operation: requested, running, ended or refused. A migration has one at a time,
 * and its record keeps the latest. What was written to trust policies, and can be restored, is recorded separately
 * (`trustRetirement`).
 */
import { z } from 'zod';
import { acceptedEntries, acceptWords } from '../acceptance/accept.ts';
import { heldFields } from '../waiting/operations.ts';
import { check } from '../terms/check.ts';
import { acceptedUnder } from '../terms/correlation.ts';
import { reason, requestedBy } from '../text/names.ts';
import { failure, type Failure } from '../terms/outcome.ts';
import { shellCommand } from '../text/shell.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

/** The result for one role's trust policy, or the expected result in a dry run. */
export const retiredRole = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    result: z
      .enum(['removed', 'would-remove', 'restored', 'would-restore', 'nothing', 'refused'])
      .describe('Result for the OIDC statement of the role. In a dry run, the expected result.'),
    why: shownText.optional().describe('Why nothing is changed. Absent if something is, or would be.'),
    before: z.string().optional().describe('Trust policy before, as JSON text. Absent if it does not change.'),
    after: z.string().optional().describe('Trust policy after, as JSON text. Absent if it does not change.'),
  })
  .register(schemaNames, { name: 'RetiredRole' });
export type RetiredRole = z.infer<typeof retiredRole>;

/** `retire` removes the OIDC statement; `reinstate` restores what `retire` removed. */
export const retirementAction = z.enum(['retire', 'reinstate']);
/** Days that must pass after the end of the migration before its rollback to IRSA may become impossible. */
export const soakDays = z.number().int().min(0).max(365);
export const DEFAULT_SOAK_DAYS = 7;

export const retirement = z
  .object({
    id: z
      .string()
      .describe('Id of the retirement, unique among those of all migrations. Its execution has the same name.'),
    state: z
      .enum(['requested', 'running', 'ended', 'refused'])
      .describe(
        'State of the retirement. `requested`: accepted, not begun. `running`: it reads, waits for an approval, a change window or a lock, or writes. `refused`: a check or a lock prevented it, and nothing was changed.',
      ),
    action: retirementAction.describe('`retire` removes the OIDC statement. `reinstate` restores it.'),
    dryRun: z.boolean().describe('True if it only shows the checks and the change.'),
    soakDays: soakDays.describe('Days that must have passed since the migration ended.'),
    accept: acceptedEntries
      .optional()
      .describe('What must not prevent it, as `KIND:NAME`. Absent if there is nothing.'),
    requestedBy: requestedBy.optional().describe('Who requested it.'),
    reason: reason.optional().describe('Reason, as the requester gave it.'),
    ...heldFields,
    correlation: acceptedUnder,
    startedAt: time.describe('When it was requested, or when its execution was started if no one requested it.'),
    endedAt: time.optional().describe('When it ended. Absent until then.'),
    executionArn: z.string().optional().describe('ARN of the Step Functions execution that carries it out.'),
    done: z.boolean().optional().describe('Whether it changed a trust policy. Absent until it has ended.'),
    checks: z
      .array(check)
      .optional()
      .describe(
        'Checks that it made, with their results. Absent until it waits for an approval or a window, or has ended.',
      ),
    roles: z
      .array(retiredRole)
      .optional()
      .describe(
        'Result for each role. In a dry run, or while it waits, the expected result. Absent until it waits for an approval or a window, or has ended.',
      ),
    error: failure
      .optional()
      .describe('Why it was refused or failed. While it is running, the error after which it retries.'),
    next: shownText.optional().describe('What to do next. Absent if nothing is left to do.'),
  })
  .register(schemaNames, { name: 'Retirement' });
export type Retirement = z.infer<typeof retirement>;

/** Returns whether, according to the record, the retirement is requested or running. */
export const isOpenRetirement = (one: Pick<Retirement, 'state'> | undefined): boolean =>
  one?.state === 'requested' || one?.state === 'running';

/** Errors that end a retirement before it has changed anything. */
export const RETIREMENT_REFUSALS: readonly string[] = ['RetireRefused', 'LockHeld', 'RoleLockHeld'];

/** Returns the command that only makes the checks of a retirement, with what it accepts. */
export const checkCommand = (
  migrationId: string,
  { action, accept = [] }: Pick<Retirement, 'action' | 'accept'>,
): string =>
  shellCommand(
    ['pod-identity', 'retire', migrationId],
    action === 'reinstate' ? ['--undo'] : undefined,
    acceptWords(accept),
  );

const nextOf = (migrationId: string, state: 'ended' | 'refused', one: Retirement): string =>
  state === 'refused'
    ? `To see every check, without a change: ${checkCommand(migrationId, one)}`
    : 'Request it again. It reads the current state first, and continues from there.';

/** Returns the retirement once it no longer waits for an approval or a window. */
export const withoutWait = ({ waitingFor: _waitingFor, ...one }: Retirement): Retirement => one;

/** Returns the retirement as ended or refused because of the error. */
export function failedRetirement(
  migrationId: string,
  one: Retirement,
  { error, endedAt }: { error: Failure; endedAt: string },
): Retirement {
  const state = RETIREMENT_REFUSALS.includes(error.name) ? 'refused' : 'ended';
  return { ...withoutWait(one), state, endedAt, error, next: nextOf(migrationId, state, one) };
}

/** Returns the retirement as refused, for one that waited in vain and has changed nothing. */
export const refusedRetirement = (
  migrationId: string,
  one: Retirement,
  { error, endedAt }: { error: Failure; endedAt: string },
): Retirement => ({
  ...withoutWait(one),
  state: 'refused',
  endedAt,
  error,
  next: nextOf(migrationId, 'refused', one),
});

/** Returns the retirement as ended, for one that did not record its end although its execution has stopped. */
export function strandedRetirement(
  migrationId: string,
  one: Retirement,
  execution: { status: string; stoppedAt?: string | undefined } | undefined,
  now: string,
): Retirement {
  const endedAt = execution?.stoppedAt ?? now;
  // What waits has written nothing yet.
  const ends = one.waitingFor ? refusedRetirement : failedRetirement;
  const error = one.error ?? {
    name: 'ExecutionStopped',
    message: `Execution ${one.executionArn ?? one.id} ${execution ? `is ${execution.status}` : 'is not known to Step Functions'}, and it did not record how it ended. Trust policy changes that it may have made are listed under retirements.`,
  };
  return ends(migrationId, one, { error, endedAt });
}
