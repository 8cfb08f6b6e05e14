/** Decides which migrations may wait before they begin, and ends the other waits once one of them has begun. */
import { MigrationError } from '../../domain/failures/errors.ts';
import { type Operation, requestedAs } from '../../domain/waiting/operations.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import {
  tooManyWaitingText,
  waitingPrincipal,
  type SlotResult,
  type WaitingCaps,
} from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { subjectLock } from '../record/lock.ts';
import { utcNow } from '../../runtime/utc.ts';

export type Asked = Pick<Migration, 'migrationId' | 'request' | 'requester'> & {
  /** The operation that waits instead of the migration. Another migration of the subject does not end its wait. */
  operation?: Pick<Operation, 'id'>;
};

/** The caps of a function that an earlier release deployed. */
const NO_CAPS: WaitingCaps = { perPrincipal: Number.POSITIVE_INFINITY, perDeployment: Number.POSITIVE_INFINITY };

/** Takes the migration's slot, or keeps the one that it has. */
export async function takeWaitingSlot(
  asked: Asked,
  { ledger, clock, settings }: Pick<HandlerDependencies, 'ledger' | 'clock' | 'settings'>,
): Promise<{ refused?: string }> {
  const { waiting: caps = NO_CAPS } = settings;
  if (caps === NO_CAPS) return {};
  const { migrationId, request, operation } = asked;
  const subject = operation ? `OPERATION#${operation.id}` : subjectLock(request.target, subjectOf(request));
  const principal = waitingPrincipal(asked);
  const result: SlotResult = await ledger.takeWaitingSlot(
    { migrationId, principal, subject, since: utcNow(clock) },
    caps,
  );
  return result.taken ? {} : { refused: tooManyWaitingText(result, principal, caps) };
}

/** Throws TooManyWaiting if the migration may not wait: it ends `blocked`. */
export async function assertMayWait(
  record: Asked,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'clock' | 'settings'>,
): Promise<void> {
  const { refused } = await takeWaitingSlot(record, dependencies);
  if (refused !== undefined)
    throw new MigrationError('TooManyWaiting', `Migration ${record.migrationId} may not wait: ${refused}`);
}

/** Returns the operation as what takes a slot, for its requester. */
export const operationAsked = (record: Migration, operation: Operation): Asked => ({
  ...requestedAs(record, operation),
  operation,
});

export const freeWaitingSlots = (asked: Asked, { ledger }: Pick<HandlerDependencies, 'ledger'>): Promise<void> =>
  ledger.freeWaitingSlots(asked.migrationId, waitingPrincipal(asked));

/**
 * Ends the waits for a subject whose migration has begun: frees the migration's slot, and cancels the others that wait for the
 * same subject. Those that wait for a window notice that at their next poll; `find-stranded` ends those that wait for an
 * approval.
 */
export async function endWaiting(
  begun: Asked,
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<void> {
  const subject = subjectLock(begun.request.target, subjectOf(begun.request));
  const { migrationId } = begun;
  const waiting = await ledger.listWaiting();
  for (const other of waiting)
    if (other.subject === subject && other.migrationId !== migrationId)
      await ledger.requestCancel(other.migrationId, { requestedAt: utcNow(clock), supersededBy: migrationId });
  if (waiting.some((one) => one.migrationId === migrationId)) await freeWaitingSlots(begun, { ledger });
}
