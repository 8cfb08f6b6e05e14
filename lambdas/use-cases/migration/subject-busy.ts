/** Whether another migration works on what a request is about, so that it can be refused before anything is started. */
import type { MigrationRequest } from '../../domain/migration/model.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import type { HandlerDependencies, LockHolder } from '../../ports/index.ts';
import { lockText, subjectLock } from './lock.ts';

export interface Busy extends LockHolder {
  /** Its migration ended `needs-human`, and keeps the lock until a person has dealt with it. */
  needsHuman: boolean;
}

/**
 * Who holds the lock of what a migration is to change; undefined where nobody does, or the holder's execution has
 * stopped and Recover is to free it, for which a plan waits, and for a dry run, which changes nothing. It reads, and
 * reserves nothing. `own`: a migration whose own lock is none.
 */
export async function busyWith(
  { target, dryRun, ...request }: MigrationRequest,
  own: string | undefined,
  { ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>,
): Promise<Busy | undefined> {
  if (dryRun) return undefined;
  const holder = (await ledger.readLock(subjectLock(target, subjectOf(request))))?.holder;
  if (!holder || holder.migrationId === own) return undefined;
  if (isRunning(await executions.describe(holder.executionArn))) return { ...holder, needsHuman: false };
  const record = await ledger.getMigration(holder.migrationId);
  return record?.status === 'ended' && record.outcome === 'needs-human' ? { ...holder, needsHuman: true } : undefined;
}

/** Without what to do next. */
export const busyText = (
  { target, ...request }: MigrationRequest,
  { migrationId, since }: Pick<LockHolder, 'migrationId' | 'since'>,
): string =>
  `Migration ${migrationId} holds the lock on ${lockText(subjectLock(target, subjectOf(request)))} since ${since}`;

/** What to do next. */
export const busyRemedy = ({ migrationId, needsHuman }: Pick<Busy, 'migrationId' | 'needsHuman'>): string =>
  needsHuman
    ? `It needs a person. Bring it in order by the commands of its report, then free the lock: pod-identity rollback ${migrationId}; or leave it as it is and free the lock: pod-identity release ${migrationId}`
    : `Wait until it has ended, then start again; or stop it: pod-identity cancel ${migrationId}. To see how it goes: pod-identity show ${migrationId}`;

/** Why nothing is started, and what to do next. */
export const busyRefusal = (request: MigrationRequest, holder: Busy): string =>
  `${busyText(request, holder)}. Nothing was started. ${busyRemedy(holder)}.`;
