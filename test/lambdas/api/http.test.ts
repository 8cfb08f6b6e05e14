/** What is wrong with a request before anybody looks at what it asks for, and what is told of failures. */
import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { UNEXPECTED_ERROR } from '../../../lambdas/domain/events/metrics.ts';
import { LONGEST_PRINCIPAL } from '../../../lambdas/domain/aws/principal.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { apiStep } from '../../../lambdas/steps/api/handler.ts';
import { lost } from '../fakes.ts';
import { ADDON, aMigration, MIGRATION_ID, target } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { eventOf, handle, newFakes, problemIn, proxied, REQUEST_ID, send, started, fieldsIn } from './gateway.ts';
import type { Request } from './gateway.ts';
import { words } from '../../words.ts';

const it = test.extend('fakes', () => newFakes());
const body = { target, addon: ADDON };
const post = (change: Partial<Request>): Request => ({ method: 'POST', path: '/migrations', body, ...change });
const text = (value: string, change: Partial<Request> = {}): Request =>
  post({ body: value, headers: { 'content-type': 'application/json' }, ...change });

describe('a path', () => {
  it.each([
    '/',
    '/migration',
    '/migrations/x/y',
    `/migrations/${MIGRATION_ID}/approval/x`,
    '//migrations',
    '/__proto__',
    '/clusters/x',
    '/plans/a/b',
    '',
  ])('that is not there is a problem: %s', async (path) =>
    expect(
      problemIn(await handle(newFakes(), { ...eventOf(post({})), path, resource: null }), 'unknown-path').status,
    ).toBe(404),
  );

  it.each([
    ['DELETE', '/migrations', 'POST, GET, HEAD, OPTIONS'],
    ['GET', `/migrations/${MIGRATION_ID}/cancel`, 'POST, OPTIONS'],
    ['PUT', `/plans/${MIGRATION_ID}`, 'GET, HEAD, OPTIONS'],
    ['post', '/plans', 'POST, OPTIONS'],
    ['__proto__', '/plans', 'POST, OPTIONS'],
    ['TRACE', '/clusters/x/identities', 'GET, HEAD, OPTIONS'],
  ])('does not know the method %s of %s, and says which it knows', async (method, path, allow) => {
    for (const event of [eventOf({ method, path }), proxied({ method, path })]) {
      const answer = await handle(newFakes(), event);
      expect(problemIn(answer, 'method-not-allowed').detail).toContain(`Use one of ${allow}.`);
      expect(answer).toMatchObject({ status: 405, headers: { allow } });
    }
  });

  it.each(['/', '/plan', '/migrations/x/y', '/clusters', '/%6digrations', '//migrations', '/%zz'])(
    'that is not there is a problem that names it, and no method makes it one that is: %s',
    async (path) => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const found = problemIn(await handle(newFakes(), proxied({ method, path })), 'unknown-path');
        expect(found.detail).toContain(`The path ${path} does not exist.`);
      }
      const head = await handle(newFakes(), proxied({ method: 'HEAD', path }));
      expect([head.status, head.body]).toEqual([404, undefined]);
    },
  );

  it('that came by no method of its own runs no operation, whatever it looks like', async ({ fakes }) => {
    for (const path of ['/migrations', '/migrations/'])
      problemIn(await handle(fakes, proxied({ ...post({}), path })), 'unknown-path');
    expect(started(fakes)).toEqual({ migrations: 0, rollbacks: 0, changes: 0 });
  });

  it('is answered for HEAD as for GET, without the body', async ({ fakes }) => {
    await fakes.ledger.putMigration(aMigration());
    const path = `/migrations/${MIGRATION_ID}`;
    const got = await send(fakes, { method: 'GET', path });
    expect(await handle(fakes, proxied({ method: 'HEAD', path }))).toEqual({ ...got, body: undefined });
    const missing = await handle(fakes, proxied({ method: 'HEAD', path: '/migrations/x' }));
    expect(missing).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
    const posted = await handle(fakes, proxied({ method: 'HEAD', path: `${path}/cancel` }));
    expect(posted).toMatchObject({ status: 405, headers: { allow: 'POST, OPTIONS' }, body: undefined });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('answers OPTIONS with its methods, and nothing else', async ({ fakes }) => {
    const answer = await handle(fakes, proxied({ method: 'OPTIONS', path: '/migrations' }));
    expect(answer).toMatchObject({ status: 204, headers: { allow: 'POST, GET, HEAD, OPTIONS' }, body: undefined });
    expect(fakes.journal.names()).toEqual([]);
  });

  it.each([
    ['/base/plans/x/y', 'plans/x/y', '/plans/x/y'],
    ['/plans/a%2Fb/c', 'plans/a/b/c', '/plans/a%2Fb/c'],
    ['/plans/x/y/', 'plans/x/y', '/plans/x/y'],
    ['/elsewhere', 'plans/x/y', '/plans/x/y'],
  ])('%s of a proxy %s is named %s', async (path, proxy, named) => {
    const event = { ...proxied({ method: 'GET', path }), pathParameters: { proxy } };
    expect(problemIn(await handle(newFakes(), event), 'unknown-path').detail).toContain(
      `The path ${named} does not exist.`,
    );
  });

  it('may end in a slash', async () =>
    expect((await send(newFakes(), { method: 'GET', path: '/migrations/' })).status).toBe(200));
});

