/**
 * Handles the rollback of a migration as an operation in its record. A request makes one conditional write before anything
 * is started, so that only one of several simultaneous requests is accepted; Recover begins or refuses it by another write.
 */
import { acceptField } from '../../domain/acceptance/accept.ts';
import type { Correlation } from '../../domain/terms/correlation.ts';
import type { Failure } from '../../domain/terms/outcome.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { nothingToPutBack } from '../../domain/rollback/recovery.ts';
import { isOpen, type Rollback, rollbackStandingOf } from '../../domain/record/rollback.ts';
import type { HandlerDependencies, RollbackAsked } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RollbackWish extends RollbackAsked {
  migrationId: string;
  /** The name of the execution that carries it out, and its ARN. */
  id: string;
  executionArn: string;
  correlation?: Correlation | undefined;
}

/**
 * `replayed`: the same rollback was accepted before. `rolling-back`: another rollback is in progress. `running`: the migration
 * itself is still running. `nothing`: the migration has nothing to restore.
 */
export type RollbackRequested =
  | { rollback: Rollback; replayed: boolean }
  | { refused: 'rolling-back' | 'running' | 'nothing'; why: string };

type Writing = Pick<HandlerDependencies, 'ledger' | 'clock'>;

/** Returns the requested fields, without those that are undefined. */
export const askedOf = ({ requestedBy, reason, accept }: RollbackAsked): Partial<Rollback> => ({
  ...(requestedBy === undefined ? {} : { requestedBy }),
  ...(reason === undefined ? {} : { reason }),
  ...acceptField({ accept }),
});

/** Returns the message that another rollback of the migration is in progress. */
export const inProgressText = ({ migrationId, rollback, recovery }: Migration): string =>
  `Migration ${migrationId} has been rolling back since ${rollback?.startedAt ?? recovery?.startedAt ?? 'a moment ago'}`;

/** Returns why the migration can't be rolled back now, or undefined. */
function refusalOf(record: Migration): Extract<RollbackRequested, { refused: string }> | undefined {
  const { migrationId, status, recovery } = record;
  if (status === 'rolling-back') return { refused: 'rolling-back', why: inProgressText(record) };
  if (isOpen(record))
    return recovery
      ? {
          refused: 'running',
          why: `Recovery of migration ${migrationId} has been in progress since ${recovery.startedAt}`,
        }
      : {
          refused: 'running',
          why: `Migration ${migrationId} is still running. Cancel it instead, which rolls its changes back`,
        };
  const nothing = nothingToPutBack(record);
  return nothing === undefined ? undefined : { refused: 'nothing', why: nothing };
}

/** Requests a rollback. `record` is the record as it was read. A repeated request with the same id gets the same answer. */
export async function requestRollback(
  record: Migration,
  { migrationId, id, executionArn, correlation, ...asked }: RollbackWish,
  { ledger, clock }: Writing,
): Promise<RollbackRequested> {
  let current = record;
  for (;;) {
    if (current.rollback?.id === id) return { rollback: current.rollback, replayed: true };
    const refusal = refusalOf(current);
    if (refusal) return refusal;
    const rollback: Rollback = {
      id,
      state: 'requested',
      cause: 'requested',
      ...askedOf(asked),
      ...(correlation ? { correlation } : {}),
      ...(current.outcome === undefined ? {} : { after: current.outcome }),
      startedAt: utcNow(clock),
      executionArn,
    };
    if (await ledger.changeRollback(migrationId, rollbackStandingOf(current), { status: 'rolling-back', rollback }))
      return { rollback, replayed: false };
    // Another request was faster: its rollback is refused, or the record has this one's own. If the migration has ended again
    // in the meantime, the write is tried again.
    current = (await ledger.getMigration(migrationId)) ?? current;
  }
}

/**
 * Ends a rollback that has not begun: the migration is as it was before the request. Does nothing if the record has another
 * rollback by now.
 */
export async function refuseRollback(
  { migrationId, ...record }: Migration,
  rollback: Rollback,
  { error, next }: { error: Failure; next: string },
  { ledger, clock }: Writing,
): Promise<void> {
  await ledger.changeRollback(migrationId, rollbackStandingOf(record), {
    status: 'ended',
    rollback: { ...rollback, state: 'refused', endedAt: utcNow(clock), error, next },
  });
}
