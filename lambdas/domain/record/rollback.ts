/**
 * A rollback as an operation: requested, running, ended or refused. A migration has one rollback at a time, and the
 * record
 * keeps the last one. While it runs, the migration's outcome and end time are those before the rollback.
 */
import { z } from 'zod';
import { acceptedEntries } from '../acceptance/accept.ts';
import { acceptedUnder } from '../terms/correlation.ts';
import { reason, requestedBy } from '../text/names.ts';
import { failure, type Failure, outcome, type Outcome, status as statusSchema, type Status } from '../terms/outcome.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

export const rollback = z
  .object({
    id: z
      .string()
      .describe('Id of the rollback, unique among the rollbacks of all migrations. Its execution has the same name.'),
    state: z
      .enum(['requested', 'running', 'ended', 'refused'])
      .describe(
        'State of the rollback. `requested`: accepted, not started. `running`: it restores the previous state. `refused`: not started, and nothing was changed.',
      ),
    cause: z
      .enum(['requested', 'cancelled', 'failed', 'stopped'])
      .describe(
        'Why it rolls back. `requested`: by a principal. `cancelled`: the migration was cancelled. `failed`: a step failed. `stopped`: the execution stopped before its end was recorded.',
      ),
    requestedBy: requestedBy
      .optional()
      .describe('ARN of the principal that requested it. Absent if the migration rolled back automatically.'),
    reason: reason.optional().describe('Reason, as stated by the principal that requested it.'),
    correlation: acceptedUnder,
    after: outcome
      .optional()
      .describe('Outcome that the migration had before the rollback. Absent if it had not ended.'),
    accept: acceptedEntries
      .optional()
      .describe('What the request accepts, as `KIND:NAME`: `credential-gap`. Absent if it accepts nothing.'),
    startedAt: time.describe('When the rollback was requested, or when it began if no one requested it.'),
    endedAt: time.optional().describe('When the rollback ended. Absent until then.'),
    executionArn: z.string().optional().describe('ARN of the Step Functions execution that carries it out.'),
    outcome: outcome.optional().describe('How the rollback ended: `rolled-back` or `needs-human`.'),
    error: failure.optional().describe('Why it was refused, or what it could not restore.'),
    next: shownText.optional().describe('What to do next. Absent if nothing is left to do.'),
  })
  .register(schemaNames, { name: 'Rollback' });
export type Rollback = z.infer<typeof rollback>;

/** The recovery of a migration whose execution stopped before its end was recorded. */
export const recovery = z
  .object({
    startedAt: time.describe('When the service took the migration over.'),
    executionArn: z.string().describe('ARN of the Step Functions execution that took it over.'),
    cause: z.literal('stranded').describe('`stranded`: the execution of the migration stopped before its end.'),
  })
  .register(schemaNames, { name: 'Recovery' });
export type Recovery = z.infer<typeof recovery>;

/** The part of a record with the state of its rollback. */
const rollbackStanding = z.object({ status: statusSchema, rollback: rollback.optional() });
export type RollbackStanding = z.infer<typeof rollbackStanding>;

/** Returns the part of a record with the state of its rollback. */
export const rollbackStandingOf = ({ status, rollback: one }: RollbackStanding): RollbackStanding => ({
  status,
  ...(one ? { rollback: one } : {}),
});

interface Standing {
  status: Status;
  rollback?: Rollback | undefined;
}

/** Returns the rollback that was requested and has not started; `undefined` if there is none. */
export const requestedRollback = ({ status, rollback: one }: Standing): Rollback | undefined =>
  status === 'rolling-back' && one?.state === 'requested' ? one : undefined;

/** Returns the record as it was before a rollback that has not started, and has changed nothing. */
export const asBeforeRequest = <Record extends Standing>(record: Record): Record =>
  requestedRollback(record) ? { ...record, status: 'ended', rollback: undefined } : record;

/** Returns whether a migration still changes something, or will. */
export const isOpen = ({ status }: Pick<Standing, 'status'>): boolean => status !== 'ended';

const NEXT: Partial<Record<Outcome, (migrationId: string) => string>> = {
  'needs-human': (migrationId) =>
    `Run the restore commands, then roll back again: pod-identity show ${migrationId} --deployed`,
};

/** Returns the rollback of a migration that has ended; `undefined` if none was running. */
export function endedRollback(
  { migrationId, rollback: one }: { migrationId: string; rollback?: Rollback | undefined },
  end: { outcome: Outcome; endedAt: string; failure?: Failure | undefined },
): Rollback | undefined {
  if (one?.state !== 'running') return undefined;
  const next = NEXT[end.outcome]?.(migrationId);
  return {
    ...one,
    state: 'ended',
    outcome: end.outcome,
    endedAt: end.endedAt,
    ...(end.outcome !== 'rolled-back' && end.failure ? { error: end.failure } : {}),
    ...(next === undefined ? {} : { next }),
  };
}
