/** Whether another migration works on what a request is about, so that it can be refused before anything is started. */
import type { MigrationRequest } from '../domain/model.ts';
import { isRunning } from '../domain/recovery.ts';
import { subjectOf } from '../domain/subject.ts';
import type { HandlerDependencies, LockHolder } from '../ports/index.ts';
import { lockText, subjectLock } from './lock.ts';

/**
 * Who holds the subject's lock; undefined where nobody does, or the holder's execution has stopped and Recover is to
 * free it, for which a plan waits. It reads, and reserves nothing. `own`: a migration whose own lock is none.
 */
export async function busyWith(
  { target, ...request }: MigrationRequest,
  own: string | undefined,
  { ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>,
): Promise<LockHolder | undefined> {
  const holder = (await ledger.readLock(subjectLock(target, subjectOf(request))))?.holder;
  if (!holder || holder.migrationId === own) return undefined;
  if (isRunning(await executions.describe(holder.executionArn))) return holder;
  const record = await ledger.getMigration(holder.migrationId);
  return record?.status === 'ended' && record.outcome === 'needs-human' ? holder : undefined;
}

/** Without what to do next. */
export const busyText = (
  { target, ...request }: MigrationRequest,
  { migrationId, since }: Pick<LockHolder, 'migrationId' | 'since'>,
): string =>
  `Migration ${migrationId} holds the lock on ${lockText(subjectLock(target, subjectOf(request)))} since ${since}`;
