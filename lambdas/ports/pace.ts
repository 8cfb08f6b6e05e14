import type { PaceScope, PaceState } from '../domain/aws/pace.ts';

/** A reservation: the first of its positions, and the state of the pace including it. */
export interface Reserved {
  position: number;
  state: PaceState;
}

/**
 * The shared pace of the service's calls, as `lambdas/domain/aws/pace.ts` defines it. If a method rejects, the caller
 * continues without a pace.
 */
export interface Pace {
  /** Returns undefined if nothing was reserved recently. */
  read(scope: PaceScope, now: number): Promise<PaceState | undefined>;
  /**
   * Reserves the next positions. `within` is the number of milliseconds within which the first must be allowed. If it
   * would be later, nothing is reserved, and only the state is returned.
   */
  reserve(scope: PaceScope, calls: number, now: number, within?: number): Promise<Reserved | { state: PaceState }>;
  /** Returns positions that are not needed. */
  giveBack(scope: PaceScope, calls: number): Promise<void>;
  /**
   * Halves the rate after a throttled call that was made at the rate of a given cut: at most once in five seconds, and
   * not if the rate was cut since. Returns the state after that.
   */
  refused(scope: PaceScope, now: number, cutAt: number): Promise<PaceState>;
}
