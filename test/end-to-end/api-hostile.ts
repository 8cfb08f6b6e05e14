/** Hostile requests, signed, through the gateway. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { problem } from '../../lambdas/api/problems.ts';
import { hostileEvent } from '../lambdas/api/hostile.ts';
import { inApiWorld, migrationsIn } from './api-world.ts';

interface HostileEvent {
  httpMethod: string;
  path: string;
  multiValueQueryStringParameters: Record<string, string[]> | null;
  headers: unknown;
  body: unknown;
}
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];

/** Returns the part of it that HTTP can carry: a path that a URL can have, header values that a header may have. */
const asRequest = ({ httpMethod, path, multiValueQueryStringParameters: query, headers, body }: HostileEvent) => {
  const key =
    typeof headers === 'object' && headers !== null
      ? Object.entries(headers).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1]
      : undefined;
  const type =
    typeof headers === 'object' && headers !== null
      ? Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
      : undefined;
  const isFit = (value: unknown): value is string =>
    typeof value === 'string' && /^[\x21-\x7e]([\x20-\x7e]{0,300}[\x21-\x7e])?$/.test(value);
  return {
    method: METHODS.includes(httpMethod) ? httpMethod : 'POST',
    path: `/${encodeURI(path.toWellFormed())
      .replaceAll(/[?#\\]/g, encodeURIComponent)
      .replace(/^\/+/, '')}`,
    options: {
      query:
        typeof query === 'object' &&
        query !== null &&
        Object.values(query).every(
          (values) =>
            Array.isArray(values) && values.every((value) => typeof value === 'string' && value.isWellFormed()),
        )
          ? Object.fromEntries(
              Object.entries(query).filter(([name]) => name !== '' && name !== '__proto__' && name.isWellFormed()),
            )
          : {},
      headers: { ...(isFit(key) ? { 'idempotency-key': key } : {}), ...(isFit(type) ? { 'content-type': type } : {}) },
      ...(body === null || body === undefined || httpMethod === 'GET' || httpMethod === 'HEAD'
        ? {}
        : { body: typeof body === 'string' ? body.toWellFormed() : JSON.stringify(body) }),
    },
  };
};

/**
 * Sends this many, always the same ones, and expects each to be answered, and never by a 5xx; everything but a success
 * is a problem, and starts nothing.
 */
export const expectHostileAnswered = async (runs: number): Promise<void> => {
  await inApiWorld({}, async ({ world, sandbox, ann }) => {
    const statuses = new Map<number, number>();
    const sample = fc.sample(hostileEvent, { numRuns: runs, seed: 20_260_105 }) as unknown as HostileEvent[];
    // A path that a URL resolves upwards belongs to no stage, so the API does not answer it.
    for (const { method, path, options } of sample
      .map(asRequest)
      .filter((one) => new URL(`https://api/v1${one.path}`).pathname.startsWith('/v1/'))) {
      const before = migrationsIn({ world, sandbox }).length;
      const { status, headers, text } = await ann.ask(method, path, options);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const what = `${method} ${path.slice(0, 200)} ${JSON.stringify(options).slice(0, 500)} ${text.slice(0, 500)}`;
      if (status >= 200 && status < 300) continue;
      const isProblem =
        headers['content-type'] === 'application/problem+json' &&
        (method === 'HEAD' ? text === '' : problem.safeParse(JSON.parse(text)).success);
      const started = migrationsIn({ world, sandbox }).length - before;
      expect({ what, is4xx: status >= 400 && status < 500, isProblem, started }).toEqual({
        what,
        is4xx: true,
        isProblem: true,
        started: 0,
      });
    }
    // They reach the Lambda, regardless of path and method.
    for (const status of [400, 404]) expect(statuses.get(status), `answers of ${status}`).toBeGreaterThan(runs / 60);
    expect([statuses.get(405), statuses.get(403)]).toEqual([expect.any(Number), undefined]);
    await world.rest();
  });
};