describe('a body', () => {
  it.each([['application/json'], ['application/json; charset=utf-8'], ['Application/JSON;charset="UTF-8"']])(
    'of type %s is read, in base 64 too',
    async (type) => {
      for (const base64 of [false, true]) {
        const request = post({ headers: { 'CONTENT-TYPE': type }, body: JSON.stringify(body), base64 });
        expect((await send(newFakes(), request)).status).toBe(202);
      }
    },
  );

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/jsonp'],
    ['application/json; charset=latin1'],
    [''],
  ])('of type %j is not, unless it is empty', async (type) => {
    const typed = text(JSON.stringify(body), { headers: { 'content-type': type } });
    expect(problemIn(await send(newFakes(), typed), 'not-json').status).toBe(415);
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration());
    const cancel = { method: 'POST', path: `/migrations/${MIGRATION_ID}/cancel`, headers: { 'content-type': type } };
    expect((await send(fakes, { ...cancel, body: '' })).status).toBe(202);
  });
  it.each(['gzip', 'br', 'identity, gzip', 'x'])('of the content coding %s is not read', async (coding) => {
    const headers = { 'content-type': 'application/json', 'Content-Encoding': coding };
    for (const base64 of [false, true]) {
      const answer = await send(newFakes(), text(JSON.stringify(body), { headers, base64 }));
      expect(problemIn(answer, 'unsupported-encoding').detail).toContain(`content-encoding ${coding}`);
      expect(answer).toMatchObject({ status: 415, headers: { 'accept-encoding': 'identity' } });
    }
    const identity = { ...headers, 'Content-Encoding': 'Identity' };
    expect((await send(newFakes(), text(JSON.stringify(body), { headers: identity }))).status).toBe(202);
  });
  it.each([
    ['{"dryRun":true,"dryRun":false}', 'body.dryRun'],
    ['{"target":{"cluster":"a","account":"1","cluster":"b"}}', 'body.target.cluster'],
    ['{"roles":[{"roleArn":"a"},{"roleArn":"a","roleArn":"b"}]}', 'body.roles.1.roleArn'],
  ])('with a key that is there twice is refused, and starts nothing: %s', async (value, field) => {
    const fakes = newFakes();
    const whole = value.replace('{', `{${JSON.stringify({ addon: ADDON }).slice(1, -1)},`);
    const found = problemIn(await send(fakes, text(whole)), 'invalid-request');
    expect(found.errors).toEqual([{ field, message: 'is given more than once' }]);
    expect(started(fakes)).toEqual({ migrations: 0, rollbacks: 0, changes: 0 });
  });
  it.each<[string, Request['headers']]>([
    ['no type', { accept: '*/*' }],
    ['two', { 'content-type': ['application/json', 'text/plain'] }],
  ])('of %s is not', async (_, headers = {}) => {
    const sent = post({ body: JSON.stringify(body), headers });
    expect(problemIn(await send(newFakes(), sent), 'not-json').status).toBe(415);
  });

  it('may be left out where there is nothing to say', async ({ fakes }) => {
    await fakes.ledger.putMigration(aMigration());
    const cancel = { method: 'POST', path: `/migrations/${MIGRATION_ID}/cancel` };
    for (const request of [cancel, { ...cancel, body: '', headers: { 'content-type': 'application/json' } }])
      expect((await send(fakes, request)).status).toBe(202);
    expect(fieldsIn(await send(fakes, { method: 'POST', path: '/migrations' }))).toContain('body.target');
  });

  const deep = (open: string, close: string): string => `{"a":${open.repeat(9000)}${close.repeat(9000)}}`;
  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['text', '"x"'],
    ['null', 'null'],
    ['a number', '1e400'],
    ['a key __proto__', '{"__proto__":{"dryRun":true}}'],
    ['one deep inside', '{"target":{"a":[{"__proto__":1}]}}'],
    ['half a character', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64')],
  ])('that is %s is a problem of the body', async (what, value) => {
    const request =
      what === 'half a character' ? { ...eventOf(text('')), body: value, isBase64Encoded: true } : eventOf(text(value));
    expect(fieldsIn(await handle(newFakes(), request))).toEqual(['body']);
  });
  it('that is deep does no harm', async () => {
    for (const value of [deep('[', ']'), deep('{"a":', '}').replace('}}', '1}}')])
      expect(problemIn(await send(newFakes(), text(value)), 'invalid-request').detail).toMatch(
        /line 1, column \d+: nested deeper than 32 levels$/,
      );
  });
  it('that is not base 64 though it is said to be, or no text at all, is a problem', async () => {
    for (const value of ['{}', '====', 'abc', 17, {}]) {
      const found = problemIn(
        await handle(newFakes(), { ...eventOf(text('')), body: value, isBase64Encoded: value !== 17 }),
        'invalid-request',
      );
      expect(found.errors?.[0]?.field).toMatch(/^body/);
    }
  });
  it('may have 64 KiB', async () => {
    const padded = (size: number): string => JSON.stringify({ ...body, reason: 'x' }).padEnd(size);
    for (const base64 of [false, true]) {
      expect((await send(newFakes(), text(padded(65_536), { base64 }))).status).toBe(202);
      expect(problemIn(await send(newFakes(), text(padded(65_537), { base64 })), 'too-large').status).toBe(413);
    }
    problemIn(await send(newFakes(), text('ü'.repeat(40_000))), 'too-large');
  });
});

