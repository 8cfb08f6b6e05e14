import { MigrationError } from '../domain/errors.ts';
import type { Target } from '../domain/model.ts';
import { subjectText } from '../domain/subject.ts';
import type { Ledger, LockHolder } from '../ports/index.ts';

const ROLE_PREFIX = 'ROLE#';

/** Key of the lock on one add-on, or one service account, of one cluster. */
export const subjectLock = (target: Target, subject: string): string =>
  `${target.account}#${target.region}#${target.cluster}#${subject}`;

/** Key of the lock on a role: add-ons that share one are migrated one after the other. */
export const roleLock = (roleArn: string): string => `${ROLE_PREFIX}${roleArn}`;

/** What a lock is on, for people. */
export function lockText(key: string): string {
  if (key.startsWith(ROLE_PREFIX)) return `role ${key.slice(ROLE_PREFIX.length)}`;
  const [account = '', region = '', cluster = '', subject = ''] = key.split('#');
  return `${subjectText(subject)} of cluster ${cluster} (${account}, ${region})`;
}

/**
 * Keys of the locks that a migration takes, in the order in which it takes them: the subject's, then the roles' in an
 * order that is the same for all migrations, so that two of them never wait for each other.
 */
export const lockKeys = (target: Target, subject: string, roleArns: Iterable<string>): string[] => [
  subjectLock(target, subject),
  ...[...new Set(roleArns)].sort().map(roleLock),
];

/**
 * Takes a lock, or finds that the owner's execution has it; answers its fence. Throws RoleLockHeld where a role's is
 * held, which is waited for, and LockHeld where the subject's is; both say by whom and since when.
 */
export async function takeLock(ledger: Ledger, key: string, owner: LockHolder): Promise<number> {
  const lock = await ledger.acquireLock(key, owner);
  if (lock.acquired) return lock.fence;
  const { migrationId, since, executionArn } = lock.holder;
  const held = `Migration ${migrationId} holds the lock on ${lockText(key)} since ${since} (execution ${executionArn}).`;
  if (key.startsWith(ROLE_PREFIX))
    throw new MigrationError(
      'RoleLockHeld',
      `${held} It is another migration's, which shares the role: it is waited for.`,
    );
  throw new MigrationError('LockHeld', `${held} Wait until it has ended, then start again.`);
}
