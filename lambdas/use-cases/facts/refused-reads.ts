/** Reads that a check can do without: a refusal is part of what was found. */
import { ACCESS_REFUSED, type ErrorName, isMigrationError } from '../../domain/failures/errors.ts';
import type { Seen } from '../../domain/terms/seen.ts';

/** Runs a read, and returns the message of an error with one of these names; other errors may be transient. */
export async function seenUnless<T>(refusals: readonly ErrorName[], read: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { seen: await read() };
  } catch (error) {
    if (isMigrationError(error, ...refusals)) return { error: error.message };
    throw error;
  }
}

/** The names of errors with which the API server refuses a read. */
export const REFUSED = [...ACCESS_REFUSED, 'InvalidRequest'] as const;

/** Runs a read of the API server that a check can do without; the check reports a refusal. */
export const seen = <T>(read: () => Promise<T>): Promise<Seen<T>> => seenUnless(REFUSED, read);

/** Runs a read of AWS that a check can do without; the check reports a refusal that does not go away soon. */
export const advisory = <T>(read: () => Promise<T>): Promise<Seen<T>> =>
  seenUnless(['AccessDenied', 'NotFound', 'InvalidRequest'], read);
