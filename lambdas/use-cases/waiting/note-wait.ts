/** Notes what a migration waits for, with what others are to be told: once that it waits, once that it goes on. */
import { type OutboxEvent, waitEvent } from '../../domain/events/outbox-events.ts';
import type { Migration } from '../../domain/migration/model.ts';
import type { NotedWait } from '../../domain/waiting/waiting-for.ts';
import type { Ledger } from '../../ports/index.ts';

const isSame = (one: NotedWait, other: Pick<NotedWait, 'what' | 'state'>): boolean =>
  one.state === other.state && one.what === other.what;

/** What the record says that it waits for, where that is this. */
export const sameWait = (
  record: Migration | undefined,
  wait: Pick<NotedWait, 'what' | 'state'>,
): NotedWait | undefined => (record?.waitingFor && isSame(record.waitingFor, wait) ? record.waitingFor : undefined);

/** Of a wait that takes the place of another one, the other is over. `tell`: others are to be told of this one. */
export async function noteWait(
  ledger: Ledger,
  { migrationId, before, tell }: { migrationId: string; before: NotedWait | undefined; tell: boolean },
  wait: Omit<NotedWait, 'told'>,
): Promise<void> {
  const same = before && isSame(before, wait) ? before : undefined;
  const told: OutboxEvent[] = [];
  if (before?.told && !same) told.push(waitEvent('resumed', before));
  if (tell && !same?.told) told.push(waitEvent('waiting', wait));
  await ledger.noteWait(migrationId, { ...wait, told: tell || same?.told === true }, told);
}
