/** AssumeRoleWithWebIdentity: a token of a service account for a role, and nothing else. */
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, configOf, ROLE } from '../support.ts';
import { CONTROLLER, type CredentialLab, ISSUER, openLab, podsStatement, tokenFor } from '../credentials/support.ts';

const AUDIENCE = { audiences: ['sts.amazonaws.com'] };

/** Its SDK has no credentials: nobody signs the call. */
const assume = async (lab: CredentialLab, token: string, change: object = {}) => {
  const sts = new STSClient({ ...configOf(lab.door, lab.world), credentials: () => Promise.reject(new Error('none')) });
  return sts.send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: ROLE,
      RoleSessionName: 'pod',
      WebIdentityToken: token,
      ...change,
    }),
  );
};

describe('AssumeRoleWithWebIdentity', () => {
  it('gives a token’s service account the role that trusts it', async () => {
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
      configOf(lab.door, lab.world, {
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
      'another role’s trust',
      { trust: [podsStatement()] },
      {},
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
    [
      'a role that is not there',
      {},
      { RoleArn: `arn:aws:iam::${ACCOUNT}:role/nobody-here` },
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    ],
    [
      'no provider for the issuer',
      { cluster: { oidcProvider: 'absent' } },
      {},
      'InvalidIdentityTokenException',
      `No OpenIDConnect provider found in your account for https://${ISSUER}`,
    ],
    ['half a minute', {}, { DurationSeconds: 30 }, 'ValidationError', 'durationSeconds'],
  ])('refuses %s', async (_what, setting, change, name, message) => {
    const lab = openLab(setting);
    const { token } = await tokenFor(lab, AUDIENCE);
    await expect(assume(lab, token, change)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message) as unknown,
    });
  });

  it('refuses a token for another audience, one that has ended, and what is no token', async () => {
    const lab = openLab();
    const other = await tokenFor(lab, { audiences: ['pods.eks.amazonaws.com'] });
    await expect(assume(lab, other.token)).rejects.toMatchObject({
      name: 'InvalidIdentityTokenException',
      message: 'Incorrect token audience',
    });
    const { token } = await tokenFor(lab, { ...AUDIENCE, expirationSeconds: 600 });
    lab.pass(600);
    await expect(assume(lab, token)).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    await expect(assume(lab, 'a.b.c')).rejects.toMatchObject({ name: 'InvalidIdentityTokenException' });
  });

  it('is the only one that goes unsigned', async () => {
    const lab = openLab();
    const answer = await lab.door.handle({
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
