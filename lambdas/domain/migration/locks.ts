/**
 * Locks, as decisions over plain data. A lock is held by one execution alone (`exclusive`), or by any number of them at
 * once (`shared`). Whoever waits to have it alone leaves a wish, which new sharers wait for: otherwise a stream of them
 * could hold it up for ever. A wish lapses by itself, so that one whose execution has stopped holds up nobody.
 */

export type LockMode = 'exclusive' | 'shared';

export interface LockHolder {
  migrationId: string;
  executionArn: string;
  since: string;
}

/** `until`: ISO 8601; whoever still waits by then has said so again. */
export type LockWish = LockHolder & { until: string };

export interface Lock {
  key: string;
  /** Grows each time that the lock passes to another execution, and never shrinks. */
  fence: number;
  /** Absent: it is free. Of a shared lock it is one of those that share it. */
  holder?: LockHolder | undefined;
  /** All that share it; absent where it is held by one alone, or free. */
  shared?: readonly LockHolder[] | undefined;
  wish?: LockWish | undefined;
}

/** Milliseconds that a wish lasts: longer than the 30 seconds from one try to the next, with a lost one in between. */
export const WISH_LASTS_MS = 120_000;

/**
 * What becomes of an attempt to take a lock. `next`: the lock to write in its place; where it is held by another one as
 * well, only the wish is new in it.
 */
export type Taking =
  | { do: 'has'; fence: number }
  | { do: 'take'; next: Lock }
  | { do: 'wait'; holder: LockHolder; next?: Lock };

const isOwn =
  ({ executionArn }: Pick<LockHolder, 'executionArn'>) =>
  (one: LockHolder): boolean =>
    one.executionArn === executionArn;

/** The wish of another one that still counts. */
const wishBefore = ({ wish }: Lock, owner: LockHolder): LockWish | undefined =>
  wish && !isOwn(owner)(wish) && Date.parse(wish.until) > Date.parse(owner.since) ? wish : undefined;

/** With these sharers; free where there are none. */
const sharedBy = ({ key, fence, wish }: Lock, sharers: readonly LockHolder[]): Lock => ({
  key,
  fence: fence + 1,
  ...(sharers[0] ? { holder: sharers[0], shared: sharers } : {}),
  ...(wish ? { wish } : {}),
});

/** `owner.since`: now. */
export function takeShared(lock: Lock, owner: LockHolder): Taking {
  const { holder, shared = [], fence } = lock;
  // One that it has alone is as good.
  if ([...(holder ? [holder] : []), ...shared].some(isOwn(owner))) return { do: 'has', fence };
  if (holder && shared.length === 0) return { do: 'wait', holder };
  const wish = wishBefore(lock, owner);
  return wish ? { do: 'wait', holder: wish } : { do: 'take', next: sharedBy(lock, [...shared, owner]) };
}

/** The same, alone: as soon as nobody else has it, whoever wishes. */
export function takeAlone(lock: Lock, owner: LockHolder): Taking {
  const { key, holder, shared = [], fence } = lock;
  if (holder && shared.length === 0) return isOwn(owner)(holder) ? { do: 'has', fence } : { do: 'wait', holder };
  const other = shared.find((one) => !isOwn(owner)(one));
  if (!other) return { do: 'take', next: { key, fence: fence + 1, holder: owner } };
  // Who came first with a wish keeps it.
  if (wishBefore(lock, owner)) return { do: 'wait', holder: other };
  const until = new Date(Date.parse(owner.since) + WISH_LASTS_MS).toISOString();
  return { do: 'wait', holder: other, next: { ...lock, fence: fence + 1, wish: { ...owner, until } } };
}

/** Without that execution; undefined where it is none of those that share it. */
export function withoutSharer(lock: Lock, executionArn: string): Lock | undefined {
  const { shared = [] } = lock;
  const others = shared.filter((one) => one.executionArn !== executionArn);
  return others.length < shared.length ? sharedBy(lock, others) : undefined;
}

/** Passes one execution's share on to another of the same migration; undefined where that migration has none. */
export function takeOverShare(lock: Lock, executionArn: string, owner: LockHolder): Taking | undefined {
  const { shared = [], holder, fence } = lock;
  if (shared.some((one) => one.executionArn === executionArn)) {
    const others = shared.filter((one) => one.executionArn !== executionArn && !isOwn(owner)(one));
    return { do: 'take', next: sharedBy(lock, [...others, owner]) };
  }
  const there = [...shared, ...(holder ? [holder] : [])].find((one) => one.migrationId === owner.migrationId);
  return there && (isOwn(owner)(there) ? { do: 'has', fence } : { do: 'wait', holder: there });
}

/** One lock for each that shares it, as if each were held alone. */
export const eachHolder = ({ key, fence, holder, shared }: Lock): Lock[] =>
  shared ? shared.map((one) => ({ key, fence, holder: one, shared })) : [{ key, fence, ...(holder ? { holder } : {}) }];

/** Whether a migration that needs the lock in that mode can't have it as it is held. */
export const isConflicting = (
  { holder, shared }: Pick<Lock, 'holder' | 'shared'>,
  migrationId: string,
  mode: LockMode,
): boolean =>
  holder !== undefined && holder.migrationId !== migrationId && !(mode === 'shared' && shared !== undefined);
