import { MigrationError } from '../../domain/failures/errors.ts';
import { type Target, subjectOf, subjectText } from '../../domain/terms/subject.ts';
import type { Ledger, LockHolder, LockMode } from '../../ports/index.ts';

const ROLE_PREFIX = 'ROLE#';

/** Returns the key of the lock on one add-on, or one service account, of one cluster. */
export const subjectLock = (target: Target, subject: string): string =>
  `${target.account}#${target.region}#${target.cluster}#${subject}`;

/**
 * Returns the key of the lock on a role: migrations share it; a change of the role's trust policy needs it exclusively.
 */
export const roleLock = (roleArn: string): string => `${ROLE_PREFIX}${roleArn}`;
export const isRoleLock = (key: string): boolean => key.startsWith(ROLE_PREFIX);

/** Returns how a migration takes a lock: a role's lock is shared, unless the migration changes that role's trust policy. */
export const lockModeOf = (key: string, trustChanges: readonly { roleArn: string }[]): LockMode =>
  isRoleLock(key) && !trustChanges.some(({ roleArn }) => roleLock(roleArn) === key) ? 'shared' : 'exclusive';

/** Returns the subject of a lock for messages. */
export function lockText(key: string): string {
  if (key.startsWith(ROLE_PREFIX)) return `role ${key.slice(ROLE_PREFIX.length)}`;
  const [account = '', region = '', cluster = '', subject = ''] = key.split('#');
  return `${subjectText(subject)} of cluster ${cluster} (${account}, ${region})`;
}

/**
 * Returns the keys of the locks that a migration takes, in this order: the subject's; those of the service accounts that an
 * add-on's plan gives associations to, which may be subjects themselves; then the roles', in an order that is the same for
 * all migrations, so that two of them never wait for each other.
 */
export const lockKeys = (
  target: Target,
  subject: string,
  roleArns: Iterable<string>,
  serviceAccounts: readonly { namespace: string; serviceAccount: string }[] = [],
): string[] => [
  ...new Set([
    subjectLock(target, subject),
    ...serviceAccounts
      .map(({ namespace, serviceAccount: name }) =>
        subjectLock(target, subjectOf({ serviceAccount: { namespace, name } })),
      )
      .sort(),
  ]),
  ...[...new Set(roleArns)].sort().map(roleLock),
];

/**
 * Takes a lock, or finds that the owner's execution has it already, and returns its fence. If another migration holds it,
 * throws RoleLockHeld for a role's lock, which is waited for, and the error named by `busy` for a subject's; both name the
 * holder. `onBusy` is called before the latter.
 */
export async function takeLock(
  ledger: Ledger,
  key: string,
  owner: LockHolder,
  mode: LockMode,
  { busy, onBusy }: { busy: 'LockHeld' | 'SubjectBusy'; onBusy?: (holder: LockHolder) => Promise<void> } = {
    busy: 'LockHeld',
  },
): Promise<number> {
  const lock = await ledger.acquireLock(key, owner, mode);
  if (lock.acquired) return lock.fence;
  const { migrationId, since, executionArn } = lock.holder;
  const held = `Migration ${migrationId} has held the lock on ${lockText(key)} since ${since} (execution ${executionArn}).`;
  if (isRoleLock(key))
    throw new MigrationError(
      'RoleLockHeld',
      `${held} One of the two migrations changes the role's trust policy, which requires that no other migration uses the role. This migration waits for the lock.`,
    );
  await onBusy?.(lock.holder);
  throw new MigrationError(busy, `${held} Wait until that migration has ended, then start again.`);
}
