/**
 * The token for a cluster's API server, compared with that of the real `aws eks get-token`, which creates it without a
 * call.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { eksToken } from '../../lambdas/adapters/eks-token.ts';
import { reasonToSkip } from './served.ts';

const reason = reasonToSkip('aws');

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

interface Asked {
  cluster: string;
  region: string;
  sessionToken?: string;
}

const ofAws = ({ cluster, region, sessionToken }: Asked): string => {
  const { AWS_PROFILE: _profile, AWS_ENDPOINT_URL_STS: _sts, AWS_ENDPOINT_URL: _all, ...inherited } = process.env;
  const { stdout, stderr } = spawnSync(
    'aws',
    ['eks', 'get-token', '--cluster-name', cluster, '--region', region, '--output', 'json'],
    {
      encoding: 'utf8',
      env: {
        ...inherited,
        AWS_CONFIG_FILE: '/nonexistent',
        AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
        AWS_STS_REGIONAL_ENDPOINTS: 'regional',
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
      },
    },
  );
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { status: { token: string } }).status.token;
};

const urlOf = (token: string): URL =>
  new URL(Buffer.from(token.replace(/^k8s-aws-v1\./, ''), 'base64url').toString('utf8'));

/** `20260115T090000Z` as a time. */
const timeOf = (url: URL): Date =>
  new Date(
    (url.searchParams.get('X-Amz-Date') ?? '').replace(
      /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    ),
  );

describe.skipIf(reason !== undefined)(
  `the token for an API server${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    it.each<Asked>([
      { cluster: 'reliability-dev', region: 'eu-west-1' },
      { cluster: 'a_b-C', region: 'us-east-1' },
      { cluster: 'reliability-dev', region: 'eu-west-1', sessionToken: 'IQoJb3JpZ2luX2VjE+/abc==' },
    ])('equals the token of aws eks get-token for the same instant and credentials: %o', async (asked) => {
      const expected = urlOf(ofAws(asked));
      const { sessionToken } = asked;
      const ours = urlOf(
        await eksToken({
          cluster: asked.cluster,
          region: asked.region,
          credentials: { ...CREDENTIALS, ...(sessionToken === undefined ? {} : { sessionToken }) },
          now: timeOf(expected),
        }),
      );
      expect(`${ours.origin}${ours.pathname}`).toBe(`${expected.origin}${expected.pathname}`);
      expect(Object.fromEntries(ours.searchParams)).toEqual(Object.fromEntries(expected.searchParams));
    });
  },
);
