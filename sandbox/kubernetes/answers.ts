/** The API server's answers: JSON documents, and Status objects for refusals (k8s.io/apimachinery, api/errors). */
import type { HttpResponse } from '../http.ts';
import type { KindInfo } from './store.ts';

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private', ...headers },
  body: JSON.stringify(body),
});

export interface Details {
  name?: string;
  group?: string;
  kind?: string;
  causes?: { reason: string; message: string; field: string }[];
}

/** A refusal that becomes a Status object; `message` is the API server's wording. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: Details;
  readonly headers: Record<string, string>;
  constructor(status: number, reason: string, message: string, details: Details = {}, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.headers = headers;
  }

  answer(): HttpResponse {
    const { status, reason, message, details, headers } = this;
    return json(status, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code: status }, headers);
  }
}

/** `deployments.apps "x"`, as the API server names objects in its refusals. */
const qualified = ({ group, plural }: KindInfo, name: string): string => `${group === '' ? plural : `${plural}.${group}`} "${name}"`;
const detailsOf = ({ group, plural }: KindInfo, name: string): Details => ({ name, ...(group === '' ? {} : { group }), kind: plural });

export const badRequest = (message: string): Refusal => new Refusal(400, 'BadRequest', message);

export const notFound = (info: KindInfo, name: string): Refusal => new Refusal(404, 'NotFound', `${qualified(info, name)} not found`, detailsOf(info, name));

export const noSuchResource = (): Refusal => new Refusal(404, 'NotFound', 'the server could not find the requested resource');

export const methodNotAllowed = (allowed: string[]): Refusal =>
  new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {}, { allow: allowed.join(', ') });

export const unsupportedMediaType = (accepted: string[]): Refusal =>
  new Refusal(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);

export const conflict = (info: KindInfo, name: string): Refusal =>
  new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(info, name)}: the object has been modified; please apply your changes to the latest version and try again`,
    detailsOf(info, name),
  );

/** `field`: path such as `spec.replicas`; `detail`: `Invalid value: "x": must be …`. */
export const invalid = (info: KindInfo, name: string, field: string, detail: string): Refusal =>
  new Refusal(422, 'Invalid', `${info.kind}${info.group === '' ? '' : `.${info.group}`} "${name}" is invalid: ${field}: ${detail}`, {
    ...detailsOf(info, name),
    kind: info.kind,
    causes: [{ reason: 'FieldValueInvalid', message: detail, field }],
  });

export const expired = (message: string): Refusal => new Refusal(410, 'Expired', message);
