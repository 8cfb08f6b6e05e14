/** Pages of a list whose tokens hold a key, so that items added or removed between two pages shift nothing. */
const PREFIX = 'after:';

const encode = (key: string): string => Buffer.from(`${PREFIX}${key}`).toString('base64url');

/**
 * Returns at most `size` items after the token's key, in key order; with `nextToken` if more follow. Returns undefined
 * for a token that no page returned.
 */
export const pageAfter = <T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  size: number,
  token: string | undefined,
): { page: T[]; nextToken?: string } | undefined => {
  const text = token === undefined ? PREFIX : Buffer.from(token, 'base64url').toString('utf8');
  const after = text.slice(PREFIX.length);
  if (token !== undefined && (!text.startsWith(PREFIX) || encode(after) !== token)) return undefined;
  const rest = [...items]
    .filter((item) => token === undefined || keyOf(item) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return last !== undefined && page.length < rest.length ? { page, nextToken: encode(keyOf(last)) } : { page };
};
