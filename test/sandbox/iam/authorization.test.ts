/** Each IAM action with and without its permission, through the gateway. */
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  PutRolePolicyCommand,
  GetOpenIDConnectProviderCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListOpenIDConnectProvidersCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  SimulatePrincipalPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { createQueryService } from '../../../sandbox/iam/query-service.ts';
import { createIamService } from '../../../sandbox/iam/service.ts';
import { iamPermissions } from '../../../sandbox/iam/authorization.ts';
import { credentialsOf } from '../../../sandbox/sts/access-keys.ts';
import { Random } from '../../../sandbox/world/random.ts';
import { expectSupported } from './query-actions.ts';
import {
  ACCOUNT,
  allow,
  clientsOf,
  deny,
  FUNCTION_ROLE,
  newWorld,
  openGateway,
  podIdentityTrust,
  policyOf,
  ROLE,
} from '../support.ts';

const OWN = `arn:aws:iam::${ACCOUNT}:policy/team/archive`;
const PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/issuer.example/dev`;
const trust = JSON.stringify(podIdentityTrust);

/** Opens IAM for calls by the function's role. */
const open = (...statements: object[]) => {
  const world = newWorld(...statements);
  const role = world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
  role.policies.push({ name: 'own', document: JSON.stringify(policyOf(allow('s3:*'))) });
  role.attachedPolicies.push({ arn: OWN, document: JSON.stringify(policyOf(allow('kms:*'))) });
  world.accounts.get(ACCOUNT)!.oidcProviders!.set(PROVIDER, {
    arn: PROVIDER,
    url: 'issuer.example/dev',
    clientIds: ['sts.amazonaws.com'],
    thumbprints: [],
    tags: { team: 'shop' },
    createdAt: 0,
  });
  const iam = clientsOf(openGateway(world), world, credentialsOf(world, FUNCTION_ROLE, 'plan')).iam();
  return { world, role, iam };
};

/** The command, the resource in policies, and the resource's name in errors. */
type Case = [action: string, command: unknown, resource: string, named: string];
const onRole = { RoleName: 'ebs-csi' };
const CASES: Case[] = [
  ['GetRole', new GetRoleCommand(onRole), ROLE, 'role ebs-csi'],
  ['ListRoleTags', new ListRoleTagsCommand(onRole), ROLE, 'role ebs-csi'],
  ['ListRolePolicies', new ListRolePoliciesCommand(onRole), ROLE, 'role ebs-csi'],
  ['GetRolePolicy', new GetRolePolicyCommand({ ...onRole, PolicyName: 'own' }), ROLE, 'role ebs-csi'],
  ['ListAttachedRolePolicies', new ListAttachedRolePoliciesCommand(onRole), ROLE, 'role ebs-csi'],
  [
    'UpdateAssumeRolePolicy',
    new UpdateAssumeRolePolicyCommand({ ...onRole, PolicyDocument: trust }),
    ROLE,
    'role ebs-csi',
  ],
  [
    'CreateRole',
    new CreateRoleCommand({ RoleName: 'new', Path: '/app/', AssumeRolePolicyDocument: trust }),
    `arn:aws:iam::${ACCOUNT}:role/app/new`,
    `arn:aws:iam::${ACCOUNT}:role/app/new`,
  ],
  [
    'PutRolePolicy',
    new PutRolePolicyCommand({
      ...onRole,
      PolicyName: 'more',
      PolicyDocument: JSON.stringify(policyOf(allow('s3:*'))),
    }),
    ROLE,
    'role ebs-csi',
  ],
  ['AttachRolePolicy', new AttachRolePolicyCommand({ ...onRole, PolicyArn: OWN }), ROLE, 'role ebs-csi'],
  ['GetPolicy', new GetPolicyCommand({ PolicyArn: OWN }), OWN, `policy ${OWN}`],
  ['GetPolicyVersion', new GetPolicyVersionCommand({ PolicyArn: OWN, VersionId: 'v1' }), OWN, `policy ${OWN}`],
  [
    'GetOpenIDConnectProvider',
    new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: PROVIDER }),
    PROVIDER,
    PROVIDER,
  ],
  [
    'ListOpenIDConnectProviders',
    new ListOpenIDConnectProvidersCommand({}),
    `arn:aws:iam::${ACCOUNT}:oidc-provider/*`,
    `arn:aws:iam::${ACCOUNT}:oidc-provider/*`,
  ],
  ['ListRoles', new ListRolesCommand({}), `arn:aws:iam::${ACCOUNT}:role/`, `arn:aws:iam::${ACCOUNT}:role/`],
  [
    'ListRoles',
    new ListRolesCommand({ PathPrefix: '/app/' }),
    `arn:aws:iam::${ACCOUNT}:role/app/`,
    `arn:aws:iam::${ACCOUNT}:role/app/`,
  ],
  [
    'SimulatePrincipalPolicy',
    new SimulatePrincipalPolicyCommand({ PolicySourceArn: ROLE, ActionNames: ['s3:GetObject'] }),
    ROLE,
    ROLE,
  ],
];
const send = (iam: IAMClient, command: unknown) => iam.send(command as GetRoleCommand);
const refusal = (
  action: string,
  named: string,
  reason = `because no identity-based policy allows the iam:${action} action`,
) => ({
  name: 'AccessDenied',
  message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/plan is not authorized to perform: iam:${action} on resource: ${named} ${reason}`,
  $metadata: expect.objectContaining({ httpStatusCode: 403 }) as unknown,
});

describe('IAM', () => {
  it.each(CASES)('%s succeeds with only its permission', async (action, command, resource) => {
    const { world, iam } = open(allow(`iam:${action}`, resource));
    await expect(send(iam, command)).resolves.toBeDefined();
    expect(world.log.calls).toMatchObject([{ operation: action, caller: FUNCTION_ROLE, status: 200 }]);
    expect(world.log.calls[0]).not.toHaveProperty('denied');
  });

  it.each(CASES)('%s is denied without its permission', async (action, command, _resource, named) => {
    const { world, iam } = open({ Effect: 'Allow', NotAction: `iam:${action}`, Resource: '*' });
    await expect(send(iam, command)).rejects.toMatchObject(refusal(action, named));
    expect(world.log.calls).toMatchObject([
      { operation: action, status: 403, error: 'AccessDenied', denied: `iam:${action}` },
    ]);
  });

  it.each(CASES)(
    '%s is denied on another resource, and by an explicit deny',
    async (action, command, resource, named) => {
      await expect(send(open(allow('iam:*', `${resource}x`)).iam, command)).rejects.toMatchObject(
        refusal(action, named),
      );
      await expect(send(open(allow('iam:*'), deny('iam:*', resource)).iam, command)).rejects.toMatchObject(
        refusal(action, named, 'with an explicit deny in an identity-based policy'),
      );
    },
  );

  it('evaluates the tags of an OIDC provider', async () => {
    const get = new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: PROVIDER });
    const tagged = (team: string) =>
      open(allow('iam:*', '*', { StringEquals: { 'aws:ResourceTag/team': team } })).iam.send(get);
    await expect(tagged('shop')).resolves.toBeDefined();
    await expect(tagged('media')).rejects.toMatchObject(refusal('GetOpenIDConnectProvider', PROVIDER));
  });

  it('does not change a role without permission', async () => {
    const { role, iam } = open(allow('iam:GetRole'));
    const before = structuredClone(role);
    await expect(
      send(
        iam,
        new UpdateAssumeRolePolicyCommand({
          ...onRole,
          PolicyDocument: JSON.stringify(policyOf({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' })),
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(role).toEqual(before);
  });

  it('does not disclose to callers without permission whether a role exists, or whether a policy is valid', async () => {
    const { iam } = open(allow('iam:GetRole', ROLE));
    await expect(send(iam, new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toMatchObject(
      refusal('GetRole', 'role nobody'),
    );
    await expect(
      send(iam, new UpdateAssumeRolePolicyCommand({ ...onRole, PolicyDocument: '{' })),
    ).rejects.toMatchObject(refusal('UpdateAssumeRolePolicy', 'role ebs-csi'));
    await expect(send(iam, new GetPolicyCommand({ PolicyArn: `${OWN}-2` }))).rejects.toMatchObject(
      refusal('GetPolicy', `policy ${OWN}-2`),
    );
  });

  it('reports a missing role to callers with permission on the ARN that the role would have', async () => {
    const { iam } = open(allow('iam:GetRole', `arn:aws:iam::${ACCOUNT}:role/nobody`));
    await expect(send(iam, new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
    });
  });

  it("evaluates a role's path and tags", async () => {
    for (const key of ['aws:ResourceTag/team', 'iam:ResourceTag/team']) {
      await expect(
        send(open(allow('iam:GetRole', '*', { StringEquals: { [key]: 'a&b' } })).iam, new GetRoleCommand(onRole)),
      ).resolves.toBeDefined();
      await expect(
        send(open(allow('iam:GetRole', '*', { StringEquals: { [key]: 'other' } })).iam, new GetRoleCommand(onRole)),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    await expect(
      send(open(allow('iam:GetRole', `arn:aws:iam::${ACCOUNT}:role/app/*`)).iam, new GetRoleCommand(onRole)),
    ).resolves.toBeDefined();
    await expect(
      send(open(allow('iam:GetRole', `arn:aws:iam::${ACCOUNT}:role/ebs-csi`)).iam, new GetRoleCommand(onRole)),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('can be called by the operator, the account’s administrator', async () => {
    const { world } = open();
    await expect(clientsOf(openGateway(world), world).iam().send(new GetRoleCommand(onRole))).resolves.toBeDefined();
  });
});

describe('the table of permissions', () => {
  it('has every action that IAM has, and no other', async () => {
    const world = newWorld();
    await expectSupported(
      createIamService(world),
      await import('@aws-sdk/client-iam'),
      '2010-05-08',
      Object.keys(iamPermissions(world)),
    );
    expect(new Set(CASES.map(([action]) => action))).toEqual(new Set(Object.keys(iamPermissions(world))));
  });

  it('has to be complete for the service to start', () => {
    const api = { namespace: 'https://example.com/', version: '2020-01-01', title: 'IAM' };
    const actions = { GetRole: () => ({}), DeleteRole: () => ({}) };
    const { GetRole } = iamPermissions(newWorld());
    expect(() => createQueryService(api, new Random(1), actions, { GetRole: GetRole! })).toThrow(
      "The sandbox's IAM does not define the permissions for: DeleteRole.",
    );
    expect(() =>
      createQueryService(api, new Random(1), actions, { GetRole: GetRole!, DeleteRole: () => [] }),
    ).not.toThrow();
  });
});
