import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { echoed, openSession, type SessionOptions, standard, standardApi } from './fixture.ts';

describe('a function', () => {
  test('that takes too long is abandoned after 29 seconds, and continues', async () => {
    const functions = standard.functions.map((fn) => ({ ...fn, timeoutSeconds: 60 }));
    const done: number[] = [];
    const { call, calls, clock, world } = openSession({
      functions,
      handler: async (event) => {
        await clock.sleep(40_000);
        done.push(clock.now());
        return echoed(event);
      },
    });
    const start = clock.now();
    expect(await call('GET', '/migrations')).toMatchObject({
      status: 504,
      headers: { 'x-amzn-errortype': 'InternalServerErrorException' },
      body: '{"message":"Endpoint request timed out"}',
    });
    expect(clock.now() - start).toBe(29_000);
    await clock.spawn(() => clock.sleep(20_000));
    expect(done).toEqual([start + 40_000]);
    expect([calls(), world.log.calls.at(-1)]).toMatchObject([[{ status: 504 }], { operation: 'Invoke', status: 200 }]);
  });

  test('has the timeout of its method, and no timer is left when it is done', async () => {
    const apis = [
      { ...standardApi, methods: standardApi.methods.map((method) => ({ ...method, timeoutMilliseconds: 1500 })) },
    ];
    const { call, clock } = openSession({
      apis,
      functions: standard.functions.map((fn) => ({ ...fn, timeoutSeconds: 60 })),
      handler: async (event) => {
        await clock.sleep(event.queryStringParameters ? 2000 : 1000);
        return {};
      },
    });
    const start = clock.now();
    expect([(await call('GET', '/migrations')).status, clock.now() - start]).toEqual([200, 1000]);
    expect((await call('GET', '/migrations', { query: { slow: '1' } })).status).toBe(504);
    expect(clock.now() - start).toBe(2500);
  });

  test('serves many callers concurrently', async () => {
    const { call, clock, events } = openSession({
      handler: async (event) => {
        await clock.sleep(1000);
        return echoed(event);
      },
    });
    const start = clock.now();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => call('GET', `/migrations/${n}`)));
    expect(answers.map(({ body }) => (JSON.parse(body) as APIGatewayProxyEvent).pathParameters!['id'])).toEqual(
      Array.from({ length: 20 }, (_, n) => String(n)),
    );
    expect(events).toHaveLength(20);
    expect(clock.now() - start).toBe(1000);
  });

  test.each<[string, SessionOptions['handler']]>([
    [
      'throws',
      () => {
        throw new TypeError('secret detail');
      },
    ],
    ['returns nothing', () => undefined],
    ['returns an unknown field', () => ({ statusCode: 200, cookies: [] })],
    ['returns an object as the body', () => ({ statusCode: 200, body: { a: 1 } })],
    ['returns more than Lambda allows', () => ({ body: 'x'.repeat(6_300_000) })],
  ])('that %s is a bad gateway', async (_, handler) => {
    const { call, calls, sandboxGateway } = openSession({ handler });
    expect(await call('GET', '/migrations')).toMatchObject({
      status: 502,
      headers: { 'x-amzn-errortype': 'InternalServerErrorException' },
      body: '{"message":"Internal server error"}',
    });
    expect(calls()).toMatchObject([{ status: 502, error: 'InternalServerErrorException' }]);
    expect(sandboxGateway.failures).toEqual([]);
  });

  test('that times out itself is a bad gateway', async () => {
    const { call, clock } = openSession({ handler: () => clock.sleep(10_000) });
    const start = clock.now();
    expect((await call('GET', '/migrations')).status).toBe(502);
    // Lambda's default.
    expect(clock.now() - start).toBe(3000);
  });

  test.each<[string, NonNullable<SessionOptions['functions']>]>([
    ['does not allow API Gateway', standard.functions.map((fn) => ({ ...fn, permissions: [] }))],
    [
      'allows another API',
      standard.functions.map((fn) => ({
        ...fn,
        permissions: fn.permissions!.map((each) => ({
          ...each,
          sourceArn: each.sourceArn!.replace(standardApi.id, 'other'),
        })),
      })),
    ],
    [
      'allows API Gateway only without its version',
      standard.functions.map((fn) => ({
        ...fn,
        permissions: fn.permissions!.map((each) => ({ ...each, functionArn: fn.arn })),
      })),
    ],
    ['does not exist', []],
  ])('that %s is an error of the API', async (_, functions) => {
    const { call, events, world } = openSession({ functions });
    expect(await call('GET', '/migrations')).toMatchObject({
      status: 500,
      body: '{"message":"Internal server error"}',
    });
    expect(events).toEqual([]);
    expect(world.log.calls).toMatchObject([
      { service: 'lambda', caller: 'apigateway.amazonaws.com', status: functions.length === 0 ? 404 : 403 },
      { service: 'execute-api', status: 500 },
    ]);
  });

  test('whose permissions come from CDK can be invoked by every route', async () => {
    const { call } = openSession();
    const routes = [
      ['GET', '/migrations'],
      ['POST', '/migrations'],
      ['GET', '/migrations/01J'],
      ['GET', '/migrations/latest'],
      ['POST', '/migrations/01J/cancel'],
      ['PATCH', '/files/a/b'],
      ['GET', '/health'],
    ] as const;
    for (const [method, path] of routes) expect((await call(method, path)).status).toBe(200);
  });
});
