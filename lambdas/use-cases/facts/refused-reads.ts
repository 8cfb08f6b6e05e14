/** Reads of the API server that a check can do without: a refusal is part of what was found. */
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { Seen } from '../../domain/plan/facts.ts';

const REFUSED = ['Unauthorised', 'AccessDenied', 'InvalidRequest'] as const;

/** Returns the message if the API server refuses the read; other errors may be transient. */
export const refusal = (error: unknown): string | undefined =>
  REFUSED.some((name) => isMigrationError(error, name)) && error instanceof Error ? error.message : undefined;

/** Runs a read that a check can do without; the check reports a refusal. */
export async function seen<T>(read: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { seen: await read() };
  } catch (error) {
    const why = refusal(error);
    if (why === undefined) throw error;
    return { error: why };
  }
}
