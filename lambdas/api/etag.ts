/** Answers that are not sent again to whoever has them: RFC 9110, "ETag" and "If-None-Match". */
import { sha256 } from '../domain/text/sha256.ts';
import { headersOf } from './event.ts';
import type { ProxyEvent, ProxyResult } from './proxy.ts';

const etagOf = (body: string): string => `"${sha256(body).slice(0, 32)}"`;

/** A weak one is compared as a strong one is. */
const isKnown = (given: string[], etag: string): boolean =>
  given.some((list) => list.trim() === '*' || list.split(',').some((one) => one.trim().replace(/^W\//, '') === etag));

/** The answer to a GET or HEAD, with its ETag; 304 without a body where the caller has it. */
export function withEtag(event: ProxyEvent, answer: ProxyResult): ProxyResult {
  if (answer.statusCode !== 200 || !['GET', 'HEAD'].includes(event.httpMethod)) return answer;
  const etag = etagOf(answer.body);
  const headers: Record<string, string> = { ...answer.headers, etag };
  if (!isKnown(headersOf(event).get('if-none-match') ?? [], etag)) return { ...answer, headers };
  const { 'content-type': _type, ...others } = headers;
  return { statusCode: 304, headers: others, body: '' };
}
