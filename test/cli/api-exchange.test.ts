import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isPrintable } from '../../lambdas/domain/text/text.ts';
import { asked, CREDENTIALS, fakeApi, type FakeApi, json, lost, problemAnswer, thrownBy } from './api-fixtures.ts';
import { containing, matching } from '../lambdas/matchers.ts';

/** Returns the same JSON in another notation. */
const escaped = (reply: { body?: string }) => ({ ...reply, body: reply.body?.replaceAll('/', String.raw`\/`) ?? '' });

const answer = z.object({ ok: z.boolean() });
const post = (api: FakeApi) =>
  api.ask({ method: 'POST', path: '/migrations', body: { addon: 'a' }, idempotencyKey: 'key-1', answer });
const get = (api: FakeApi) => api.ask({ method: 'GET', path: '/migrations/ID', answer });

describe('a request', () => {
  it('is signed, and returns the response', async () => {
    const api = fakeApi(json({ ok: true }, 202, { 'Retry-After': '5' }));
    await expect(post(api)).resolves.toEqual({ value: { ok: true }, retryAfter: 5 });
    expect(api.requests).toHaveLength(1);
    expect(api.requests[0]).toMatchObject({
      method: 'POST',
      body: '{"addon":"a"}',
      headers: { 'idempotency-key': 'key-1', authorization: containing('/eu-west-1/execute-api/aws4_request') },
    });
  });

  it.each([
    ['a lost reply', lost()],
    ['no connection', lost('ECONNREFUSED')],
    ['a time-out', new DOMException('The operation was aborted due to timeout', 'TimeoutError')],
    ['429', { status: 429 }],
    ['502', { status: 502, body: '<html>' }],
    ['503', problemAnswer('unavailable', 'DynamoDB does not answer')],
    ['504', { status: 504 }],
  ])('is retried, with the same key, after %s', async (_what, reply) => {
    const api = fakeApi(reply, reply, json({ ok: true }));
    await expect(post(api)).resolves.toMatchObject({ value: { ok: true } });
    expect(api.sleeps).toEqual([1000, 2000]);
    expect(api.requests.map(({ headers, body }) => [headers['idempotency-key'], body])).toEqual(
      Array.from({ length: 3 }, () => ['key-1', '{"addon":"a"}']),
    );
  });

  it('waits as long as Retry-After requests, up to a limit', async () => {
    const api = fakeApi(
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 503, headers: { 'retry-after': '86400' } },
      { status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' } },
      json({ ok: true }),
    );
    await post(api);
    expect(api.sleeps).toEqual([7000, 60_000, 4000]);
  });

  it('is given up after a minute; it is then not known whether a POST was carried out', async () => {
    const api = fakeApi(lost());
    expect(await thrownBy(post(api))).toMatchObject({
      name: 'ApiError',
      exitCode: 1,
      message: 'the API did not answer POST /migrations: ECONNRESET: read ECONNRESET',
      hint: matching(/It is not known whether the request took effect\. To check: pod-identity migrations/),
    });
    expect(api.sleeps).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
    const plan = { method: 'POST', path: '/plans', body: {}, answer } as const;
    expect((await thrownBy(fakeApi(lost()).ask(plan))).hint).toContain(
      'To check: pod-identity migrations --dry-run --deployed',
    );
    expect((await thrownBy(get(fakeApi(lost())))).hint).not.toContain('not known');
    expect((await thrownBy(post(fakeApi({ status: 504 })))).hint).toContain('not known');
  });

  it.each([400, 403, 404, 409, 413, 415, 422, 500, 301])('is not retried after %i', async (status) => {
    const api = fakeApi({ status, body: '' });
    expect(await thrownBy(post(api))).toMatchObject({
      name: 'ApiError',
      message: `the API answered POST /migrations with ${status}`,
    });
    expect(api.requests.map(asked)).toEqual(['POST /migrations']);
  });
});

