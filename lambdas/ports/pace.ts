import type { PaceScope, PaceState } from '../domain/aws/pace.ts';

/** A reservation: the first of its positions, and the location as it is with it. */
export interface Reserved {
  position: number;
  state: PaceState;
}

/**
 * The shared pace of the service's calls, as `lambdas/domain/aws/pace.ts` has it. Whatever of it rejects leaves the caller
 * without a pace, and is no reason to stop.
 */
export interface Pace {
  /** Undefined where nobody has reserved anything lately. */
  read(scope: PaceScope, now: number): Promise<PaceState | undefined>;
  /**
   * Reserves the next positions. `within`: milliseconds in which the first of them has to be allowed; where it would be
   * later, nothing is reserved, and the state alone is answered.
   */
  reserve(scope: PaceScope, calls: number, now: number, within?: number): Promise<Reserved | { state: PaceState }>;
  /** Gives back as many positions as are not needed. */
  giveBack(scope: PaceScope, calls: number): Promise<void>;
  /**
   * A call was refused, which was made at the rate of that cut: halves the rate, at most once in five seconds, unless it
   * was cut since. Answers the location as it is then.
   */
  refused(scope: PaceScope, now: number, cutAt: number): Promise<PaceState>;
}
