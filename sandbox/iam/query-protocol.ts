/**
 * The AWS Query protocol of IAM and STS: form-encoded requests, XML responses.
 * Specification: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html.
 */
import { constraintText, violation } from '../constraint.ts';
import type { Constraint } from '../constraint.ts';
import { ContentResponse, type HttpRequest, type HttpResponse } from '../http.ts';
import { isObject } from '../json.ts';

/** The content of an XML element: text, elements by name, or a list, written as `<member>` elements (`<item>` in EC2). */
export type XmlValue = string | number | boolean | undefined | XmlValue[] | { [name: string]: XmlValue };

/** An error that the caller receives as the protocol's error response. */
export class QueryError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface QueryApi {
  /** XML namespace of responses. */
  namespace: string;
  version: string;
  /** Service name in messages, such as `IAM`. */
  title: string;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

/** Writes a value as XML. `item`: the name of the elements of a list. */
export const toXml = (value: XmlValue, item = 'member'): string => {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((each) => `<${item}>${toXml(each, item)}</${item}>`).join('');
  if (typeof value === 'object') {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => `<${name}>${toXml(inner, item)}</${name}>`)
      .join('');
  }
  return escapeXml(String(value));
};

/** Returns the parameters of a request: from its form body or query (presigned requests, GET). */
export const readParameters = (request: HttpRequest): Map<string, string> => {
  const { content } = request;
  const form = content
    ? Object.entries(content).map(([name, value]): [string, string] => [name, String(value)])
    : new URLSearchParams(Buffer.from(request.body).toString('utf8'));
  const query = Object.entries(request.query).map(([name, value]): [string, string] => [
    name,
    Array.isArray(value) ? (value[0] ?? '') : value,
  ]);
  return new Map([...query, ...form].filter(([name]) => !name.startsWith('X-Amz-')));
};

/** Returns the values of a list: `NAME.member.1`, `NAME.member.2`, … */
export const membersOf = (parameters: Map<string, string>, name: string): string[] => {
  const values: string[] = [];
  for (
    let value = parameters.get(`${name}.member.1`);
    value !== undefined;
    value = parameters.get(`${name}.member.${values.length + 1}`)
  )
    values.push(value);
  return values;
};

/** Returns the items of a list of structures as parameters: `NAME.member.1.Key`, `NAME.member.1.Value`, … */
export const structuresOf = (parameters: Map<string, string>, name: string): Map<string, string>[] => {
  const structures: Map<string, string>[] = [];
  for (const [key, value] of parameters) {
    const [, position, member] = key.startsWith(`${name}.member.`)
      ? (/^(\d+)\.(.+)$/.exec(key.slice(`${name}.member.`.length)) ?? [])
      : [];
    if (position === undefined || member === undefined) continue;
    const structure = structures[Number(position) - 1] ?? new Map<string, string>();
    structures[Number(position) - 1] = structure.set(member, value);
  }
  return structures.filter((structure) => structure !== undefined);
};

const xmlResponse = (status: number, requestId: string, body: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
  body,
});

export const queryAnswer = (
  api: QueryApi,
  action: string,
  result: XmlValue | undefined,
  requestId: string,
): HttpResponse => {
  const toText = (content: XmlValue): string => {
    const inner = result === undefined ? '' : `<${action}Result>${toXml(content)}</${action}Result>`;
    return `<${action}Response xmlns="${api.namespace}">${inner}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>\n`;
  };
  const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId };
  return isObject(result) || result === undefined
    ? new ContentResponse(200, headers, result ?? {}, (content) => toText(content as XmlValue))
    : xmlResponse(200, requestId, toText(result));
};

export const queryRefusal = (
  status: number,
  code: string,
  message: string,
  requestId: string,
  namespace = 'https://iam.amazonaws.com/doc/2010-05-08/',
): HttpResponse =>
  xmlResponse(
    status,
    requestId,
    `<ErrorResponse xmlns="${namespace}"><Error>${toXml({ Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message })}</Error><RequestId>${requestId}</RequestId></ErrorResponse>\n`,
  );

const refuseInvalid = (faults: string[]): QueryError =>
  new QueryError(
    400,
    'ValidationError',
    `${faults.length} validation error${faults.length === 1 ? '' : 's'} detected: ${faults.join('; ')}`,
  );

/** Returns a parameter's name as messages write it, starting in lower case. */
const memberOf = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** Returns a required parameter. Throws QueryError with AWS's message if it is missing. */
export const required = (parameters: Map<string, string>, name: string): string => {
  const value = parameters.get(name);
  if (value !== undefined) return value;
  throw refuseInvalid([constraintText(undefined, memberOf(name), 'Member must not be null')]);
};

/**
 * Throws one QueryError for all parameters that violate their constraints, as AWS does. Missing parameters are valid.
 */
export const checkParameters = (parameters: Map<string, string>, constraints: Record<string, Constraint>): void => {
  const faults = Object.entries(constraints).flatMap(([name, constraint]) => {
    const value = parameters.get(name);
    if (value === undefined) return [];
    const why =
      constraint.range && !/^-?\d+$/.test(value)
        ? 'Member must be a number'
        : violation(constraint.range ? Number(value) : value, constraint);
    return why === undefined ? [] : [constraintText(value, memberOf(name), why)];
  });
  if (faults.length > 0) throw refuseInvalid(faults);
};
