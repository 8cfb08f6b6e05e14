import type { z } from 'zod';
import { MigrationError } from '../domain/failures/errors.ts';
import { PLAIN_WORDS } from '../domain/text/zod-messages.ts';
import { problemsOf } from '../domain/text/problems.ts';

/**
 * What the ledger has, by its schema. Throws BadInput, with `what` and the fields that are wrong, for what this service
 * does not write so.
 */
export function stored<Schema extends z.ZodType>(what: string, schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value, PLAIN_WORDS);
  if (parsed.success) return parsed.data;
  throw new MigrationError(
    'BadInput',
    `The ledger has ${what} that this version of the service does not write so: ${problemsOf(parsed.error, 'it')}. Nothing is done by it. Find out who wrote it, and put the item back as it was.`,
  );
}
