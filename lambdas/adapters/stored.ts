import type { z } from 'zod';
import { inCurrentForm } from '../domain/acceptance/former.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import { ZOD_MESSAGES } from '../domain/text/zod-messages.ts';
import { problemsOf } from '../domain/text/problems.ts';

/**
 * Parses a value of the ledger by its schema, also in the form of the previous release. Throws `BadInput`, with `what` and
 * the invalid fields, if it does not match.
 */
export function stored<Schema extends z.ZodType>(what: string, schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(inCurrentForm(value), ZOD_MESSAGES);
  if (parsed.success) return parsed.data;
  throw new MigrationError(
    'BadInput',
    `The ledger has ${what} in a format that this version of the service does not write: ${problemsOf(parsed.error, 'it')}. It was not used. Find out which principal wrote the item, and restore it.`,
  );
}
