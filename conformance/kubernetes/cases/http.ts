/** Requests and answers of the cases, in the form of each server. */
import type { HttpRequest } from '../../../sandbox/http.ts';
import { isObject } from '../../../sandbox/json.ts';
import type { Answer, Sent } from './server.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';

/** Returns headers and body of a request. */
export const messageOf = (
  method: string,
  { body, type, headers = {} }: Sent,
): { headers: Record<string, string>; body: string } => ({
  headers: {
    accept: 'application/json',
    'user-agent': 'conformance/1',
    ...(body === undefined ? {} : { 'content-type': type ?? (method === 'PATCH' ? STRATEGIC : 'application/json') }),
    ...headers,
  },
  body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
});

/** Returns a request as the sandbox's transports pass it to services. */
export const requestOf = (method: string, path: string, sent: Sent): HttpRequest => {
  const url = new URL(path, 'https://sandbox');
  const query: HttpRequest['query'] = {};
  for (const key of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(key);
    query[key] = values.length > 1 ? values : (values[0] ?? '');
  }
  const { headers, body } = messageOf(method, sent);
  return { method, host: url.host, path: url.pathname, query, headers, body: Buffer.from(body) };
};

/** Returns an answer with its decoded body. */
export const asAnswer = (status: number, text: string): Answer => {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status, text, body: isObject(body) ? body : {} };
};
