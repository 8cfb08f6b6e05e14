import type { Clock } from '../ports/index.ts';

/** ISO 8601 in UTC of milliseconds since 1970. */
export const utcOf = (time: number): string => new Date(time).toISOString();

/** Now, as records have it: ISO 8601 in UTC with milliseconds. */
export const utcNow = (clock: Clock): string => utcOf(clock.now());