describe('a problem', () => {
  it('is reported with its detail, the fields that it names, and what to do', async () => {
    const api = fakeApi(
      problemAnswer('invalid-request', 'Two fields are wrong.', {
        errors: [
          { field: 'body.addon', message: 'must be an EKS add-on name' },
          { field: 'body.target.region', message: 'must be an AWS region' },
        ],
      }),
    );
    expect(await thrownBy(post(api))).toMatchObject({
      exitCode: 2,
      message:
        'The request is invalid: Two fields are wrong.\n  body.addon: must be an EKS add-on name\n  body.target.region: must be an AWS region',
      hint: matching(/\S/),
    });
  });

  it('does not repeat fields that its detail already names', async () => {
    const api = fakeApi(
      problemAnswer('invalid-request', 'body.addon: must be a name', {
        errors: [{ field: 'body.addon', message: 'Must be a name' }],
      }),
    );
    expect((await thrownBy(post(api))).message).toBe('The request is invalid: body.addon: must be a name');
  });

  it.each([
    ['unknown-migration', 'UnknownMigration', 2, /same deployed service/],
    ['no-cancel', 'MigrationOver', 2, /pod-identity show/],
    ['no-rollback', 'RollbackRefused', 2, /pod-identity show/],
    ['no-approval', 'NotDecided', 2, /approve ID --deployed/],
    ['not-allowed-to-approve', 'NotDecided', 3, /Another principal must approve/],
    ['other-account', 'NotAvailable', 2, /in that account/],
    ['key-used', 'ApiError', 2, /\S/],
    ['unauthenticated', 'ApiError', 1, /execute-api:Invoke/],
    ['unexpected', 'ApiError', 1, /operators of the service[^]*This answer: urn:uuid:1/],
  ] as const)('%s is reported as %s', async (kind, name, exitCode, hint) =>
    expect(await thrownBy(get(fakeApi(problemAnswer(kind, 'So it is.', { instance: 'urn:uuid:1' }))))).toMatchObject({
      name,
      exitCode,
      hint: matching(hint),
      message: matching(/: So it is\.$/),
    }),
  );

  it("in API Gateway's own format is reported unchanged, with the missing right", async () =>
    expect(
      await thrownBy(
        get(
          fakeApi(
            json(
              { message: 'User: arn:aws:iam::111122223333:user/x is not authorized to perform: execute-api:Invoke' },
              403,
            ),
          ),
        ),
      ),
    ).toMatchObject({
      message:
        'the API answered GET /migrations/ID with 403: User: arn:aws:iam::111122223333:user/x is not authorized to perform: execute-api:Invoke',
      hint: containing('need execute-api:Invoke'),
    }));
});

describe('an unexpected response', () => {
  it.each([
    ['no JSON', { body: '<html>It works!</html>' }, /: it is not JSON$/],
    ['nothing', { body: '' }, /: it is not JSON$/],
    ['another form', json({ ok: 'yes' }), /: ok: must be true or false$/],
    ['a list', json([]), /: the answer: /],
    ['null', json(null), /: the answer: /],
    ['11 MB', { body: `{"ok":true,"more":"${'x'.repeat(11 * 1024 * 1024)}"}` }, /: it has more than 10 MB$/],
  ])('%s is refused', async (_what, reply, message) =>
    expect(await thrownBy(get(fakeApi(reply)))).toMatchObject({
      name: 'ApiError',
      exitCode: 1,
      message: matching(message),
      hint: containing('POD_IDENTITY_API_URL'),
    }),
  );

  it('is escaped and truncated', async () => {
    const { message } = await thrownBy(
      get(
        fakeApi(
          problemAnswer('invalid-request', `\u001B[2J${'x'.repeat(100_000)}`, {
            errors: [{ field: 'a\u202Eb', message: '\u001B]0;title\u0007' }],
          }),
        ),
      ),
    );
    expect(message).toContain(String.raw`\x1b[2J`);
    expect(message.split('\n').every(isPrintable)).toBe(true);
    expect(message.length).toBeLessThan(3000);
  });

  it.each([
    [
      'a problem',
      (echoed: string) =>
        problemAnswer('invalid-request', `You sent ${echoed}`, { errors: [{ field: 'header.x', message: echoed }] }),
    ],
    ["API Gateway's form", (echoed: string) => json({ message: `Signature of ${echoed}` }, 403)],
    ['a problem with escapes', (echoed: string) => escaped(problemAnswer('unexpected', echoed))],
    [
      'a lost connection',
      (echoed: string) => new TypeError('fetch failed', { cause: new Error(`bad header ${echoed}`) }),
    ],
  ])('leaks no secret: %s that repeats what was sent', async (_what, reply) => {
    const { secretAccessKey, sessionToken } = CREDENTIALS;
    const error = await thrownBy(
      get(fakeApi(reply(`${secretAccessKey} ${sessionToken} ${encodeURIComponent(sessionToken)}`))),
    );
    const printed = `${error.message}${error.hint}`;
    expect(printed).toContain('[secret]');
    for (const secret of [secretAccessKey, sessionToken, encodeURIComponent(sessionToken)])
      expect(printed).not.toContain(secret);
  });
});
