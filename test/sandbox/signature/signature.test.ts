import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest as SmithyRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../../sandbox/http.ts';
import { verifySignature, type KeyRing } from '../../../sandbox/signature.ts';
import { containing } from '../../lambdas/matchers.ts';
import { forAllAsync } from '../../for-all.ts';

const NOW = Date.parse('2026-01-15T09:00:00Z');
const key = {
  accessKeyId: 'ASIAAAAAAAAAAAAAAAAA',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  principalArn: 'arn:aws:iam::111122223333:role/r',
  account: '111122223333',
};
const INVALID_TOKEN = 'The security token included in the request is invalid.';
const keys: KeyRing = { accessKeys: new Map([[key.accessKeyId, key]]) };

const signer = (
  service: string,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = key,
) => new SignatureV4({ service, region: 'eu-west-1', credentials, sha256: Sha256 });

interface Parts {
  path?: string;
  query?: Record<string, string | string[]>;
  headers?: Record<string, string>;
  body?: string;
}

const smithyRequest = ({ path = '/', query = {}, headers = {}, body = '' }: Parts): SmithyRequest =>
  new SmithyRequest({
    method: 'POST',
    protocol: 'https:',
    hostname: 'eks.eu-west-1.amazonaws.com',
    path,
    query,
    headers: { host: 'eks.eu-west-1.amazonaws.com', ...headers },
    body,
  });

const toSandbox = (request: {
  method: string;
  path: string;
  query?: unknown;
  headers: Record<string, string>;
  body?: string;
}): HttpRequest => ({
  method: request.method,
  host: request.headers['host'] ?? '',
  path: request.path,
  query: request.query as HttpRequest['query'],
  headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: Buffer.from(request.body ?? ''),
});

const verify = (request: HttpRequest, now = NOW) => verifySignature(request, keys, now);

const signed = async (
  parts: Parts = {},
  service = 'eks',
  credentials?: Parameters<typeof signer>[1],
  at = NOW,
): Promise<HttpRequest> =>
  toSandbox(await signer(service, credentials).sign(smithyRequest(parts), { signingDate: new Date(at) }));

