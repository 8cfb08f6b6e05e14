import type { SandboxClock } from './clock.ts';

/**
 * Milliseconds of virtual time during which something periodic happens as declared; after that each time comes later
 * than the one before, up to hourly: a week of one-minute ticks would be ten thousand calls that find nothing to do.
 */
const TICKS_EXACTLY = 6 * 3_600_000;
const LONGEST_TICK = 3_600_000;

/** Returns the milliseconds until the next tick. `ticks` is the number of ticks so far. */
export const untilTick = ({ kind }: Pick<SandboxClock, 'kind'>, milliseconds: number, ticks: number): number => {
  const quiet = ticks * milliseconds - TICKS_EXACTLY;
  return kind === 'virtual' && quiet > 0
    ? Math.max(milliseconds, Math.min(LONGEST_TICK, milliseconds + quiet))
    : milliseconds;
};
