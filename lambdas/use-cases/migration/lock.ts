import { MigrationError } from '../../domain/failures/errors.ts';
import type { Target } from '../../domain/migration/model.ts';
import { subjectOf, subjectText } from '../../domain/migration/subject.ts';
import type { Ledger, LockHolder, LockMode } from '../../ports/index.ts';

const ROLE_PREFIX = 'ROLE#';

/** Key of the lock on one add-on, or one service account, of one cluster. */
export const subjectLock = (target: Target, subject: string): string =>
  `${target.account}#${target.region}#${target.cluster}#${subject}`;

/**
 * Key of the lock on a role: migrations share it, and whatever changes the role's trust policy has it alone.
 */
export const roleLock = (roleArn: string): string => `${ROLE_PREFIX}${roleArn}`;
export const isRoleLock = (key: string): boolean => key.startsWith(ROLE_PREFIX);

/** How a migration takes a lock: a role's with others, unless it changes the trust policy of that role. */
export const lockModeOf = (key: string, trustChanges: readonly { roleArn: string }[]): LockMode =>
  isRoleLock(key) && !trustChanges.some(({ roleArn }) => roleLock(roleArn) === key) ? 'shared' : 'exclusive';

/** What a lock is on, for people. */
export function lockText(key: string): string {
  if (key.startsWith(ROLE_PREFIX)) return `role ${key.slice(ROLE_PREFIX.length)}`;
  const [account = '', region = '', cluster = '', subject = ''] = key.split('#');
  return `${subjectText(subject)} of cluster ${cluster} (${account}, ${region})`;
}

/**
 * Keys of the locks that a migration takes, in the order in which it takes them: the subject's, those of the service
 * accounts that an add-on's plan gives associations to, which may be subjects themselves, then the roles' in an order
 * that is the same for all migrations, so that two of them never wait for each other.
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
 * Takes a lock, or finds that the owner's execution has it; answers its fence. Throws RoleLockHeld where a role's is
 * held, which is waited for, and the error of that name where the subject's is; both say by whom and since when. `onBusy` is called
 * before that.
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
  const held = `Migration ${migrationId} holds the lock on ${lockText(key)} since ${since} (execution ${executionArn}).`;
  if (isRoleLock(key))
    throw new MigrationError(
      'RoleLockHeld',
      `${held} One of the two changes the role's trust policy, which nobody else may work with meanwhile: it is waited for.`,
    );
  await onBusy?.(lock.holder);
  throw new MigrationError(busy, `${held} Wait until it has ended, then start again.`);
}
