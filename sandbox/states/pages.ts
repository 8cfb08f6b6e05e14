import { StatesError } from './error.ts';

/** Step Functions API: 100 per page by default; 0 also means the default. */
const DEFAULT_PAGE = 100;

/**
 * Returns a page of a list that grows only at its end. In reverse, pages go from the newest item that the first page
 * included to the oldest.
 */
export const pageOf = <Item>(
  list: readonly Item[],
  { maxResults, nextToken }: { maxResults?: number | undefined; nextToken?: string | undefined },
  reverse = false,
): { items: Item[]; nextToken?: string } => {
  const size = maxResults === undefined || maxResults === 0 ? DEFAULT_PAGE : maxResults;
  const text = nextToken === undefined ? undefined : Buffer.from(nextToken, 'base64url').toString('utf8');
  const at = text === undefined ? (reverse ? list.length : 0) : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(at) || at > list.length) throw new StatesError('InvalidToken', `Invalid Token: '${nextToken}'`);
  const [from, to] = reverse ? [Math.max(0, at - size), at] : [at, Math.min(list.length, at + size)];
  const items = list.slice(from, to);
  const rest = reverse ? from : to;
  const isLast = reverse ? from === 0 : to === list.length;
  return {
    items: reverse ? items.toReversed() : items,
    ...(isLast ? {} : { nextToken: Buffer.from(String(rest)).toString('base64url') }),
  };
};
