/** Reads the caller's part of a request. No part of it is assumed to be well-formed. */
import { type Correlation, REQUEST_ID, TRACEPARENT } from '../domain/terms/correlation.ts';
import { parseJson } from '../domain/text/json.ts';
import { hasProtoKey, pathOf as locationOf } from '../domain/text/problems.ts';
import { plainText } from '../domain/text/names.ts';
import { LONGEST_PRINCIPAL } from '../domain/aws/principal.ts';
import { shown } from '../domain/text/text.ts';
import { ApiProblem, type FieldError, invalid } from './problems.ts';
import type { ProxyEvent } from './proxy.ts';

/** Maximum size of a body in bytes: many times the size of the largest valid request. */
export const LONGEST_BODY = 64 * 1024;
/** Source: the draft "The Idempotency-Key HTTP Header Field". The maximum length is this service's own. */
export const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

/**
 * Returns all values by name. `all`, which has every value, takes precedence over `last`, which has the last of each.
 */
function valuesOf(all: unknown, last: unknown): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, value] of entriesOf(last)) found.set(name, [String(value)]);
  for (const [name, values] of entriesOf(all))
    if (Array.isArray(values) && values.length > 0) found.set(name, values.map(String));
  return found;
}

export const queryOf = ({
  multiValueQueryStringParameters,
  queryStringParameters,
}: ProxyEvent): Map<string, string[]> => valuesOf(multiValueQueryStringParameters, queryStringParameters);

/** Returns the headers by name in lower case. */
export function headersOf({ multiValueHeaders, headers }: ProxyEvent): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, values] of valuesOf(multiValueHeaders, headers))
    found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), ...values]);
  return found;
}

/** Returns the idempotency key, or undefined if the caller sent none. Adds an error if it is malformed. */
export function idempotencyKeyOf(event: ProxyEvent, errors: FieldError[]): string | undefined {
  const [key, ...others] = headersOf(event).get('idempotency-key') ?? [];
  if (key === undefined) return undefined;
  if (others.length === 0 && IDEMPOTENCY_KEY.test(key)) return key;
  errors.push({
    field: 'header.idempotency-key',
    message: others.length > 0 ? 'is given more than once' : 'must have 1 to 255 printable ASCII characters',
  });
  return undefined;
}

/** Returns the caller's own ids of this request. A malformed traceparent is ignored, as W3C Trace Context requires. */
export function correlationOf(event: ProxyEvent, errors: FieldError[] = []): Correlation | undefined {
  const headers = headersOf(event);
  const [requestId, ...otherIds] = headers.get('x-request-id') ?? [];
  const [traceparent, ...otherParents] = headers.get('traceparent') ?? [];
  const isId = requestId !== undefined && otherIds.length === 0 && REQUEST_ID.test(requestId);
  const isParent = traceparent !== undefined && otherParents.length === 0 && TRACEPARENT.test(traceparent);
  if (requestId !== undefined && !isId)
    errors.push({
      field: 'header.x-request-id',
      message:
        otherIds.length > 0
          ? 'is given more than once'
          : 'must have 1 to 128 printable ASCII characters, and no spaces',
    });
  if (!isId && !isParent) return undefined;
  return { ...(isId ? { requestId } : {}), ...(isParent ? { traceparent } : {}) };
}

/** Returns the ARN of the principal that API Gateway authenticated. Throws `ApiProblem` if there is none. */
export function callerOf({ requestContext: { identity } }: ProxyEvent): string {
  const caller = plainText(LONGEST_PRINCIPAL).min(1).safeParse(identity?.userArn);
  if (caller.success) return caller.data;
  throw new ApiProblem(
    'unauthenticated',
    `API Gateway did not pass the ARN of an IAM principal with at most ${LONGEST_PRINCIPAL} characters. Configure every method of this API with the authorization type AWS_IAM.`,
  );
}

/** Returns a URI that identifies this request in a support question. */
export const instanceOf = ({ requestContext: { requestId } }: ProxyEvent): string | undefined =>
  /^[\w-]{1,64}$/.test(requestId) ? `urn:uuid:${requestId}` : undefined;

/**
 * Returns the decoded text, whether or not API Gateway has already decoded it: no id and no name has a percent sign.
 */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns whether the request came through the proxy resource: no operation has its path and method (ADR 55). */
export const isProxied = ({ resource }: Pick<ProxyEvent, 'resource'>): boolean =>
  resource === '/{proxy+}' || resource === '/';

