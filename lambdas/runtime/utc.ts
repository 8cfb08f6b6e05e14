import type { Clock } from '../ports/index.ts';

/** Returns a time in milliseconds since 1970 as ISO 8601 in UTC. */
export const utcOf = (time: number): string => new Date(time).toISOString();

/** Returns the present time in the form of records: ISO 8601 in UTC with milliseconds. */
export const utcNow = (clock: Clock): string => utcOf(clock.now());