describe('verifySignature', () => {
  it("accepts the SDK's signatures, and returns the caller, service and region", async () => {
    const request = await signed({ path: '/clusters/dev/addons', body: '{"addonName":"vpc-cni"}' });
    expect(verify(request)).toEqual({
      ok: true,
      caller: { accessKeyId: key.accessKeyId, principalArn: key.principalArn, account: key.account },
      service: 'eks',
      region: 'eu-west-1',
    });
  });

  const text = fc.string({ maxLength: 12, unit: 'binary-ascii' });
  const name = fc.stringMatching(/^[a-zA-Z0-9._~-]{1,8}$/);

  it('agrees with the SDK on every path, query, header and body', () =>
    forAllAsync(
      undefined,
      fc.array(fc.oneof(name, text), { maxLength: 4 }),
      fc.dictionary(name, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }))),
      fc.stringMatching(/^[ -~]{0,20}$/),
      text,
      async (segments, query, header, body) => {
        const path = `/${segments.map(encodeURIComponent).join('/')}`;
        const request = await signed({ path, query, headers: { 'x-amz-target': header }, body });
        expect(verify(request)).toMatchObject({ ok: true });
      },
    ));

  it.each([
    ['the method', (request: HttpRequest) => ({ ...request, method: 'DELETE' })],
    ['the path', (request: HttpRequest) => ({ ...request, path: '/clusters/prod' })],
    ['the query', (request: HttpRequest) => ({ ...request, query: { preserve: 'false' } })],
    [
      'an additional query parameter',
      (request: HttpRequest) => ({ ...request, query: { ...request.query, force: '' } }),
    ],
    ['the host', (request: HttpRequest) => ({ ...request, host: 'iam.amazonaws.com' })],
    [
      'a signed header',
      (request: HttpRequest) => ({ ...request, headers: { ...request.headers, 'x-amz-target': 'Other' } }),
    ],
    ['the body', (request: HttpRequest) => ({ ...request, body: Buffer.from('{"a":2}') })],
  ])('refuses a request whose signature does not cover %s', async (_what, change) => {
    const request = await signed({
      path: '/clusters/dev',
      query: { preserve: 'true' },
      headers: { 'x-amz-target': 'Mine' },
      body: '{"a":1}',
    });
    expect(verify(request)).toMatchObject({ ok: true });
    expect(verify(change(request))).toMatchObject({
      ok: false,
      problem: 'mismatch',
      message: expect.stringContaining('does not match the signature you provided'),
    });
  });

  it('requires amz headers to be signed', async () => {
    const request = await signed();
    request.headers['x-amz-extra'] = 'smuggled';
    expect(verify(request)).toMatchObject({
      problem: 'mismatch',
      message: "'x-amz-extra' must be a 'SignedHeader' in the AWS Authorization.",
    });
  });

  const { sessionToken: _, ...withoutToken } = key;
  it.each([
    ['another secret', { ...key, secretAccessKey: 'guess' }, 'mismatch', 'does not match the signature you provided'],
    ['an unknown key', { ...key, accessKeyId: 'AKIANOBODY' }, 'unknown-key', INVALID_TOKEN],
    ['another session token', { ...key, sessionToken: 'old' }, 'unknown-key', INVALID_TOKEN],
    ['no session token', withoutToken, 'unknown-key', INVALID_TOKEN],
  ])('refuses %s', async (_what, credentials, problem, message) =>
    expect(verify(await signed({}, 'eks', credentials))).toMatchObject({ problem, message: containing(message) }),
  );

  it('allows five minutes between the clocks, fifteen for IAM, and reports both times', async () => {
    const minute = 60_000;
    const request = await signed();
    expect(verify(request, NOW + 5 * minute)).toMatchObject({ ok: true });
    expect(verify(request, NOW - 5 * minute)).toMatchObject({ ok: true });
    expect(verify(request, NOW + 6 * minute)).toMatchObject({
      problem: 'mismatch',
      message: 'Signature expired: 20260115T090000Z is now earlier than 20260115T090100Z (20260115T090600Z - 5 min.)',
    });
    expect(verify(request, NOW - 6 * minute)).toMatchObject({
      message:
        'Signature not yet current: 20260115T090000Z is still later than 20260115T085900Z (20260115T085400Z + 5 min.)',
    });
    const iam = await signed({}, 'iam');
    expect(verify(iam, NOW + 6 * minute)).toMatchObject({ ok: true });
    expect(verify(iam, NOW + 16 * minute)).toMatchObject({
      message: expect.stringContaining('- 15 min.)'),
    });
  });

  it('names missing parts', async () => {
    const request = await signed();
    const without = (change: Record<string, string | undefined>): HttpRequest => ({
      ...request,
      headers: Object.fromEntries(
        Object.entries({ ...request.headers, ...change }).flatMap(([header, value]) =>
          value === undefined ? [] : [[header, value]],
        ),
      ),
    });
    expect(verifySignature(without({ authorization: undefined }), keys, NOW)).toMatchObject({
      problem: 'missing',
      message: 'Request is missing Authentication Token',
    });
    expect(verifySignature(without({ 'x-amz-date': undefined }), keys, NOW)).toMatchObject({ problem: 'incomplete' });
    expect(
      verify(without({ authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0' })),
    ).toMatchObject({
      problem: 'incomplete',
      message:
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c'",
    });
    expect(verify(without({ authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request' }))).toMatchObject({
      message:
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires 'Signature' parameter.",
    });
  });

  it('accepts the presigned query form, and refuses a changed one', async () => {
    const presigned = toSandbox(
      await signer('sts').presign(smithyRequest({ query: { Action: 'GetCallerIdentity' } }), {
        signingDate: new Date(NOW),
        expiresIn: 60,
      }),
    );
    expect(verify(presigned)).toMatchObject({ ok: true, service: 'sts' });
    expect(verify({ ...presigned, query: { ...presigned.query, Action: 'AssumeRole' } })).toMatchObject({
      problem: 'mismatch',
    });
  });
});
