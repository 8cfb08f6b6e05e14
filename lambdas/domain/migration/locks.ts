/**
 * Decisions about locks, over plain data. A lock is held by one execution alone (`exclusive`), or by any number of
 * executions at once (`shared`). An execution that waits to hold it alone leaves a wish, and new sharers wait for it:
 * otherwise a stream of sharers could delay it forever. A wish expires, so that the wish of an execution that has
 * stopped
 * delays no other execution.
 */

export type LockMode = 'exclusive' | 'shared';

export interface LockHolder {
  migrationId: string;
  executionArn: string;
  since: string;
}

/** `until`: ISO 8601. An execution that still waits renews its wish before then. */
export type LockWish = LockHolder & { until: string };

export interface Lock {
  key: string;
  /** Increases each time that the lock passes to another execution, and never decreases. */
  fence: number;
  /** Absent if the lock is free. For a shared lock, one of its sharers. */
  holder?: LockHolder | undefined;
  /** All sharers. Absent if the lock is held by one execution alone, or free. */
  shared?: readonly LockHolder[] | undefined;
  wish?: LockWish | undefined;
}

/** Milliseconds that a wish lasts: longer than the 30 seconds between two tries, even if one try is lost. */
export const WISH_LASTS_MS = 120_000;

/**
 * The result of a request for a lock. `next` is the lock to write in its place. If another execution holds the lock,
 * only the wish differs.
 */
export type Taking =
  | { do: 'has'; fence: number }
  | { do: 'take'; next: Lock }
  | { do: 'wait'; holder: LockHolder; next?: Lock };

const isOwn =
  ({ executionArn }: Pick<LockHolder, 'executionArn'>) =>
  (one: LockHolder): boolean =>
    one.executionArn === executionArn;

/** Returns the wish of another execution, if it has not expired. */
const wishBefore = ({ wish }: Lock, owner: LockHolder): LockWish | undefined =>
  wish && !isOwn(owner)(wish) && Date.parse(wish.until) > Date.parse(owner.since) ? wish : undefined;

/** Returns the lock with these sharers, or free if there are none. */
const sharedBy = ({ key, fence, wish }: Lock, sharers: readonly LockHolder[]): Lock => ({
  key,
  fence: fence + 1,
  ...(sharers[0] ? { holder: sharers[0], shared: sharers } : {}),
  ...(wish ? { wish } : {}),
});

/** Decides about a request to share a lock. `owner.since` is the current time. */
export function takeShared(lock: Lock, owner: LockHolder): Taking {
  const { holder, shared = [], fence } = lock;
  // Holding the lock alone is as good as sharing it.
  if ([...(holder ? [holder] : []), ...shared].some(isOwn(owner))) return { do: 'has', fence };
  if (holder && shared.length === 0) return { do: 'wait', holder };
  const wish = wishBefore(lock, owner);
  return wish ? { do: 'wait', holder: wish } : { do: 'take', next: sharedBy(lock, [...shared, owner]) };
}

/**
 * Decides about a request to hold a lock alone: granted as soon as no other execution holds it, regardless of wishes.
 */
export function takeAlone(lock: Lock, owner: LockHolder): Taking {
  const { key, holder, shared = [], fence } = lock;
  if (holder && shared.length === 0) return isOwn(owner)(holder) ? { do: 'has', fence } : { do: 'wait', holder };
  const other = shared.find((one) => !isOwn(owner)(one));
  if (!other) return { do: 'take', next: { key, fence: fence + 1, holder: owner } };
  // An earlier wish of another execution is kept.
  if (wishBefore(lock, owner)) return { do: 'wait', holder: other };
  const until = new Date(Date.parse(owner.since) + WISH_LASTS_MS).toISOString();
  return { do: 'wait', holder: other, next: { ...lock, fence: fence + 1, wish: { ...owner, until } } };
}

/** Returns the lock without that execution; `undefined` if the execution does not share it. */
export function withoutSharer(lock: Lock, executionArn: string): Lock | undefined {
  const { shared = [] } = lock;
  const others = shared.filter((one) => one.executionArn !== executionArn);
  return others.length < shared.length ? sharedBy(lock, others) : undefined;
}

/**
 * Passes one execution's share to another execution of the same migration; `undefined` if that migration has no share.
 */
export function takeOverShare(lock: Lock, executionArn: string, owner: LockHolder): Taking | undefined {
  const { shared = [], holder, fence } = lock;
  if (shared.some((one) => one.executionArn === executionArn)) {
    const others = shared.filter((one) => one.executionArn !== executionArn && !isOwn(owner)(one));
    return { do: 'take', next: sharedBy(lock, [...others, owner]) };
  }
  const current = [...shared, ...(holder ? [holder] : [])].find((one) => one.migrationId === owner.migrationId);
  return current && (isOwn(owner)(current) ? { do: 'has', fence } : { do: 'wait', holder: current });
}

/** Returns one lock for each sharer, as if each sharer held it alone. */
export const eachHolder = ({ key, fence, holder, shared }: Lock): Lock[] =>
  shared ? shared.map((one) => ({ key, fence, holder: one, shared })) : [{ key, fence, ...(holder ? { holder } : {}) }];

/** Returns whether the current holders prevent a migration from getting the lock in that mode. */
export const isConflicting = (
  { holder, shared }: Pick<Lock, 'holder' | 'shared'>,
  migrationId: string,
  mode: LockMode,
): boolean =>
  holder !== undefined && holder.migrationId !== migrationId && !(mode === 'shared' && shared !== undefined);
