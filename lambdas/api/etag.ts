/** Avoids sending an answer to a caller that already has it: RFC 9110, "ETag" and "If-None-Match". */
import { sha256 } from '../domain/text/sha256.ts';
import { headersOf } from './event.ts';
import type { ProxyEvent, ProxyResult } from './proxy.ts';

const etagOf = (body: string): string => `"${sha256(body).slice(0, 32)}"`;

/** Returns whether the caller has the answer. If-None-Match compares weak and strong ETags alike. */
const isKnown = (given: string[], etag: string): boolean =>
  given.some((list) => list.trim() === '*' || list.split(',').some((one) => one.trim().replace(/^W\//, '') === etag));

/** Returns the answer to a GET or HEAD with its ETag, or 304 without a body if the caller already has it. */
export function withEtag(event: ProxyEvent, answer: ProxyResult): ProxyResult {
  if (answer.statusCode !== 200 || !['GET', 'HEAD'].includes(event.httpMethod)) return answer;
  const etag = etagOf(answer.body);
  const headers: Record<string, string> = { ...answer.headers, etag };
  if (!isKnown(headersOf(event).get('if-none-match') ?? [], etag)) return { ...answer, headers };
  const { 'content-type': _type, ...others } = headers;
  return { statusCode: 304, headers: others, body: '' };
}
