/** Builds requests whose input is plain data, in the protocol of the service. */
import type { HttpRequest } from '../http.ts';
import type { Json } from '../json.ts';
import type { Member, Shape } from '../shapes.ts';
import type { Protocol } from './sdk-protocol.ts';
import { membersToJson, toJson, toParameters, valueOf } from './values.ts';

/** Builds a request without its host. */
export type Form = (input: Json) => Omit<HttpRequest, 'host'>;

const NO_BODY = new Uint8Array();

/** Encodes as RFC 3986 and as the SDK encodes path segments. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const queryValue = (value: unknown): string | string[] => (Array.isArray(value) ? value.map(String) : String(value));

const restForm = ([method, uri]: [string, string, number], { members }: Shape): Form => {
  const [path = ''] = uri.split('?');
  const labels = new Map(
    members.filter(({ binding }) => binding?.in === 'label').map((member) => [member.name, member]),
  );
  const queries = members.flatMap((member) =>
    member.binding?.in === 'query' ? [{ member, name: member.binding.name }] : [],
  );
  const inBody = members.filter(({ binding }) => binding === undefined);
  const labelOf = (input: Json, name: string): string => {
    const member = labels.get(name);
    const value = member && valueOf(member, input);
    if (typeof value === 'string' && value !== '') return encode(value);
    throw new Error(`No value provided for input HTTP label: ${name}.`);
  };
  return (input) => ({
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => labelOf(input, name)),
    query: queryOf(queries, input),
    headers: { 'content-type': 'application/json' },
    body: NO_BODY,
    content: membersToJson(inBody, input),
  });
};

const queryOf = (queries: readonly { member: Member; name: string }[], input: Json): HttpRequest['query'] => {
  const query: HttpRequest['query'] = {};
  for (const { member, name } of queries) {
    const value = valueOf(member, input);
    if (value !== undefined) query[name] = queryValue(value);
  }
  return query;
};

const jsonForm = (version: string, target: string, shape: Shape): Form => {
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target };
  return (input) => ({
    method: 'POST',
    path: '/',
    query: {},
    headers,
    body: NO_BODY,
    content: toJson(shape, input) as Json,
  });
};

const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };

const queryForm = (action: string, version: string, shape: Shape): Form => {
  return (input) => {
    const content: Json = { Action: action, Version: version };
    toParameters(shape, input, '', content);
    return { method: 'POST', path: '/', query: {}, headers: FORM_HEADERS, body: NO_BODY, content };
  };
};

interface Details {
  serviceTarget?: string;
  options?: { version?: string };
}

/**
 * Returns undefined for cases that only the SDK supports: another protocol, a host of its own, a path label that spans
 * several segments.
 */
export const formOf = (protocol: Protocol, name: string, traits: unknown, input: Shape): Form | undefined => {
  const { http, endpoint } = (typeof traits === 'object' && traits !== null ? traits : {}) as {
    http?: [string, string, number];
    endpoint?: unknown;
  };
  if (endpoint !== undefined) return undefined;
  const { serviceTarget, options } = protocol as Details;
  switch (protocol.getShapeId()) {
    case 'aws.protocols#restJson1':
      return http && !http[1].includes('+}') ? restForm(http, input) : undefined;
    case 'aws.protocols#awsJson1_0':
      return jsonForm('1.0', `${serviceTarget ?? ''}.${name}`, input);
    case 'aws.protocols#awsJson1_1':
      return jsonForm('1.1', `${serviceTarget ?? ''}.${name}`, input);
    case 'aws.protocols#awsQuery':
      return queryForm(name, options?.version ?? '', input);
    default:
      return undefined;
  }
};
