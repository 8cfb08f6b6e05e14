/** Permission to assume a role: its trust policy and the caller's own policies, within an account and across two. */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { createGateway } from '../../../sandbox/gateway/gateway.ts';
import { createStsService } from '../../../sandbox/sts/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import { findRole } from '../../../sandbox/world/world.ts';
import {
  ACCOUNT,
  allow,
  configOf,
  deny,
  echo,
  FUNCTION_ROLE,
  functionRole,
  policyOf,
  ROLE,
  scenarioFile,
} from '../support.ts';

const OTHER_ACCOUNT = '444455556666';
const FAR = `arn:aws:iam::${OTHER_ACCOUNT}:role/spoke/target`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/plan`;
const trustIn = (AWS: string | string[], Action: string | string[] = ['sts:AssumeRole', 'sts:TagSession']) => ({
  Effect: 'Allow',
  Principal: { AWS },
  Action,
});

interface World {
  identity?: object[];
  trust: object[];
  boundary?: object[];
}

/** Opens a world with the function's role and two roles to assume: one of its account, one of another. */
const open = ({ identity = [allow('s3:*')], trust, boundary }: World) => {
  const file = scenarioFile();
  const near = { ...file.accounts[0]!.roles[0]!, trustPolicy: policyOf(...trust) };
  const accounts = [
    { ...file.accounts[0], roles: [near] },
    { id: OTHER_ACCOUNT, roles: [{ arn: FAR, trustPolicy: policyOf(...trust), tags: { stage: 'prod' } }] },
  ];
  const permissionsBoundary = boundary && {
    arn: `arn:aws:iam::${ACCOUNT}:policy/bound`,
    document: policyOf(...boundary),
  };
  const world = buildWorld(parseScenario({ ...file, accounts }, 'test'), {
    roles: [{ ...functionRole(...identity), ...(permissionsBoundary ? { permissionsBoundary } : {}) }],
  });
  const authorizer = new Authorizer(world);
  const gateway = createGateway({
    world,
    clock: { now: () => world.schedule.now() },
    services: { sts: createStsService(world) },
    kubernetes: () => echo,
    authorizer,
  });
  const sts = new STSClient(configOf(gateway, world, credentialsOf(world, FUNCTION_ROLE, 'plan')));
  const assume = (RoleArn: string, change: Partial<AssumeRoleCommand['input']> = {}) =>
    sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'migrate', ...change }));
  return { world, authorizer, sts, assume };
};
const refusal = (action: string, role: string) => ({
  name: 'AccessDenied',
  message: `User: ${SESSION} is not authorized to perform: ${action} on resource: ${role}`,
  $metadata: expect.objectContaining({ httpStatusCode: 403 }) as unknown,
});

describe('AssumeRole is decided', () => {
  const able = [allow('sts:AssumeRole')];
  const unable = [allow('s3:*')];
  const forbidden = [allow('*'), deny('sts:AssumeRole')];
  const byRole = [trustIn(FUNCTION_ROLE)];
  const bySession = [trustIn(SESSION)];
  const byRoot = [trustIn(`arn:aws:iam::${ACCOUNT}:root`)];
  const byAll = [trustIn('*')];
  const byNobody = [trustIn(`arn:aws:iam::${ACCOUNT}:root`, 'sts:TagSession')];

  it.each<[string, World, near: boolean, far: boolean]>([
    ['the role, with identity policy', { trust: byRole, identity: able }, true, true],
    ['the role, without identity policy', { trust: byRole, identity: unable }, true, false],
    ['the role, denied', { trust: byRole, identity: forbidden }, false, false],
    ['the session, with identity policy', { trust: bySession, identity: able }, true, true],
    ['the session, without identity policy', { trust: bySession, identity: unable }, true, false],
    ['the session, denied', { trust: bySession, identity: forbidden }, false, false],
    ['everybody, with identity policy', { trust: byAll, identity: able }, true, true],
    ['everybody, without identity policy', { trust: byAll, identity: unable }, true, false],
    ['the account by root, with identity policy', { trust: byRoot, identity: able }, true, true],
    ['the account by root, without identity policy', { trust: byRoot, identity: unable }, false, false],
    ['the account by id, with identity policy', { trust: [trustIn(ACCOUNT)], identity: able }, true, true],
    ['the account by id, without identity policy', { trust: [trustIn(ACCOUNT)], identity: unable }, false, false],
    [
      'the account and, in another statement, the role',
      { trust: [...byRoot, ...byRole], identity: unable },
      true,
      false,
    ],
    ['nobody', { trust: byNobody, identity: [allow('*')] }, false, false],
    [
      'the role, with a Deny for the account',
      { trust: [...byRole, { ...trustIn(ACCOUNT), Effect: 'Deny' }], identity: able },
      false,
      false,
    ],
    [
      'the role, with a boundary that does not allow it',
      { trust: byRole, identity: able, boundary: unable },
      false,
      false,
    ],
    [
      'the session, with a boundary that does not allow it',
      { trust: bySession, identity: able, boundary: unable },
      true,
      false,
    ],
    ['the role, with identity policy and boundary', { trust: byRole, identity: able, boundary: able }, true, true],
  ])('by a trust policy that names %s', async (_what, setting, near, far) => {
    for (const [role, allowed] of [
      [ROLE, near],
      [FAR, far],
    ] as const) {
      const { world, assume } = open(setting);
      const keys = world.accessKeys.size;
      const outcome = await assume(role).then(
        () => ({ name: 'assumed' }),
        (error: unknown) => error,
      );
      const { name, message } = refusal('sts:AssumeRole', role);
      expect(outcome).toMatchObject(allowed ? { name: 'assumed' } : { name, message });
      expect(world.log.calls.map(({ status, denied }) => [status, denied])).toEqual([
        allowed ? [200, undefined] : [403, 'sts:AssumeRole'],
      ]);
      expect(world.accessKeys.size - keys).toBe(allowed ? 1 : 0);
    }
  });

  it('by an identity policy for only that role', async () => {
    const { assume } = open({
      trust: byRoot,
      identity: [allow('sts:AssumeRole', `arn:aws:iam::${OTHER_ACCOUNT}:role/spoke/*`)],
    });
    await expect(assume(FAR)).resolves.toHaveProperty('Credentials');
    await expect(assume(ROLE)).rejects.toMatchObject(refusal('sts:AssumeRole', ROLE));
  });

  it('by the account of the assumed role, not of the caller', async () => {
    const of = (account: string) => [
      { ...trustIn(FUNCTION_ROLE), Condition: { StringEquals: { 'aws:ResourceAccount': account } } },
    ];
    await expect(open({ trust: of(OTHER_ACCOUNT), identity: able }).assume(FAR)).resolves.toHaveProperty('Credentials');
    await expect(open({ trust: of(ACCOUNT), identity: able }).assume(FAR)).rejects.toMatchObject(
      refusal('sts:AssumeRole', FAR),
    );
    await expect(open({ trust: of(ACCOUNT), identity: able }).assume(ROLE)).resolves.toHaveProperty('Credentials');
  });

  it('against a trust policy with NotPrincipal, if IAM ever had one', async () => {
    const others = { Effect: 'Allow', NotPrincipal: { AWS: OTHER_ACCOUNT }, Action: 'sts:AssumeRole' };
    for (const arn of [ROLE, FAR]) {
      const { world, assume } = open({ trust: byRole, identity: able });
      findRole(world, arn)!.trustPolicy = JSON.stringify(policyOf(...byRole, others));
      await expect(assume(arn)).rejects.toMatchObject(refusal('sts:AssumeRole', arn));
      expect(world.log.calls.map(({ status }) => status)).toEqual([403]);
    }
  });

  it.each<[string, string, Partial<AssumeRoleCommand['input']>, Partial<AssumeRoleCommand['input']>]>([
    ['the session name', 'sts:RoleSessionName', { RoleSessionName: 'right' }, { RoleSessionName: 'wrong' }],
    ['the external id', 'sts:ExternalId', { ExternalId: 'right' }, {}],
    [
      'a session tag',
      'aws:RequestTag/team',
      { Tags: [{ Key: 'team', Value: 'right' }] },
      { Tags: [{ Key: 'team', Value: 'wrong' }] },
    ],
    ['a transitive tag', 'sts:TransitiveTagKeys', { TransitiveTagKeys: ['right'] }, {}],
  ])('by a condition of the identity policy on %s', async (_what, key, right, wrong) => {
    const { assume } = open({
      trust: byRoot,
      identity: [allow('sts:*', '*', { 'ForAnyValue:StringEquals': { [key]: 'right' } })],
    });
    await expect(assume(FAR, right)).resolves.toHaveProperty('Credentials');
    await expect(assume(FAR, wrong)).rejects.toMatchObject(refusal('sts:AssumeRole', FAR));
  });

  it("by the role's tags, and in the trust policy by the caller's user id", async () => {
    const tagged = [
      allow('sts:AssumeRole', '*', {
        StringEquals: { 'iam:ResourceTag/stage': 'prod', 'aws:ResourceAccount': OTHER_ACCOUNT },
      }),
    ];
    await expect(open({ trust: byRoot, identity: tagged }).assume(FAR)).resolves.toHaveProperty('Credentials');
    await expect(open({ trust: byRoot, identity: tagged }).assume(ROLE)).rejects.toMatchObject(
      refusal('sts:AssumeRole', ROLE),
    );
    const byId = (session: string) => [
      { ...trustIn(ACCOUNT), Condition: { StringLike: { 'aws:userid': `AROA*:${session}` } } },
    ];
    await expect(open({ trust: byId('plan'), identity: able }).assume(FAR)).resolves.toHaveProperty('Credentials');
    await expect(open({ trust: byId('begin'), identity: able }).assume(FAR)).rejects.toMatchObject(
      refusal('sts:AssumeRole', FAR),
    );
  });

  it('by sts:TagSession on both sides, if the call has tags', async () => {
    const Tags = [{ Key: 'team', Value: 'storage' }];
    await expect(open({ trust: byRoot, identity: able }).assume(FAR, { Tags })).rejects.toMatchObject(
      refusal('sts:TagSession', FAR),
    );
    await expect(
      open({ trust: [trustIn(ACCOUNT, 'sts:AssumeRole')], identity: [allow('sts:*')] }).assume(FAR, { Tags }),
    ).rejects.toMatchObject(refusal('sts:TagSession', FAR));
    await expect(
      open({ trust: byRoot, identity: [allow(['sts:AssumeRole', 'sts:TagSession'])] }).assume(FAR, { Tags }),
    ).resolves.toHaveProperty('Credentials');
  });

  it('with the permission recorded as used only if it was needed', async () => {
    const far = open({ trust: byRole, identity: able });
    await far.assume(FAR);
    await far.assume(ROLE);
    expect(far.authorizer.uses()).toEqual([{ principalArn: FUNCTION_ROLE, action: 'sts:AssumeRole', resource: FAR }]);
  });
});

it('GetCallerIdentity needs no permission, and ignores a Deny', async () => {
  const { sts } = open({ trust: [trustIn(ACCOUNT)], identity: [deny('*')] });
  expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(SESSION);
});
