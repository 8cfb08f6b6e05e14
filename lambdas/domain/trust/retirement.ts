/**
 * A retirement of the OIDC trust as an operation: requested, under way, over or refused. A migration has one at a time;
 * its record keeps the last one. What was written into trust policies, and may be put back, is noted apart
 * (`trustRetirement`).
 */
import { z } from 'zod';
import { check } from '../migration/check.ts';
import { acceptedUnder } from '../migration/correlation.ts';
import { reason, requestedBy } from '../text/names.ts';
import { failure, type Failure } from '../migration/outcome.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

/** What became, or would become, of one role's trust policy. */
export const retiredRole = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    result: z
      .enum(['removed', 'would-remove', 'put-back', 'would-put-back', 'nothing', 'refused'])
      .describe('What became of its OIDC statement, or would become of it in a dry run.'),
    why: shownText.optional().describe('Why nothing is changed. Absent if something is, or would be.'),
    before: z.string().optional().describe('Trust policy before, as JSON text. Absent if it does not change.'),
    after: z.string().optional().describe('Trust policy after, as JSON text. Absent if it does not change.'),
  })
  .register(schemaNames, { name: 'RetiredRole' });
export type RetiredRole = z.infer<typeof retiredRole>;

/** `retire` takes the OIDC statement out, `reinstate` puts back what `retire` took out. */
export const retirementAction = z.enum(['retire', 'reinstate']);
/** Days that have to pass after the end of the migration before its way back may be taken away. */
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
        'State of the retirement. `requested`: accepted, not begun. `running`: it reads, waits for a lock, or writes. `refused`: something stood in the way, and nothing was changed.',
      ),
    action: retirementAction.describe('`retire` removes the OIDC statement. `reinstate` puts it back.'),
    dryRun: z.boolean().describe('True if it only shows the checks and the change.'),
    soakDays: soakDays.describe('Days that must have passed since the migration ended.'),
    requestedBy: requestedBy.optional().describe('Who requested it.'),
    reason: reason.optional().describe('Why, in the words of whoever requested it.'),
    correlation: acceptedUnder,
    startedAt: time.describe('When it was requested, or when its execution was started if no one requested it.'),
    endedAt: time.optional().describe('When it ended. Absent until then.'),
    executionArn: z.string().optional().describe('ARN of the Step Functions execution that carries it out.'),
    done: z.boolean().optional().describe('Whether it changed a trust policy. Absent until it has ended.'),
    checks: z.array(check).optional().describe('What it checked, and what it found. Absent until then.'),
    roles: z.array(retiredRole).optional().describe('What became, or would become, of each role. Absent until then.'),
    error: failure
      .optional()
      .describe('Why it was refused, or what it could not do. While it is running, what it tries again after.'),
    next: shownText.optional().describe('What to do next. Absent if nothing is left to do.'),
  })
  .register(schemaNames, { name: 'Retirement' });
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
