/** Responses of the API server: JSON documents, and Status objects for errors (k8s.io/apimachinery, api/errors). */
import { ContentResponse, type HttpRequest, type HttpResponse } from '../http.ts';
import { isObject } from '../json.ts';
import type { ResourceInfo } from '../objects/resource-info.ts';

export const json = (status: number, body: unknown, more: Record<string, string> = {}): HttpResponse => {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private', ...more };
  return isObject(body) ? new ContentResponse(status, headers, body) : { status, headers, body: JSON.stringify(body) };
};

export interface Details {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason: string; message: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** An error that is returned as a Status object; `message` is the API server's wording. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  /** Undefined if the API server sends no details; some of its errors have empty ones. */
  readonly details: Details | undefined;
  readonly headers: Record<string, string>;
  /** Token with which the client can continue a list, if it accepts an inconsistent one. */
  continueToken?: string;
  constructor(
    status: number,
    reason: string,
    message: string,
    details?: Details,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.headers = headers;
  }

  answer(): HttpResponse {
    const { status, reason, message, details, headers } = this;
    const metadata = this.continueToken === undefined ? {} : { continue: this.continueToken };
    return json(
      status,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata,
        status: 'Failure',
        message,
        ...(reason === '' ? {} : { reason }),
        ...(details ? { details } : {}),
        code: status,
      },
      headers,
    );
  }
}

/** Header of answers that Go's `http.Error` writes, and of refusals that precede a request's handler. */
export const NOSNIFF = { 'x-content-type-options': 'nosniff' };

const TEXT = 'text/plain; charset=utf-8';

/** Returns an answer in plain text. */
export const text = (
  status: number,
  body: string,
  { nosniff = false, type = TEXT }: { nosniff?: boolean; type?: string } = {},
): HttpResponse => ({
  status,
  headers: { 'content-type': type, 'cache-control': 'no-cache, private', ...(nosniff ? NOSNIFF : {}) },
  body,
});

/**
 * An error that the API server returns before any handler runs: plain text, not a Status (k8s.io/apiserver,
 * handlers/responsewriters/errors.go).
 */
export class InternalError extends Refusal {
  readonly uri: string;
  constructor({ path, query }: HttpRequest, message: string) {
    super(500, 'InternalError', message);
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([key, value]) => [value].flat().map((each): [string, string] => [key, each])),
    ).toString();
    this.uri = search === '' ? path : `${path}?${search}`;
  }

  override answer(): HttpResponse {
    const error = `Internal Server Error: ${JSON.stringify(this.uri)}: ${this.message}`;
    const body = error.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    return text(this.status, `${body}\n`, { nosniff: true });
  }
}

/** Returns a Status that reports success. */
export const success = (status: number, details?: Details): HttpResponse =>
  json(status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details ? { details } : { code: status }),
  });

/** Returns `deployments.apps "x"`, as the API server names objects in its errors. */
export const qualified = ({ group, plural }: ResourceInfo, name: string): string =>
  `${group === '' ? plural : `${plural}.${group}`} "${name}"`;
export const detailsOf = ({ group, plural }: Pick<ResourceInfo, 'plural' | 'group'>, name: string): Details => ({
  name,
  ...(group === '' ? {} : { group }),
  kind: plural,
});

export const badRequest = (message: string): Refusal => new Refusal(400, 'BadRequest', message);

export const notFound = (info: ResourceInfo, name: string): Refusal =>
  new Refusal(404, 'NotFound', `${qualified(info, name)} not found`, detailsOf(info, name));

export const alreadyExists = (info: ResourceInfo, name: string): Refusal =>
  new Refusal(409, 'AlreadyExists', `${qualified(info, name)} already exists`, detailsOf(info, name));

/** Returns the 404 of a path that no part of the API server serves: Go's plain text instead of a Status. */
export const noSuchPath = (): HttpResponse => text(404, '404 page not found\n', { nosniff: true });

/** Returns the 404 of a path within an API group whose resource or version the API server does not serve. */
export const noSuchResource = (): Refusal =>
  new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): Refusal =>
  new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** `more`: text to append to the message. */
export const unsupportedMediaType = (accepted: string[], more = ''): Refusal =>
  new Refusal(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}${more}`,
  );

export const conflict = (info: ResourceInfo, name: string): Refusal =>
  new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(info, name)}: the object has been modified; please apply your changes to the latest version and try again`,
    detailsOf(info, name),
  );

/** Returns a 422. `field`: a path such as `spec.replicas`; `detail`: `Invalid value: "x": must be …`. */
export const invalid = (
  info: Pick<ResourceInfo, 'kind' | 'plural' | 'group'>,
  name: string,
  field: string,
  detail: string,
): Refusal =>
  new Refusal(
    422,
    'Invalid',
    `${info.kind}${info.group === '' ? '' : `.${info.group}`} "${name}" is invalid: ${field}: ${detail}`,
    {
      ...detailsOf(info, name),
      kind: info.kind,
      causes: [{ reason: 'FieldValueInvalid', message: detail, field }],
    },
  );

export const expired = (message: string): Refusal => new Refusal(410, 'Expired', message);

/** Returns a 429. `causes`: what prevents the request, each with its reason. */
export const tooManyRequests = (
  message: string,
  retryAfterSeconds: number,
  causes: NonNullable<Details['causes']>,
): Refusal =>
  new Refusal(
    429,
    'TooManyRequests',
    message,
    { causes, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) },
    retryAfterSeconds > 0 ? { 'retry-after': String(retryAfterSeconds) } : {},
  );
