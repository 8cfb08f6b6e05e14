/** Who may wait before a migration begins, and who stops waiting once one has begun. */
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/migration/model.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import {
  tooManyWaitingText,
  waitingPrincipal,
  type SlotResult,
  type WaitingCaps,
} from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { subjectLock } from '../migration/lock.ts';
import { utcNow } from '../../runtime/utc.ts';

export type Asked = Pick<Migration, 'migrationId' | 'request' | 'requester'>;

/** A function that an earlier release deployed was given no caps. */
const NO_CAPS: WaitingCaps = { perPrincipal: Number.POSITIVE_INFINITY, perDeployment: Number.POSITIVE_INFINITY };

/** Takes the migration's slot, or finds it taken already. */
export async function takeWaitingSlot(
  asked: Asked,
  { ledger, clock, settings }: Pick<HandlerDependencies, 'ledger' | 'clock' | 'settings'>,
): Promise<{ refused?: string }> {
  const { waiting: caps = NO_CAPS } = settings;
  if (caps === NO_CAPS) return {};
  const { migrationId, request } = asked;
  const principal = waitingPrincipal(asked);
  const result: SlotResult = await ledger.takeWaitingSlot(
    { migrationId, principal, subject: subjectLock(request.target, subjectOf(request)), since: utcNow(clock) },
    caps,
  );
  return result.taken ? {} : { refused: tooManyWaitingText(result, principal, caps) };
}

/** Throws TooManyWaiting where the migration may not wait: it ends `blocked`. */
export async function assertMayWait(
  record: Asked,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'clock' | 'settings'>,
): Promise<void> {
  const { refused } = await takeWaitingSlot(record, dependencies);
  if (refused !== undefined)
    throw new MigrationError('TooManyWaiting', `Migration ${record.migrationId} may not wait: ${refused}`);
}

export const freeWaitingSlots = (asked: Asked, { ledger }: Pick<HandlerDependencies, 'ledger'>): Promise<void> =>
  ledger.freeWaitingSlots(asked.migrationId, waitingPrincipal(asked));

/**
 * The migration has begun: it waits no more, and the others that wait for the same subject are asked to stop. Those
 * that wait for a window see that at their next look, those that wait for an approval are ended by `find-stranded`.
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
