/**
 * The rollback of a migration as an operation in its record. Whoever asks for one makes one conditional write before
 * anything is started, so that of any number at once one is accepted; Recover begins it, or refuses it, by another.
 */
import type { Correlation, Failure, Migration } from '../../domain/migration/model.ts';
import { nothingToPutBack } from '../../domain/rollback/recovery.ts';
import { isOpen, type Rollback, rollbackStandingOf } from '../../domain/rollback/rollback.ts';
import type { HandlerDependencies, RollbackAsked } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RollbackWish extends RollbackAsked {
  migrationId: string;
  /** Name of the execution that carries it out, and its ARN. */
  id: string;
  executionArn: string;
  correlation?: Correlation | undefined;
}

/**
 * `replayed`: this very rollback was accepted before. `rolling-back`: another one is under way. `running`: the migration
 * itself is. `nothing`: it has nothing to put back.
 */
export type RollbackRequested =
  | { rollback: Rollback; replayed: boolean }
  | { refused: 'rolling-back' | 'running' | 'nothing'; why: string };

type Writing = Pick<HandlerDependencies, 'ledger' | 'clock'>;

/** What was asked, without what was left out. */
export const askedOf = ({ requestedBy, reason, acceptCredentialGap }: RollbackAsked): Partial<Rollback> => ({
  ...(requestedBy === undefined ? {} : { requestedBy }),
  ...(reason === undefined ? {} : { reason }),
  ...(acceptCredentialGap === true ? { acceptCredentialGap } : {}),
});

/** Another rollback of it is under way. */
export const inProgressText = ({ migrationId, rollback, recovery }: Migration): string =>
  `Migration ${migrationId} is being rolled back already, since ${rollback?.startedAt ?? recovery?.startedAt ?? 'a moment ago'}`;

/** Why it can't be rolled back now, or undefined. */
function refusalOf(record: Migration): Extract<RollbackRequested, { refused: string }> | undefined {
  const { migrationId, status, recovery } = record;
  if (status === 'rolling-back') return { refused: 'rolling-back', why: inProgressText(record) };
  if (isOpen(record))
    return recovery
      ? { refused: 'running', why: `Migration ${migrationId} is being brought to its end, since ${recovery.startedAt}` }
      : {
          refused: 'running',
          why: `Migration ${migrationId} is still running: cancel it instead, and what it has changed is put back`,
        };
  const nothing = nothingToPutBack(record);
  return nothing === undefined ? undefined : { refused: 'nothing', why: nothing };
}

/** `record`: as it was read. Whoever comes again under the same id is answered as the first time. */
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
    // Somebody was faster: what stands now is refused, or this one's own. An end that was replaced meanwhile is tried again.
    current = (await ledger.getMigration(migrationId)) ?? current;
  }
}

/**
 * Ends a rollback that is not begun: the migration is again as it was before. Does nothing where it is not this one any
 * more.
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
