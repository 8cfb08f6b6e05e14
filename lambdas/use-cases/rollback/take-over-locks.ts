/** How an execution of Recover gets the locks of the migration that it takes over, or puts back. */
import { isConflicting } from '../../domain/migration/locks.ts';
import type { Migration } from '../../domain/migration/model.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import type { HandlerDependencies, Lock, LockHolder, LockMode } from '../../ports/index.ts';
import { lockModeOf, subjectLock } from '../migration/lock.ts';
import { lockKeys } from './recovery.ts';

/** Takes one lock, or says who has it. A lock that nobody holds is taken where something is to be changed. */
async function takeLock(
  ledger: HandlerDependencies['ledger'],
  locks: readonly Lock[],
  me: LockHolder,
  { key, mode, takeFree }: { key: string; mode: LockMode; takeFree: boolean },
): Promise<number | LockHolder | undefined> {
  const held = locks.filter((lock) => lock.key === key);
  const own = held.find(({ holder }) => holder?.migrationId === me.migrationId);
  if (own?.holder) {
    const { executionArn } = own.holder;
    const taken =
      executionArn === me.executionArn
        ? await ledger.acquireLock(key, me, mode)
        : await ledger.takeOverLock(key, { executionArn, fence: own.fence }, me);
    return taken.acquired ? taken.fence : taken.holder;
  }
  const other = held.find((lock) => isConflicting(lock, me.migrationId, mode));
  if (other) return other.holder;
  if (!takeFree) return undefined;
  const taken = await ledger.acquireLock(key, me, mode);
  return taken.acquired ? taken.fence : taken.holder;
}

/** Takes all locks of a migration over, that of what migrates first; answers its fence, or who was there before. */
export async function takeOverLocks(
  record: Migration,
  locks: Lock[],
  me: LockHolder,
  { action, cause }: { action: 'roll-back' | 'finish' | 'release'; cause: 'stranded' | 'requested' },
  { ledger }: Pick<HandlerDependencies, 'ledger'>,
): Promise<{ fence: number } | { before: LockHolder }> {
  const own = subjectLock(record.request.target, subjectOf(record.request));
  const taken: string[] = [];
  let fence = 0;
  for (const key of lockKeys(record)) {
    const result = await takeLock(ledger, locks, me, {
      key,
      mode: lockModeOf(key, standingTrustChanges(record)),
      takeFree: action === 'roll-back',
    });
    if (typeof result === 'number') {
      if (key === own) fence = result;
      taken.push(key);
    } else if (
      result?.migrationId === me.migrationId ||
      (result && action === 'roll-back' && (key === own || cause === 'requested'))
    ) {
      // Another Recover was faster, or another migration has begun; a stranded one is put back even where a role is
      // busy.
      for (const one of taken) await ledger.releaseLock(one, me.executionArn);
      return { before: result };
    }
  }
  return { fence };
}
