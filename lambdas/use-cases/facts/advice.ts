/** Reads that the plan can do without. */
import { isMigrationError } from '../../domain/failures/errors.ts';

/** Refusals that will not be over in a moment. */
const REFUSALS = ['AccessDenied', 'NotFound', 'InvalidRequest'] as const;

export type Advice<T> = { read: T } | { refused: string };

/** A read that the plan can do without: where it is refused, that is told. Anything else is tried again, as always. */
export async function advisory<T>(read: () => Promise<T>): Promise<Advice<T>> {
  try {
    return { read: await read() };
  } catch (error) {
    if (REFUSALS.some((name) => isMigrationError(error, name)) && error instanceof Error)
      return { refused: error.message };
    throw error;
  }
}
