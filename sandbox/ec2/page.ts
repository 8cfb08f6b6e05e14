/** Pages of EC2's lists. */
import { QueryError, type XmlValue } from '../iam/query-protocol.ts';
import { pageAfter } from '../pages.ts';
import { invalidValue } from './protocol.ts';

/** EC2 API reference: limits of MaxResults, which is also the size of a page without it. */
const PAGE = { min: 5, max: 1000 };

/**
 * Returns a page of a list, ordered by the keys, and the members that its answer has for it. Throws QueryError for
 * invalid parameters; `ids` is the parameter that excludes MaxResults.
 */
export const pageOf = <T>(
  parameters: Map<string, string>,
  items: readonly T[],
  keyOf: (item: T) => string,
  ids: string,
): { items: T[]; rest: Record<string, XmlValue> } => {
  const size = parameters.get('MaxResults');
  if (size !== undefined && parameters.has(`${ids}.1`))
    throw new QueryError(
      400,
      'InvalidParameterCombination',
      `The parameter ${ids.charAt(0).toLowerCase()}${ids.slice(1)}s cannot be used with the parameter maxResults`,
    );
  const limit = Number(size ?? PAGE.max);
  if (!Number.isInteger(limit) || limit < PAGE.min || limit > PAGE.max) {
    const bound = limit > PAGE.max ? `less than ${PAGE.max}` : `greater than ${PAGE.min}`;
    throw invalidValue(`Value ( ${size} ) for parameter maxResults is invalid. Expecting a value ${bound}.`);
  }
  const found = pageAfter(items, keyOf, limit, parameters.get('NextToken'));
  if (!found)
    throw new QueryError(400, 'InvalidPaginationToken', 'The specified pagination token is not valid or is expired.');
  return { items: found.page, rest: found.nextToken === undefined ? {} : { nextToken: found.nextToken } };
};