it.each([null, undefined, '', 42, 'x'.repeat(LONGEST_PRINCIPAL + 1), 'a\nb'])(
  'a caller that is unnamed is nobody: %j',
  async (userArn) => {
    for (const request of [post({}), { method: 'GET', path: '/migrations' }]) {
      const event = eventOf(request);
      const requestContext = { ...(event['requestContext'] as object), identity: { userArn } };
      const fakes = newFakes();
      expect(problemIn(await handle(fakes, { ...event, requestContext }), 'unauthenticated').status).toBe(403);
      expect(fakes.journal.names()).toEqual([]);
    }
  },
);

describe('all that is wrong', () => {
  it('is told at once', async () => {
    const found = problemIn(
      await send(
        newFakes(),
        post({
          query: { x: '1' },
          headers: { 'idempotency-key': '' },
          body: { target: { account: '1' }, force: true },
        }),
      ),
      'invalid-request',
    );
    expect(found.errors?.map(({ field }) => field).sort()).toEqual(words`
      body.force body.target.account body.target.cluster body.target.region header.idempotency-key query.x
    `);
    expect(found.detail).toContain('query.x: is not a parameter of this operation; ');
  });
  it('is counted, where it is more than a person reads', async () => {
    const junk = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`x${index}`, 1]));
    const found = problemIn(await send(newFakes(), post({ body: { ...body, ...junk } })), 'invalid-request');
    expect([found.errors?.length, found.moreErrors]).toEqual([20, 2980]);
    expect(found.detail).toMatch(
      /^3000 parts of the request are invalid\. The first 20 are: body\.x0: is not a known field; body\.x1: /,
    );
    const few = problemIn(await send(newFakes(), post({ body: { ...body, x: 1 } })), 'invalid-request');
    expect(few).not.toHaveProperty('moreErrors');
  });
  it('is reported in plain English', async () => {
    const found = problemIn(
      await send(newFakes(), post({ body: { target: 'x', addon: 1, dryRun: 'no', strategy: 'none', roles: [] } })),
      'invalid-request',
    );
    expect(Object.fromEntries(found.errors!.map(({ field, message }) => [field, message]))).toMatchObject({
      'body.target': 'must be an object',
      'body.addon': 'must be text',
      'body.dryRun': 'must be true or false',
      'body.strategy': 'must be one of "auto", "in-place", "recreate"',
      'body.roles': 'must be an object',
    });
  });
  it('is told of a key that acts on a terminal, escaped and cut', async () => {
    const found = problemIn(
      await send(newFakes(), post({ body: { ...body, [`\u001b[31m${'x'.repeat(5000)}`]: 1 } })),
      'invalid-request',
    );
    expect(found.errors?.[0]?.field).toMatch(/^body\.\\x1b\[31mx{59}… /);
    expect(found.detail.length).toBeLessThan(300);
  });
});

