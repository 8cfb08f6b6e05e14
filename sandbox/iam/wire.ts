/** Common parts of IAM's actions: constraints of parameters, pagination, and formats of responses. */
import type { Constraint } from '../constraint.ts';
import { pageAfter } from '../pages.ts';
import { checkParameters, QueryError } from './query-protocol.ts';

// Lengths and patterns: IAM API model 2010-05-08.
export const ROLE_NAME: Constraint = { length: { min: 1, max: 64 }, pattern: /^[\w+=,.@-]+$/ };
export const POLICY_NAME: Constraint = { length: { min: 1, max: 128 }, pattern: /^[\w+=,.@-]+$/ };
export const ARN: Constraint = { length: { min: 20, max: 2048 } };
export const PATH_PREFIX: Constraint = { length: { min: 1, max: 512 }, pattern: /^\/[!-\x7f]*$/ };
export const POLICY_PATH: Constraint = { length: { min: 1, max: 512 }, pattern: /^((\/[A-Za-z0-9.,+@=_-]+)*)\/$/ };
export const POLICY_DOCUMENT: Constraint = { length: { min: 1, max: 131_072 }, pattern: /^[\t\n\r -\xff]+$/ };
const PAGE: Record<string, Constraint> = {
  Marker: { length: { min: 1, max: 320 }, pattern: /^[ -\xff]+$/ },
  MaxItems: { range: { min: 1, max: 1000 } },
};

export const noSuchEntity = (message: string): QueryError => new QueryError(404, 'NoSuchEntity', message);
export const noSuchRole = (name: string): QueryError => noSuchEntity(`The role with name ${name} cannot be found.`);

export const page = <T>(
  items: T[],
  keyOf: (item: T) => string,
  parameters: Map<string, string>,
): { items: T[]; IsTruncated: boolean; Marker?: string } => {
  checkParameters(parameters, PAGE);
  const found = pageAfter(items, keyOf, Number(parameters.get('MaxItems') ?? 100), parameters.get('Marker'));
  if (!found) throw new QueryError(400, 'ValidationError', 'Invalid Marker.');
  return {
    items: found.page,
    IsTruncated: found.nextToken !== undefined,
    ...(found.nextToken === undefined ? {} : { Marker: found.nextToken }),
  };
};

/** Encodes a policy document as IAM returns it: according to RFC 3986 (API reference, GetRole). */
export const urlEncoded = (document: string): string =>
  encodeURIComponent(document).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Formats a time, in milliseconds since 1970, as IAM does. */
export const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d{3}/, '');

/** Returns name and path of an IAM resource from its ARN. */
export const nameAndPath = (arn: string): { name: string; path: string } => {
  const [, ...parts] = (arn.split(':').at(-1) ?? '').split('/');
  return { name: parts.at(-1) ?? '', path: parts.length > 1 ? `/${parts.slice(0, -1).join('/')}/` : '/' };
};
