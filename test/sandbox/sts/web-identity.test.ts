/** AssumeRoleWithWebIdentity: exchanges a service account token for credentials of a role. */
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, configOf, ROLE } from '../support.ts';
import { CONTROLLER, type CredentialLab, ISSUER, openLab, podsStatement, tokenFor } from '../credentials/support.ts';
import { expectError, expectExactError } from '../../lambdas/matchers.ts';

const AUDIENCE = { audiences: ['sts.amazonaws.com'] };

/** Calls the operation with an SDK without credentials: the call is unsigned. */
const assume = async (lab: CredentialLab, token: string, change: object = {}) => {
  const sts = new STSClient({
    ...configOf(lab.gateway, lab.world),
    credentials: () => Promise.reject(new Error('none')),
  });
  return sts.send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn: ROLE, RoleSessionName: 'pod', WebIdentityToken: token, ...change }),
  );
};

describe('AssumeRoleWithWebIdentity', () => {
  it('returns credentials of a role that trusts the token’s service account', async () => {
    const lab = openLab();
    const { token } = await tokenFor(lab, AUDIENCE);
    const answer = await assume(lab, token);
    expect(answer).toMatchObject({
      SubjectFromWebIdentityToken: `system:serviceaccount:kube-system:${CONTROLLER}`,
      Provider: `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}`,
      Audience: 'sts.amazonaws.com',
    });
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = answer.Credentials!;
    const who = new STSClient(
      configOf(lab.gateway, lab.world, {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      }),
    );
    expect((await who.send(new GetCallerIdentityCommand({}))).Arn).toBe(
      `arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/pod`,
    );
  });

  it.each<[string, Parameters<typeof openLab>[0], object, string, string]>([
    [
      'a role that trusts another service account',
      { trust: [podsStatement()] },
      {},
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
    [
      'a missing role',
      {},
      { RoleArn: `arn:aws:iam::${ACCOUNT}:role/nobody-here` },
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
    [
      'an issuer without a provider',
      { cluster: { oidcProvider: 'absent' } },
      {},
      'InvalidIdentityTokenException',
      `No OpenIDConnect provider found in your account for https://${ISSUER}`,
    ],
    [
      "a duration beyond the role's own",
      {},
      { DurationSeconds: 3601 },
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    ],
    ['a duration of half a minute', {}, { DurationSeconds: 30 }, 'ValidationError', 'durationSeconds'],
  ])('rejects %s', async (_what, setting, change, name, message) => {
    const lab = openLab(setting);
    const { token } = await tokenFor(lab, AUDIENCE);
    await expectError(assume(lab, token, change), name, message);
  });

  it('rejects a token for another audience, an expired token, and an invalid token', async () => {
    const lab = openLab();
    const other = await tokenFor(lab, { audiences: ['pods.eks.amazonaws.com'] });
    await expectExactError(assume(lab, other.token), 'InvalidIdentityTokenException', 'Incorrect token audience');
    const { token } = await tokenFor(lab, { ...AUDIENCE, expirationSeconds: 600 });
    lab.pass(600);
    await expectError(assume(lab, token), 'ExpiredTokenException');
    await expectError(assume(lab, 'a.b.c'), 'InvalidIdentityTokenException');
  });

  it('is the only operation that can be unsigned', async () => {
    const lab = openLab();
    const answer = await lab.gateway.handle({
      method: 'POST',
      host: 'sts.eu-west-1.amazonaws.com',
      path: '/',
      query: {},
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from('Action=GetCallerIdentity&Version=2011-06-15'),
    });
    expect(answer.status).toBe(403);
    expect(String(answer.body)).toContain('MissingAuthenticationToken');
  });
});
