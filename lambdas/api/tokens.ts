/**
 * Tokens that say where the next page of a list begins. They are opaque to callers, so that their format may change. A
 * token names its list and filters, and is refused with any other, where it would silently skip entries. It is not
 * signed and contains no secret: a forged token only selects part of a list that its caller may read anyway, and the
 * work for a page is bounded for any token.
 */
import { z } from 'zod';
import { listPosition } from '../domain/overview/listing.ts';
import { sha256 } from '../domain/text/sha256.ts';
import { invalid } from './problems.ts';

const WRONG = 'must be the value of next from the previous page, unchanged';
const OF_ANOTHER_LIST =
  'belongs to another list or to other filters: send it with the parameters of the page that returned it, or leave it out to start with the first page';
/** Maximum length in characters; each name in a row has at most 253. */
const LONGEST = 2048;

/** A row's sort key. The kind is any text, because a pod's controller may be of any kind. */
const row = z.tuple([z.string().max(253), z.string().max(253), z.string().max(253), z.string().max(253)]);
/** Namespace, kind, name and service account of a workload. */
export type Row = z.infer<typeof row>;

/** Identifies a list with its filters. */
export type ListId = string;
const listId = z.string().regex(/^[0-9a-f]{32}$/);
/** `filters` has all parameters that select entries, with their defaults; undefined values are ignored. */
export const listIdOf = (list: string, filters: Record<string, unknown>): ListId =>
  sha256([list, filters]).slice(0, 32);

function read(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A token's list, and the entry after which the page begins. */
export interface Token<After> {
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

/** Returns the token of the page that begins after an entry. */
export const tokenAfter = (of: ListId, after: z.infer<typeof listPosition> | Row): string =>
  Buffer.from(JSON.stringify({ of, after })).toString('base64url');

/**
 * Returns the entry after which a page begins; undefined for the first page. Throws `ApiProblem` for a token of another
 * list.
 */
export function goesOnAfter<After>(list: ListId, token: Token<After> | undefined): After | undefined {
  if (token === undefined || token.of === list) return token?.after;
  throw invalid([{ field: 'query.next', message: OF_ANOTHER_LIST }]);
}
