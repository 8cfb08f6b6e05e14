import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { describe, expect, it } from 'vitest';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { ACCOUNT, FUNCTION_ROLE, ROLE, configOf, newWorld, openGateway } from '../support.ts';

const open = () => {
  const world = newWorld();
  const gateway = openGateway(world);
  const trust = (statement: object | object[]): void => {
    world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!.trustPolicy = JSON.stringify({
      Version: '2012-10-17',
      Statement: statement,
    });
  };
  return {
    world,
    trust,
    sts: (credentials?: AwsCredentialIdentity) => new STSClient(configOf(gateway, world, credentials)),
  };
};

const assume = (more: { ExternalId?: string; RoleArn?: string } = {}) =>
  new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'test', ...more });
const allow = { Effect: 'Allow', Action: 'sts:AssumeRole' };

describe('STS', () => {
  it('returns the caller identity', async () => {
    const { world, sts } = open();
    expect(await sts(credentialsOf(world, FUNCTION_ROLE)).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: ACCOUNT,
      Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/sandbox`,
      UserId: expect.stringMatching(/^AROA\w+:sandbox$/),
    });
  });

  it('issues credentials of a role that trusts the caller', async () => {
    const { trust, sts } = open();
    trust({ ...allow, Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } });
    const { Credentials: given, AssumedRoleUser: user } = await sts().send(assume());
    expect(user?.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/test`);
    const as = {
      accessKeyId: given!.AccessKeyId!,
      secretAccessKey: given!.SecretAccessKey!,
      sessionToken: given!.SessionToken!,
    };
    expect((await sts(as).send(new GetCallerIdentityCommand({}))).Arn).toContain('assumed-role/ebs-csi/');
    expect(given!.Expiration!.getTime()).toBeGreaterThan(Date.now());
  });

  it.each([
    ['a role for pods only', [{ ...allow, Principal: { Service: 'pods.eks.amazonaws.com' } }]],
    ['a role for another caller', [{ ...allow, Principal: { AWS: FUNCTION_ROLE } }]],
    [
      'a denied caller',
      [
        { ...allow, Principal: { AWS: '*' } },
        { ...allow, Effect: 'Deny', Principal: { AWS: ACCOUNT } },
      ],
    ],
    [
      'a condition that is not met',
      [{ ...allow, Principal: { AWS: '*' }, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }],
    ],
    ['another action', [{ ...allow, Action: 'sts:TagSession', Principal: { AWS: '*' } }]],
  ])('denies %s', async (_what, statements) => {
    const { trust, sts } = open();
    trust(statements);
    await expect(sts().send(assume())).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`,
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('requires the external id of a trust policy', async () => {
    const { trust, sts } = open();
    trust({ ...allow, Principal: { AWS: ACCOUNT }, Condition: { StringEquals: { 'sts:ExternalId': ['one', 'two'] } } });
    await expect(sts().send(assume({ ExternalId: 'two' }))).resolves.toHaveProperty('Credentials');
    await expect(sts().send(assume({ ExternalId: 'three' }))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(sts().send(assume())).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('returns the same error for a missing role and a role that does not trust the caller', () =>
    expect(
      open()
        .sts()
        .send(assume({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/gone` })),
    ).rejects.toMatchObject({ name: 'AccessDenied' }));

  it('rejects an unimplemented action with its name', () =>
    expect(open().sts().send(new GetSessionTokenCommand({}))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('GetSessionToken'),
    }));
});
