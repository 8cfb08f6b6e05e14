/**
 * Requests that API Gateway refuses before invoking a function: too many requests, long headers, and undecodable
 * queries.
 */
import { describe, expect, test } from 'vitest';
import type { AssemblyApi } from '../../../sandbox/assembly/apis.ts';
import { badQueryOf } from '../../../sandbox/transports/query.ts';
import { openSession, standardApi } from './fixture.ts';

const throttled = (rate: number, burst: number): AssemblyApi => ({
  ...standardApi,
  stages: standardApi.stages.map((stage) => ({ ...stage, throttle: { rate, burst } })),
});

describe('a stage with a rate and a burst', () => {
  test('allows the burst at once, then one by one, and answers the rest as THROTTLED', async () => {
    const location = openSession({ apis: [throttled(2, 3)] });
    const atOnce = await Promise.all(Array.from({ length: 5 }, () => location.call('GET', '/migrations')));
    expect(atOnce.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 429, 429]);
    expect(atOnce.find(({ status }) => status === 429)).toMatchObject({
      body: '{"message":"Too Many Requests"}',
      headers: { 'x-amzn-errortype': 'TooManyRequestsException' },
    });
    await location.clock.spawn(() => location.clock.sleep(500));
    const later = [await location.call('GET', '/migrations'), await location.call('GET', '/migrations')];
    expect(later.map(({ status }) => status)).toEqual([200, 429]);
  });

  test('has one bucket for each method, shared by all callers', async () => {
    const location = openSession({ apis: [throttled(1, 1)] });
    expect([(await location.plain({})).status, (await location.call('GET', '/migrations')).status]).toEqual([403, 429]);
    expect((await location.call('POST', '/migrations')).status).toBe(200);
  });

  test('refuses nothing if API Gateway allows more than the target', async () => {
    const location = openSession({ apis: [throttled(1, 1)], knobs: { apiThrottling: 'off' } });
    const statuses = [await location.call('GET', '/migrations'), await location.call('GET', '/migrations')];
    expect(statuses.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('a request line and headers', () => {
  const size = (padding: number) => ({ headers: { 'x-padding': 'x'.repeat(padding) }, path: '/v1/health' });
  test('of more than 10,240 bytes are refused before the API', async () => {
    const location = openSession();
    expect((await location.plain(size(10_000))).status).toBe(200);
    expect(await location.plain(size(10_240))).toMatchObject({
      status: 431,
      body: 'HTTP header is larger than 10240 bytes.',
    });
    expect(location.events).toHaveLength(1);
    const other = openSession({ knobs: { apiLongHeadersStatus: 413 } });
    expect((await other.plain(size(10_240))).status).toBe(413);
  });

  test('include the query', async () => {
    const location = openSession();
    expect(
      (await location.plain({ path: '/v1/health', query: { q: ['x'.repeat(6000), 'y'.repeat(6000)] } })).status,
    ).toBe(431);
  });
});

test.each(['?%', '?%zz', '?a=%4', '?a=1&b=%%20'])(
  'a query %s is answered 400, and no function is invoked',
  async (search) => {
    const location = openSession();
    const answer = await location.plain({ path: '/v1/health', ...badQueryOf(search) });
    expect([[answer.status, answer.body], location.events]).toEqual([[400, '{"message":"Bad Request"}'], []]);
  },
);

test.each(['', '?a=%20&b=%C3%BC', '?%7E'])('a query %s is decoded', (search) => expect(badQueryOf(search)).toEqual({}));
