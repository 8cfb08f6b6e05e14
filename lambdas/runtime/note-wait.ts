/** Notes what a migration waits for, and adds the outbox events: one when the wait begins and one when it ends. */
import { type OutboxEvent, waitEvent } from '../domain/events/outbox-events.ts';
import type { Migration } from '../domain/record/migration.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';
import type { Ledger } from '../ports/index.ts';

const isSame = (one: NotedWait, other: Pick<NotedWait, 'what' | 'state'>): boolean =>
  one.state === other.state && one.what === other.what;

/** Returns the wait in the record if it is the given one. */
export const sameWait = (
  record: Migration | undefined,
  wait: Pick<NotedWait, 'what' | 'state'>,
): NotedWait | undefined => (record?.waitingFor && isSame(record.waitingFor, wait) ? record.waitingFor : undefined);

/** Notes a wait. An earlier wait that it replaces has ended. `notifies`: adds an outbox event about the new wait. */
export async function noteWait(
  ledger: Ledger,
  { migrationId, before, notifies }: { migrationId: string; before: NotedWait | undefined; notifies: boolean },
  wait: Omit<NotedWait, 'notified'>,
): Promise<void> {
  const same = before && isSame(before, wait) ? before : undefined;
  const events: OutboxEvent[] = [];
  if (before?.notified && !same) events.push(waitEvent('resumed', before));
  if (notifies && !same?.notified) events.push(waitEvent('waiting', wait));
  await ledger.noteWait(migrationId, { ...wait, notified: notifies || same?.notified === true }, events);
}
