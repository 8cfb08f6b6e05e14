import { describe, expect, test } from 'vitest';
import {
  customApi,
  FUNCTION_ROLE,
  methodArn,
  openSession,
  type SessionOptions,
  standard,
  standardApi,
} from './fixture.ts';
import { allow } from '../support.ts';
import { containing, matching } from '../../lambdas/matchers.ts';

const location = (more: SessionOptions = {}) => openSession({ apis: [customApi], ...more });
const parsed = ({ body }: { body: string }): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;

describe('gateway responses', () => {
  test('of a type take precedence over the defaults', async () => {
    const { plain, call } = location();
    expect(await plain({ path: '/v1/nothing' })).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'MissingAuthenticationTokenException' },
      body: '{"error":"none"}',
    });
    // The same for signed and unsigned requests, and for existing and missing paths.
    expect(await call('GET', '/nothing')).toMatchObject({ status: 404, body: '{"error":"none"}' });
    expect(await plain({})).toMatchObject({ status: 404, body: '{"error":"none"}' });
  });

  test('have the type that the caller accepts', async () => {
    const { plain } = location();
    const accepting = async (accept: string) => plain({ path: '/v1/nothing', headers: { accept } });
    expect(await accepting('text/html, text/plain;q=0.5')).toMatchObject({
      headers: { 'content-type': 'text/plain' },
      body: 'There is no /v1/nothing',
    });
    for (const accept of ['application/json', '*/*', 'image/png'])
      expect(await accepting(accept)).toMatchObject({
        headers: { 'content-type': 'application/json' },
        body: '{"error":"none"}',
      });
  });

  test('for all client errors keep the status and fill in the template', async () => {
    const { call, client, caller } = location();
    const answer = await call(
      'GET',
      '/migrations/01J',
      {},
      client({ credentials: { ...caller, secretAccessKey: 'guess' } }),
    );
    expect(answer).toMatchObject({
      status: 403,
      headers: { 'content-type': 'application/problem+json', 'x-amzn-errortype': 'InvalidSignatureException' },
    });
    expect(answer.headers['x-request']).toBe(answer.headers['x-amzn-requestid']);
    const message = matching(/^The request signature we calculated does not match/);
    expect(parsed(answer)).toEqual({
      title: message,
      type: 'INVALID_SIGNATURE',
      raw: message,
      id: answer.headers['x-amzn-requestid'],
      path: '/v1/migrations/01J',
      resource: '/migrations/{id}',
      colour: 'blue',
      who: '',
    });
  });

  test('for all server errors may change the status', async () => {
    const { call } = location({ handler: () => null });
    const answer = await call('GET', '/migrations');
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'application/problem+json' } });
    expect(parsed(answer)).toMatchObject({
      title: 'Internal server error',
      type: 'INTEGRATION_FAILURE',
      who: containing('assumed-role/plan-function/'),
    });
  });

  test('without a template keep the body, and headers can come from the request', async () => {
    const { call } = location({ statements: [allow('execute-api:Invoke', methodArn('*/GET/*'))] });
    const answer = await call('POST', '/migrations/an%20id/cancel', { query: { q: ['1', 'two'] } });
    expect(answer).toMatchObject({
      status: 403,
      headers: {
        'content-type': 'application/json',
        'x-id': 'an id',
        'x-q': 'two',
        'x-host': customApi.host,
        'x-colour': 'blue',
        'x-fixed': "it''s",
      },
    });
    expect(parsed(answer)['message']).toContain('is not authorized to perform: execute-api:Invoke');
  });

  test("do not affect a function's own answer", async () => {
    const { call } = location({ handler: () => ({ statusCode: 500, body: 'mine' }) });
    expect(await call('GET', '/migrations')).toMatchObject({ status: 500, body: 'mine' });
  });

  test('apply to each type of failure', async () => {
    const typeOf = async (more: SessionOptions, path = '/migrations', body?: string): Promise<unknown> =>
      parsed(await location(more).call('POST', path, body === undefined ? {} : { body }))['type'];
    const slow = standard.functions.map((fn) => ({ ...fn, timeoutSeconds: 60 }));
    expect(await typeOf({ functions: slow, handler: (_, clock) => clock.sleep(40_000) })).toBe('INTEGRATION_TIMEOUT');
    expect(await typeOf({ functions: [] })).toBe('API_CONFIGURATION_ERROR');
    expect(await typeOf({}, '/migrations', 'x'.repeat(6_300_000))).toBe('REQUEST_TOO_LARGE');
    const { world, client, call } = location();
    const key = [...world.accessKeys.values()].find(({ principalArn }) => principalArn === FUNCTION_ROLE)!;
    key.expiresAt = 0;
    expect(parsed(await call('GET', '/migrations', {}, client()))['type']).toBe('EXPIRED_TOKEN');
  });

  test.each<[NonNullable<NonNullable<SessionOptions['knobs']>['apiUnusableAnswer']>, number]>([
    ['INTEGRATION_FAILURE', 599],
    ['API_CONFIGURATION_ERROR', 598],
    ['DEFAULT_5XX', 597],
  ])('for a malformed answer are those of %s', async (apiUnusableAnswer, status) => {
    const responses = {
      INTEGRATION_FAILURE: { status: 599, headers: {}, templates: {} },
      API_CONFIGURATION_ERROR: { status: 598, headers: {}, templates: {} },
      DEFAULT_5XX: { status: 597, headers: {}, templates: {} },
    };
    const { call } = openSession({
      apis: [{ ...standardApi, responses }],
      knobs: { apiUnusableAnswer },
      handler: () => 'text',
    });
    expect((await call('GET', '/migrations')).status).toBe(status);
  });
});
