/**
 * Where the next page of a list goes on: opaque to callers, so that it may become something else. A token says which
 * list it is of, and with which filters, and is refused with any other: there it would skip a part without a word. It is
 * not signed, and holds no secret. It is a bound within what the request itself asks for, so whoever makes one up is
 * given a part of a list that they may read whole, and the work for a page has its bound whatever the token says.
 */
import { z } from 'zod';
import { listPosition } from '../domain/migration/listing.ts';
import { sha256 } from '../domain/text/sha256.ts';
import { invalid } from './problems.ts';

const WRONG = 'must be what the page before said is next, unchanged';
const OF_ANOTHER_LIST =
  'belongs to another list, or to other filters: send it with the parameters of the page that it comes from, or leave it out to start with the first page';
/** Characters; a row's names have 253 at most each. */
const LONGEST = 2048;

/** Of names that are in order: a pod's controller may be of any kind. */
const row = z.tuple([z.string().max(253), z.string().max(253), z.string().max(253), z.string().max(253)]);
/** Namespace, kind, name and service account of a workload. */
export type Row = z.infer<typeof row>;

/** What a list is recognised by. */
export type ListId = string;
const listId = z.string().regex(/^[0-9a-f]{32}$/);
/** `filters`: all parameters that say what is in it, with their defaults; undefined ones don't count. */
export const listIdOf = (list: string, filters: Record<string, unknown>): ListId =>
  sha256([list, filters]).slice(0, 32);

function read(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A token's list, and behind what it goes on there. */
interface Token<After> {
  of: ListId;
  after: After;
}

const tokenOf = <After>(after: z.ZodType<After>) =>
  z
    .string()
    .max(LONGEST, { error: WRONG, abort: true })
    .regex(/^[\w-]+$/, { error: WRONG, abort: true })
    .transform((token, context): Token<After> => {
      const { data } = z.strictObject({ of: listId, after }).safeParse(read(token));
      if (data) return data;
      context.addIssue(WRONG);
      return z.NEVER;
    })
    .meta({ openapi: { type: 'string', maxLength: LONGEST, pattern: '^[\\w-]+$' } });

export const positionToken = tokenOf(listPosition);
export const rowToken = tokenOf(row);

/** The token of what comes after that in the list. */
export const tokenAfter = (of: ListId, after: z.infer<typeof listPosition> | Row): string =>
  Buffer.from(JSON.stringify({ of, after })).toString('base64url');

/** Where a list goes on; undefined at its first page. Throws ApiProblem for a token of another list. */
export function goesOnAfter<After>(list: ListId, token: Token<After> | undefined): After | undefined {
  if (token === undefined || token.of === list) return token?.after;
  throw invalid([{ field: 'query.next', message: OF_ANOTHER_LIST }]);
}
