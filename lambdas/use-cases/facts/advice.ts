/** Reads that are optional for the plan. */
import { isMigrationError } from '../../domain/failures/errors.ts';

/** Refusals that do not go away soon. */
const REFUSALS = ['AccessDenied', 'NotFound', 'InvalidRequest'] as const;

export type Advice<T> = { read: T } | { refused: string };

/** Runs an optional read and returns the reason if it is refused. Throws any other error, which is retried as always. */
export async function advisory<T>(read: () => Promise<T>): Promise<Advice<T>> {
  try {
    return { read: await read() };
  } catch (error) {
    if (REFUSALS.some((name) => isMigrationError(error, name)) && error instanceof Error)
      return { refused: error.message };
    throw error;
  }
}
