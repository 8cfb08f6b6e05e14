/** A value that was read, or why it could not be. */
export type Seen<T> = { seen: T } | { error: string };

/** Returns the value; undefined if it was not read. */
export const seenIn = <T>(part: Seen<T> | undefined): T | undefined => (part && 'seen' in part ? part.seen : undefined);
