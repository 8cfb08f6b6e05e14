/** Finds another migration that works on the subject of a request, so that the request is refused before anything starts. */
import type { MigrationRequest } from '../../domain/request/request.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import type { HandlerDependencies, LockHolder } from '../../ports/index.ts';
import { lockText, subjectLock } from '../record/lock.ts';

export interface Busy extends LockHolder {
  /** The holder's migration ended `needs-human`, and keeps the lock until a person has dealt with it. */
  needsHuman: boolean;
}

/**
 * Returns the holder of the lock on the subject of a request. Undefined if there is none, if the holder's execution has
 * stopped (Recover frees the lock, and a plan waits for that), or for a dry run, which changes nothing. Reads only, and
 * reserves nothing. The lock of the migration `own` does not count.
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

/** Returns the message without the next action. */
export const busyText = (
  { target, ...request }: MigrationRequest,
  { migrationId, since }: Pick<LockHolder, 'migrationId' | 'since'>,
): string =>
  `Migration ${migrationId} has held the lock on ${lockText(subjectLock(target, subjectOf(request)))} since ${since}`;

/** Returns the next action. */
export const busyRemedy = ({ migrationId, needsHuman }: Pick<Busy, 'migrationId' | 'needsHuman'>): string =>
  needsHuman
    ? `That migration needs a person. Run the commands in its report, then free the lock: pod-identity rollback ${migrationId} --deployed ; or leave everything as it is and free the lock: pod-identity release ${migrationId} --deployed`
    : `Wait until that migration has ended, then start again; or stop it: pod-identity cancel ${migrationId} --deployed . To show its progress: pod-identity show ${migrationId} --deployed`;

/** Returns why nothing was started, and the next action. */
export const busyRefusal = (request: MigrationRequest, holder: Busy): string =>
  `${busyText(request, holder)}. Nothing was started. ${busyRemedy(holder)}`;