/** Returns the end of a path as it was sent, given the parameter that API Gateway may have decoded. */
function proxiedPath(path: string, proxy: string): string {
  const end = decoded(proxy).replace(/\/$/, '');
  const parts = path.replace(/\/$/, '').split('/');
  const from = parts.findIndex((_, index) => index > 0 && decoded(parts.slice(index).join('/')) === end);
  return from < 0 ? `/${proxy}` : `/${parts.slice(from).join('/')}`;
}

/** The route's own path: a custom domain may have put something before it. */
export function pathOf({
  resource,
  pathParameters,
  path,
}: Pick<ProxyEvent, 'resource' | 'pathParameters' | 'path'>): string {
  if (resource?.startsWith('/') !== true) return path;
  if (isProxied({ resource })) {
    const proxy = pathParameters?.['proxy'];
    return proxiedPath(path, typeof proxy === 'string' ? proxy : '');
  }
  return resource.replace(
    /\{(\w+)\}/g,
    (whole, name: string) =>
      encodeURIComponent(
        pathParameters && Object.hasOwn(pathParameters, name)
          ? decoded(String(pathParameters[name])).toWellFormed()
          : '',
      ) || whole,
  );
}

/**
 * Returns what precedes that path in the caller's URL: the stage, or the base path of a custom domain. The URL is not
 * decoded, so parameters are skipped by position.
 */
export function prefixOf(event: ProxyEvent): string {
  const { requestContext, resource, path } = event;
  const whole = (requestContext.path ?? '').split('/');
  const template = isProxied(event) ? pathOf(event) : resource;
  const own = (template?.startsWith('/') === true ? template : path).split('/');
  const isOwn = own.every(
    (part, index) => index === 0 || /^\{\w+\}$/.test(part) || part === whole[whole.length - own.length + index],
  );
  const prefix = whole.slice(0, Math.max(0, whole.length - own.length + 1)).join('/');
  return isOwn && /^(\/[\w.~/-]*)?$/.test(prefix) ? prefix : '';
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const wrongBody = (message: string): ApiProblem => invalid([{ field: 'body', message }]);

function bytesOf({ body, isBase64Encoded }: ProxyEvent): Buffer {
  if (body === undefined || body === null || body === '') return Buffer.alloc(0);
  if (typeof body !== 'string') throw wrongBody('must be text');
  const tooLarge = (): ApiProblem =>
    new ApiProblem('too-large', `The body has more than ${LONGEST_BODY} bytes. Send a smaller body.`);
  // Checked before the body is copied: base64 takes four characters for three bytes.
  if (body.length > LONGEST_BODY * (isBase64Encoded === true ? 2 : 1)) throw tooLarge();
  if (isBase64Encoded === true && !BASE64.test(body))
    throw wrongBody('must be base64, because the event declares it as base64');
  const bytes = Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > LONGEST_BODY) throw tooLarge();
  return bytes;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongBody('must be text in UTF-8');
  }
}

function parsed(bytes: Buffer): unknown {
  const read = parseJson(textOf(bytes));
  if (read.ok) return read.value;
  const { twice, line, column, message } = read;
  if (twice) throw invalid([{ field: `body.${locationOf(twice, '')}`, message: 'is given more than once' }]);
  throw wrongBody(`must be a JSON object: line ${line}, column ${column}: ${message}`);
}

/** Throws `ApiProblem` if the headers do not declare JSON. */
function assertJson(headers: Map<string, string[]>): void {
  const coding = (headers.get('content-encoding') ?? []).join(', ');
  if (!/^(identity)?$/i.test(coding.trim()))
    throw new ApiProblem(
      'unsupported-encoding',
      `The body has the content-encoding ${shown(coding, 100)}, which this API does not support. Send it unencoded, without that header.`,
      { headers: { 'accept-encoding': 'identity' } },
    );
  const [type, ...others] = headers.get('content-type') ?? [];
  if (others.length === 0 && type !== undefined && /^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) return;
  const given = type === undefined ? 'none' : shown([type, ...others].join(', '), 100);
  throw new ApiProblem(
    'not-json',
    `The content-type of the body is ${given}. Send JSON, with content-type: application/json.`,
    { headers: { accept: 'application/json' } },
  );
}

/**
 * Returns the JSON object in the body, or an empty object if there is no body. Throws `ApiProblem` for anything else.
 */
export function bodyOf(event: ProxyEvent): object {
  const bytes = bytesOf(event);
  if (bytes.length === 0) return {};
  assertJson(headersOf(event));
  const value = parsed(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongBody('must be a JSON object');
  if (hasProtoKey(value)) throw wrongBody('has a key __proto__');
  return value;
}
