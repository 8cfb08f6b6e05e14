/**
 * Turns a function's result into an HTTP response. Source: API Gateway Developer Guide, "Output format of a Lambda
 * function for proxy integration".
 */
import type { HttpResponse } from '../http.ts';
import { isObject } from '../json.ts';

/** All fields are optional, and no other field is allowed: anomalyco/sst#2760. */
const FIELDS = new Set(['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']);

/** Developer Guide, "Amazon API Gateway important notes": these headers are returned as `x-amzn-remapped-…`. */
const REMAPPED = new Set([
  'connection',
  'content-length',
  'date',
  'host',
  'server',
  'transfer-encoding',
  'www-authenticate',
]);

const nameOf = (name: string): string => {
  const lower = name.toLowerCase();
  return REMAPPED.has(lower) ? `x-amzn-remapped-${lower}` : lower;
};

const isValue = (value: unknown): value is string | number | boolean =>
  typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && !/[\r\n]/.test(value));
const isName = (name: string): boolean => /^[!#$%&'*+.^`|~\w-]+$/.test(name);
const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** Returns undefined for invalid headers. Several values of one header are joined by commas. */
const headersOf = (single: unknown, multiple: unknown): Record<string, string> | undefined => {
  if (!isAbsent(single) && !isObject(single)) return undefined;
  if (!isAbsent(multiple) && !isObject(multiple)) return undefined;
  const all = [
    ...Object.entries(single ?? {}).map(([name, value]): [string, unknown[]] => [name, [value]]),
    ...Object.entries(multiple ?? {}).map(([name, values]): [string, unknown[]] => [
      name,
      Array.isArray(values) ? values : [values],
    ]),
  ];
  const headers: Record<string, string> = {};
  for (const [name, values] of all) {
    if (!isName(name) || !values.every(isValue)) return undefined;
    headers[nameOf(name)] = values.map(String).join(', ');
  }
  return headers;
};

const statusOf = (given: unknown): number | undefined => {
  const status = isAbsent(given)
    ? 200
    : typeof given === 'string' || typeof given === 'number'
      ? Number(given)
      : Number.NaN;
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : undefined;
};

/**
 * Returns undefined for a malformed result: one that is not an object, has other fields, or has a body that is not a
 * string or an invalid HTTP status. `binary` is true if the caller accepts one of the API's binary types; otherwise
 * even a base64 body is sent as it is (Developer Guide, "Content type conversions in API Gateway").
 */
export const answerOf = (result: unknown, binary = false): HttpResponse | undefined => {
  if (!isObject(result) || Object.keys(result).some((name) => !FIELDS.has(name))) return undefined;
  const { statusCode, headers: single, multiValueHeaders: multiple, body, isBase64Encoded: encoded } = result;
  const [status, headers] = [statusOf(statusCode), headersOf(single, multiple)];
  if (status === undefined || headers === undefined) return undefined;
  if (!isAbsent(body) && typeof body !== 'string') return undefined;
  if (!isAbsent(encoded) && typeof encoded !== 'boolean') return undefined;
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: encoded === true && binary ? Buffer.from(body ?? '', 'base64') : (body ?? ''),
  };
};