describe('a failure', () => {
  it.each(['Throttled', 'ServiceUnavailable', 'ConnectionLost', 'Busy', 'OutOfTime'] as const)(
    'that may be over in a moment (%s) is to be tried again',
    async (name) => {
      const fakes = newFakes();
      fakes.journal.refuseNext('ledger.getFile', name, 'dynamodb:Query arn:aws:dynamodb:secret');
      const answer = await send(fakes, { method: 'GET', path: `/migrations/${MIGRATION_ID}` });
      expect([problemIn(answer, 'unavailable').status, answer.headers['retry-after']]).toEqual([503, '5']);
      expect(JSON.stringify(answer)).not.toContain('dynamodb');
      expect(fakes.telemetry.counts).toMatchObject({ [name]: 1 });
    },
  );

  it.each([
    ['a defect', new TypeError("Cannot read properties of undefined (reading 'secret')")],
    ['an error of ours that no route expects', new MigrationError('BadInput', 'a record with a secret in it')],
    ['a right that is missing', new MigrationError('AccessDenied', 'secret')],
  ])('that is %s is counted and logged, and nothing is told of it', async (_, error) => {
    const fakes = newFakes();
    fakes.journal.failNext('ledger.getFile', 'before', error);
    const answer = await send(fakes, { method: 'GET', path: `/migrations/${MIGRATION_ID}` });
    expect(problemIn(answer, 'unexpected').status).toBe(500);
    expect(JSON.stringify(answer)).not.toMatch(/secret|\.ts|\n/);
    expect(fakes.telemetry.counts).toMatchObject({ [UNEXPECTED_ERROR]: 1, [error.name]: 1 });
    expect(fakes.telemetry.lines.map(({ message }) => message)).toEqual([
      `api: ${error.name}`,
      'api: a request could not be answered',
    ]);
    expect(fakes.telemetry.lines.at(-1)?.fields).toEqual({
      requestId: REQUEST_ID,
      method: 'GET',
      path: `/migrations/${MIGRATION_ID}`,
    });
  });

  it('of an answer that does not fit its own schema is one too', async ({ fakes }) => {
    fakes.ledger.listMigrations = async () => ({ migrations: [{ migrationId: 'none' } as never] });
    expect(problemIn(await send(fakes, { method: 'GET', path: '/migrations' }), 'unexpected').status).toBe(500);
  });

  it('writes nothing of what was sent into the log', async ({ fakes }) => {
    await send(fakes, post({ body: { ...body, reason: 'a-secret' }, headers: { 'idempotency-key': 'other-secret' } }));
    fakes.journal.failNext('ledger.claim', 'before', lost());
    await send(fakes, post({ body: { ...body, reason: 'a-secret' } }));
    await send(fakes, text('{"a-secret'));
    expect(fakes.telemetry.lines.length).toBeGreaterThan(1);
    expect(JSON.stringify(fakes.telemetry.lines)).not.toContain('secret');
  });

  it('to be called by API Gateway is thrown: there is nobody to answer', async ({ fakes }) => {
    const handler = createHandler(apiStep, fakes.dependencies);
    for (const event of [{}, { httpMethod: 'POST', path: '/migrations', body: '{}' }, null])
      await expectError(handler(event, { getRemainingTimeInMillis: () => 1 } as LambdaContext), 'BadInput');
    expect(started(fakes).changes).toBe(0);
  });
});
