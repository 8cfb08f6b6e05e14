import type { Target } from '../domain/model.ts';

const ROLE_PREFIX = 'ROLE#';

/** Key of the lock on one add-on of one cluster. */
export const addonLock = (target: Target, addon: string): string => `${target.account}#${target.region}#${target.cluster}#${addon}`;

/** Key of the lock on a role: add-ons that share one are migrated one after the other. */
export const roleLock = (roleArn: string): string => `${ROLE_PREFIX}${roleArn}`;

/** What a lock is on, for people. */
export function lockText(key: string): string {
  if (key.startsWith(ROLE_PREFIX)) return `role ${key.slice(ROLE_PREFIX.length)}`;
  const [account = '', region = '', cluster = '', addon = ''] = key.split('#');
  return `add-on ${addon} of cluster ${cluster} (${account}, ${region})`;
}

/**
 * Keys of the locks that a migration takes, in the order in which it takes them: the add-on's, then the roles' in an
 * order that is the same for all migrations, so that two of them never wait for each other.
 */
export const lockKeys = (target: Target, addon: string, roleArns: Iterable<string>): string[] => [addonLock(target, addon), ...[...new Set(roleArns)].sort().map(roleLock)];
