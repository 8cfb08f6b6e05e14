import { RegionInfo } from 'aws-cdk-lib/region-info';
import { describe, expect, test } from 'vitest';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { verifyEksToken } from '../../sandbox/signature-eks-token.ts';
import { stsHost } from './sts-host.ts';
import { matching } from '../lambdas/matchers.ts';

const now = new Date('2026-01-15T09:00:00.123Z');
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const options = { cluster: 'dev', region: 'eu-west-1', credentials, now };
const urlOf = (token: string): URL => new URL(Buffer.from(token.replace(/^k8s-aws-v1\./, ''), 'base64url').toString());

/** The caller that the sandbox's authenticator sees, or why it sees none. */
const verify = (token: string, name: string, sessionToken?: string, at = now, region = options.region) => {
  const accessKey = {
    ...credentials,
    ...(sessionToken ? { sessionToken } : {}),
    principalArn: 'arn:aws:iam::111122223333:role/r',
    account: '111122223333',
  };
  const keys = { accessKeys: new Map([[credentials.accessKeyId, accessKey]]) };
  return verifyEksToken(keys, token, { name, region }, at.getTime());
};

describe('a token', () => {
  test('is a presigned GetCallerIdentity, without padding', async () => {
    const token = await eksToken(options);
    expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
    const url = urlOf(token);
    expect(url.origin + url.pathname).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20260115/eu-west-1/sts/aws4_request',
      'X-Amz-Date': '20260115T090000Z',
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      'X-Amz-Signature': matching(/^[0-9a-f]{64}$/),
    });
  });

  test('is the same for the same input, and another for another cluster', async () => {
    expect(await eksToken(options)).toBe(await eksToken(options));
    expect(await eksToken({ ...options, cluster: 'prod' })).not.toBe(await eksToken(options));
  });

  test('is taken by the cluster that it is for, and by no other, and not for ever', async () => {
    const token = await eksToken(options);
    expect(verify(token, 'dev')).toMatchObject({ principalArn: 'arn:aws:iam::111122223333:role/r' });
    expect(verify(token, 'prod')).toHaveProperty('refused');
    expect(verify(token, 'dev', undefined, new Date(now.getTime() + 16 * 60_000))).toHaveProperty('refused');
  });

  test('carries the session token of temporary credentials', async () => {
    const sessionToken = 'IQoJb3JpZ2luX2VjE+/abc==';
    const token = await eksToken({ ...options, credentials: { ...credentials, sessionToken } });
    expect(urlOf(token).searchParams.get('X-Amz-Security-Token')).toBe(sessionToken);
    expect(verify(token, 'dev', sessionToken)).toMatchObject({ account: '111122223333' });
  });

  test.each([
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
    ['eusc-de-east-1', 'sts.eusc-de-east-1.amazonaws.eu'],
    ['us-iso-east-1', 'sts.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', 'sts.us-isob-east-1.sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'sts.eu-isoe-west-1.cloud.adc-e.uk'],
    ['us-isof-south-1', 'sts.us-isof-south-1.csp.hci.ic.gov'],
  ])('in %s is for %s', async (region, host) => expect(urlOf(await eksToken({ ...options, region })).host).toBe(host));

  test.each(RegionInfo.regions.map(({ name }) => name))(
    "in %s is for STS as the SDK finds it, and taken by that partition's clusters alone",
    async (region) => {
      const token = await eksToken({ ...options, region });
      expect(urlOf(token).host).toBe(await stsHost(region));
      for (const other of RegionInfo.regions) {
        const isTaken = 'principalArn' in verify(token, 'dev', undefined, now, other.name);
        expect([other.name, isTaken]).toEqual([other.name, other.partition === RegionInfo.get(region).partition]);
      }
    },
  );
});
