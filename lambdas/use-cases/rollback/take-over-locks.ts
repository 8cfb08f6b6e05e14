/** Gives an execution of Recover the locks of the migration that it takes over or rolls back. */
import { isConflicting } from '../../domain/migration/locks.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import type { HandlerDependencies, Lock, LockHolder, LockMode } from '../../ports/index.ts';
import { lockModeOf, subjectLock } from '../record/lock.ts';
import { lockKeys } from './recovery.ts';

/** Takes one lock and returns its fence, or its other holder. A free lock is taken only if something will be changed. */
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

/** Takes over all locks of a migration, the subject's first. Returns that lock's fence, or an earlier holder. */
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
      // Another Recover was faster, or another migration has begun. A stranded migration is rolled back even if a role is in
      // use.
      for (const one of taken) await ledger.releaseLock(one, me.executionArn);
      return { before: result };
    }
  }
  return { fence };
}
