/**
 * A rollback as an operation: requested, under way, over or refused. A migration has one at a time; the record keeps the
 * last one. While it is under way the migration's outcome and its time of end stand for what was before.
 */
import { z } from 'zod';
import { correlation } from './correlation.ts';
import { reason, requestedBy } from './names.ts';
import { failure, type Failure, outcome, type Outcome, status as statusSchema, type Status } from './outcome.ts';
import { shownText } from './text.ts';

export const rollback = z.object({
  /** Unique among the rollbacks of all migrations: the name of the execution that was started for it. */
  id: z.string(),
  /**
   * `requested`: accepted, and not begun. `running`: it puts back what was there. `refused`: it was not begun, nothing
   * was changed, and the migration is as it was before.
   */
  state: z.enum(['requested', 'running', 'ended', 'refused']),
  /**
   * `requested`: a principal asked for it. `cancelled`: the migration was asked to stop. `failed`: a step of the
   * migration failed. `stopped`: its execution stopped before its end was recorded.
   */
  cause: z.enum(['requested', 'cancelled', 'failed', 'stopped']),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
  /** Of the request that it was accepted by. */
  correlation: correlation.optional(),
  /** The outcome that the migration had before, where it was over. */
  after: outcome.optional(),
  /** Whoever asked accepts that pods may be without credentials until they are replaced. */
  acceptCredentialGap: z.boolean().optional(),
  /** When it was requested, or begun where nobody asked for it. */
  startedAt: z.string(),
  endedAt: z.string().optional(),
  /** The execution that carries it out, or is to. */
  executionArn: z.string().optional(),
  /** How it ended. */
  outcome: outcome.optional(),
  /** Why it was refused, or what it could not do. */
  error: failure.optional(),
  /** What to do next, where something is to be done. */
  next: shownText.optional(),
});
export type Rollback = z.infer<typeof rollback>;

/** Who took a migration over whose execution stopped before its end was recorded. */
export const recovery = z.object({ startedAt: z.string(), executionArn: z.string(), cause: z.literal('stranded') });
export type Recovery = z.infer<typeof recovery>;

/** What of a record says how its rollback stands. */
export const rollbackStanding = z.object({ status: statusSchema, rollback: rollback.optional() });
export type RollbackStanding = z.infer<typeof rollbackStanding>;
interface Standing {
  status: Status;
  rollback?: Rollback | undefined;
}

/** The rollback that was requested and is not begun; undefined where there is none. */
export const requestedRollback = ({ status, rollback: one }: Standing): Rollback | undefined =>
  status === 'rolling-back' && one?.state === 'requested' ? one : undefined;

/** Returns the record as it was before a rollback that is not begun: nothing was changed by it. */
export const asBeforeRequest = <Record extends Standing>(record: Record): Record =>
  requestedRollback(record) ? { ...record, status: 'ended', rollback: undefined } : record;

/** Whether it still changes something, or will. */
export const isOpen = ({ status }: Pick<Standing, 'status'>): boolean => status !== 'ended';

const NEXT: Partial<Record<Outcome, (migrationId: string) => string>> = {
  'needs-human': (migrationId) =>
    `Run the commands of the hand-off, then roll back again: pod-identity show ${migrationId}`,
};

/** Returns the rollback of a migration that has come to an end; undefined where none was under way. */
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
