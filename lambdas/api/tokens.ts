/**
 * Where the next page of a list goes on: opaque to callers, so that it may become something else, and never believed.
 */
import { z } from 'zod';
import { migrationId } from '../domain/names.ts';

const WRONG = 'must be what the page before said is next, unchanged';
/** Characters; a row's names have 253 at most each. */
const LONGEST = 2048;

/** Of names that are in order: a pod's controller may be of any kind. */
const row = z.tuple([z.string().max(253), z.string().max(253), z.string().max(253), z.string().max(253)]);
/** Namespace, kind, name and service account of a workload. */
export type Row = z.infer<typeof row>;

const write = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function read(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

const tokenOf = <Inner extends z.ZodType>(inner: Inner) =>
  z
    .string()
    .max(LONGEST, { error: WRONG, abort: true })
    .regex(/^[\w-]+$/, { error: WRONG, abort: true })
    .transform((token, context): z.output<Inner> => {
      const parsed = inner.safeParse(read(token));
      if (parsed.success) return parsed.data;
      context.addIssue(WRONG);
      return z.NEVER;
    })
    .meta({ openapi: { type: 'string', maxLength: LONGEST, pattern: '^[\\w-]+$' } });

export const idToken = tokenOf(migrationId);
export const rowToken = tokenOf(row);
export const idTokenOf = (id: string): string => write(id);
export const rowTokenOf = (after: Row): string => write(after);
