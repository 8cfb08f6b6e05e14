import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { verifyEksToken } from '../../../sandbox/signature-eks-token.ts';
import type { KeyRing } from '../../../sandbox/signature.ts';

const NOW = Date.parse('2026-01-15T09:00:00Z');
const key = {
  accessKeyId: 'ASIAAAAAAAAAAAAAAAAA',
  secretAccessKey: 'secret',
  sessionToken: 'to+ken/',
  principalArn: 'arn:aws:iam::111122223333:role/r',
  account: '111122223333',
};
const DEV = { name: 'dev', region: 'eu-west-1' };
const keys: KeyRing = { accessKeys: new Map([[key.accessKeyId, key]]) };

interface Options {
  cluster?: string;
  host?: string;
  expires?: number;
  service?: string;
  /** Whether the cluster's name is among the signed headers. */
  named?: boolean;
  query?: Record<string, string>;
  /** Changes the finished URL. */
  change?: (url: URL) => void;
}

/** Returns a token like that of `aws eks get-token`. */
const token = async ({
  cluster = 'dev',
  host = 'sts.eu-west-1.amazonaws.com',
  expires = 60,
  service = 'sts',
  named = true,
  query = {},
  change,
}: Options = {}): Promise<string> => {
  const signer = new SignatureV4({ service, region: 'eu-west-1', credentials: key, sha256: Sha256 });
  const request = new HttpRequest({
    method: 'GET',
    protocol: 'https:',
    hostname: host,
    path: '/',
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15', ...query },
    headers: { host, ...(named ? { 'x-k8s-aws-id': cluster } : {}) },
  });
  const presigned = await signer.presign(request, {
    expiresIn: expires,
    signingDate: new Date(NOW),
    unhoistableHeaders: new Set(['x-k8s-aws-id']),
  });
  const url = new URL(`https://${host}/?${new URLSearchParams(presigned.query as Record<string, string>).toString()}`);
  change?.(url);
  return `k8s-aws-v1.${Buffer.from(url.href).toString('base64url')}`;
};

describe('verifyEksToken', () => {
  it('returns the caller of a token', async () =>
    expect(verifyEksToken(keys, await token(), DEV, NOW)).toEqual({
      accessKeyId: key.accessKeyId,
      principalArn: key.principalArn,
      account: key.account,
    }));

  it('accepts a token for 15 minutes, regardless of its X-Amz-Expires', async () => {
    const made = await token();
    expect(verifyEksToken(keys, made, DEV, NOW + 14 * 60_000)).toHaveProperty('principalArn');
    expect(verifyEksToken(keys, made, DEV, NOW + 15 * 60_000 + 1)).toEqual({
      refused: 'X-Amz-Date parameter is expired (15 minutes)',
    });
  });

  it.each<[string, Options, string]>([
    ['a token for another cluster', { cluster: 'prod' }, 'does not match the signature'],
    ['a token that did not sign the cluster', { named: false }, 'did not sign the x-k8s-aws-id header'],
    ['another action', { query: { Action: 'AssumeRole' } }, 'unexpected action'],
    ['an unexpected parameter', { query: { Extra: '1' } }, 'non-whitelisted query parameter "Extra"'],
    ['a long lifetime', { expires: 901 }, 'invalid X-Amz-Expires'],
    ['a signature for another service', { service: 'eks' }, 'signed for eks'],
    ['another host', { change: (url) => (url.hostname = 'sts.eu-west-1.example.com') }, 'unexpected hostname'],
    ['STS of another partition', { host: 'sts.eusc-de-east-1.amazonaws.eu' }, 'unexpected hostname'],
    ['a region under another suffix', { host: 'sts.eu-west-1.amazonaws.com.cn' }, 'unexpected hostname'],
    ['plain http', { change: (url) => (url.protocol = 'http:') }, 'unexpected scheme'],
    ['another path', { change: (url) => (url.pathname = '/x') }, 'unexpected path'],
    [
      'a parameter twice',
      { change: (url) => url.searchParams.append('Action', 'GetCallerIdentity') },
      'multiple values',
    ],
    [
      'an unknown key',
      { change: (url) => url.searchParams.set('X-Amz-Credential', 'AKIANOBODY/20260115/eu-west-1/sts/aws4_request') },
      'security token included in the request is invalid',
    ],
  ])('refuses %s', async (_what, options, reason) =>
    expect(verifyEksToken(keys, await token(options), DEV, NOW)).toEqual({ refused: expect.stringContaining(reason) }),
  );

  it('accepts a token presigned for an address at which STS answers, and for no other', async () => {
    const local = (url: URL): void => {
      url.protocol = 'http:';
    };
    const made = await token({ host: '127.0.0.1:4566', change: local });
    expect(verifyEksToken(keys, made, DEV, NOW, { addresses: new Set(['http://127.0.0.1:4566']) })).toHaveProperty(
      'principalArn',
      key.principalArn,
    );
    expect(
      verifyEksToken(keys, made, { ...DEV, name: 'prod' }, NOW, { addresses: new Set(['http://127.0.0.1:4566']) }),
    ).toEqual({ refused: expect.stringContaining('does not match the signature') });
    expect(verifyEksToken(keys, made, DEV, NOW, { addresses: new Set(['http://127.0.0.1:4567']) })).toEqual({
      refused: 'unexpected scheme "http:" in pre-signed URL',
    });
  });

  it("accepts STS's global endpoint, in the partition that has one", async () => {
    const made = await token({ host: 'sts.amazonaws.com' });
    expect(verifyEksToken(keys, made, DEV, NOW)).toHaveProperty('principalArn');
    expect(verifyEksToken(keys, made, { ...DEV, region: 'cn-north-1' }, NOW)).toEqual({
      refused: 'unexpected hostname "sts.amazonaws.com" in pre-signed URL',
    });
  });

  it('refuses text that is not a token', () => {
    expect(verifyEksToken(keys, 'eyJhbGciOi', DEV, NOW)).toEqual({
      refused: 'token is missing expected "k8s-aws-v1." prefix',
    });
    expect(verifyEksToken(keys, 'k8s-aws-v1.bm8gVVJM', DEV, NOW)).toEqual({ refused: 'token does not hold a URL' });
    expect(verifyEksToken(keys, `k8s-aws-v1.${'a'.repeat(5000)}`, DEV, NOW)).toEqual({ refused: 'token is too large' });
  });
});
