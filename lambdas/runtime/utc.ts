import type { Clock } from '../ports/index.ts';

/** Now, as records have it: ISO 8601 in UTC with milliseconds. */
export const utcNow = (clock: Clock): string => new Date(clock.now()).toISOString();

/** ISO 8601 in UTC of milliseconds since 1970. */
export const utcOf = (time: number): string => new Date(time).toISOString();
