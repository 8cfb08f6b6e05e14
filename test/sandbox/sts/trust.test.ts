/** AssumeRole with the service's own evaluator: the parts of the call that conditions of the trust policy can use. */
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, clientsOf, configOf, newWorld, openGateway, ROLE } from '../support.ts';
import { containing } from '../../lambdas/matchers.ts';

const OPERATOR = `arn:aws:iam::${ACCOUNT}:role/operator`;
const allow = { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' };
const policy = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

const open = (...statements: object[]) => {
  const world = newWorld();
  const gateway = openGateway(world);
  const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
  role.trustPolicy = policy(...statements);
  const sts = new STSClient(configOf(gateway, world));
  const assume = (change: Partial<AssumeRoleCommand['input']> = {}) =>
    sts.send(new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'test', ...change }));
  return { world, role, iam: clientsOf(gateway, world).iam(), assume };
};
const refusal = (action: string) => ({
  name: 'AccessDenied',
  message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox is not authorized to perform: ${action} on resource: ${ROLE}`,
});
const when = (operator: string, key: string, value: string | string[]) => ({
  ...allow,
  Condition: { [operator]: { [key]: value } },
});

describe('AssumeRole by the trust policy', () => {
  it.each<[string, ...object[]]>([
    ['the account', allow],
    ["the account's root", { ...allow, Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } }],
    ['the role', { ...allow, Principal: { AWS: OPERATOR } }],
    ['its session', { ...allow, Principal: { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox` } }],
    ['everybody', { ...allow, Principal: { AWS: '*' } }],
    ['a wildcard action', { ...allow, Action: 'sts:Assume*' }],
    ["the caller's ARN", when('ArnLike', 'aws:PrincipalArn', `arn:aws:iam::${ACCOUNT}:role/oper*`)],
    ['no service', when('Bool', 'aws:PrincipalIsAWSService', 'false')],
    ['the session name', when('StringLike', 'sts:RoleSessionName', 'te?t')],
    ["the world's time", when('DateGreaterThan', 'aws:CurrentTime', '2026-01-15T08:59:59Z')],
    ['an absent key', when('Null', 'sts:ExternalId', 'true')],
    ["the role's account", when('StringEquals', 'aws:ResourceAccount', ACCOUNT)],
    [
      'a Deny for other principals',
      allow,
      {
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: '*',
        Condition: { StringNotEquals: { 'aws:PrincipalAccount': ACCOUNT } },
      },
    ],
  ])('is allowed by %s', (_what, ...statements) =>
    expect(open(...statements).assume()).resolves.toHaveProperty('Credentials'),
  );

  it.each<[string, ...object[]]>([
    ['another session', { ...allow, Principal: { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/operator/other` } }],
    ['another session name', when('StringEquals', 'sts:RoleSessionName', 'other')],
    ['a time in the past', when('DateLessThan', 'aws:CurrentTime', '2026-01-15T08:59:59Z')],
    ['MFA', when('Bool', 'aws:MultiFactorAuthPresent', 'true')],
    ['an external id', when('StringEquals', 'sts:ExternalId', 'secret')],
    [
      'a Deny whose condition is met',
      allow,
      {
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: 'sts:*',
        Condition: { ArnLike: { 'aws:PrincipalArn': OPERATOR } },
      },
    ],
    ['another action', { ...allow, Action: 'sts:AssumeRoleWithSAML' }],
    ['an unknown condition operator', when('StringMatches', 'aws:PrincipalAccount', ACCOUNT)],
  ])('is denied by %s', (_what, ...statements) =>
    expect(open(...statements).assume()).rejects.toMatchObject(refusal('sts:AssumeRole')),
  );

  it('is denied by an invalid trust policy', async () => {
    const { role, assume } = open();
    role.trustPolicy = '{';
    await expect(assume()).rejects.toMatchObject(refusal('sts:AssumeRole'));
  });

  it('requires sts:TagSession for a call with session tags, and evaluates the tags', async () => {
    const Tags = [
      { Key: 'team', Value: 'storage' },
      { Key: 'stage', Value: '' },
    ];
    await expect(open(allow).assume({ Tags })).rejects.toMatchObject(refusal('sts:TagSession'));
    const tagging = { ...allow, Action: ['sts:AssumeRole', 'sts:TagSession'] };
    await expect(open(tagging).assume({ Tags })).resolves.toHaveProperty('Credentials');
    const only = (team: string) =>
      open(allow, {
        ...tagging,
        Action: 'sts:TagSession',
        Condition: {
          StringEquals: { 'aws:RequestTag/team': team },
          'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
        },
      });
    await expect(only('storage').assume({ Tags })).resolves.toHaveProperty('Credentials');
    await expect(only('network').assume({ Tags })).rejects.toMatchObject(refusal('sts:TagSession'));
    await expect(only('storage').assume({ Tags: [...Tags, { Key: 'more', Value: 'x' }] })).rejects.toMatchObject(
      refusal('sts:TagSession'),
    );
    const transitive = open(allow, {
      ...tagging,
      Action: 'sts:TagSession',
      Condition: { 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': 'team' } },
    });
    await expect(transitive.assume({ Tags, TransitiveTagKeys: ['stage', 'team'] })).resolves.toHaveProperty(
      'Credentials',
    );
    await expect(transitive.assume({ Tags, TransitiveTagKeys: ['stage'] })).rejects.toMatchObject(
      refusal('sts:TagSession'),
    );
  });

  it('rejects tags that are too many or too long', async () => {
    const { assume } = open({ ...allow, Action: 'sts:*' });
    await expect(
      assume({ Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: 'v' })) }),
    ).rejects.toMatchObject({ name: 'ValidationError', message: containing('less than or equal to 50') });
    await expect(assume({ Tags: [{ Key: 'k'.repeat(129), Value: 'v' }] })).rejects.toMatchObject({
      name: 'ValidationError',
      message: containing('less than or equal to 128'),
    });
  });

  it('uses the old trust policy until the new one has propagated', async () => {
    const { world, iam, assume } = open(allow);
    const pass = (seconds: number): void => world.schedule.advanceTo(world.schedule.now() + seconds * 1000);
    world.knobs.trustLagSeconds = 5;
    const set = (...statements: object[]) =>
      iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument: policy(...statements) }));
    await set({ ...allow, Effect: 'Deny' });
    pass(4);
    await expect(assume()).resolves.toHaveProperty('Credentials');
    // Changes propagate independently: the second one does not delay the first.
    await set(allow);
    pass(1);
    await expect(assume()).rejects.toMatchObject(refusal('sts:AssumeRole'));
    pass(3.9);
    await expect(assume()).rejects.toMatchObject(refusal('sts:AssumeRole'));
    pass(0.1);
    await expect(assume()).resolves.toHaveProperty('Credentials');
    world.knobs.trustLagSeconds = 0;
    await set({ ...allow, Effect: 'Deny' });
    await expect(assume()).rejects.toMatchObject(refusal('sts:AssumeRole'));
  });
});
