/** Each IAM action with and without its permission, through the gateway. */
import { IAM } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { createQueryService } from '../../../sandbox/iam/query-service.ts';
import { createIamService } from '../../../sandbox/iam/service.ts';
import { iamPermissions } from '../../../sandbox/iam/authorization.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { Random } from '../../../sandbox/random.ts';
import { expectSupported } from './query-actions.ts';
import {
  ACCOUNT,
  allow,
  configOf,
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
  const iam = new IAM(configOf(openGateway(world), world, credentialsOf(world, FUNCTION_ROLE, 'plan')));
  return { world, role, iam };
};

/** The command, the resource in policies, and the resource's name in errors. */
type Case = [action: string, call: (iam: IAM) => Promise<unknown>, resource: string, named?: string];
const onRole = { RoleName: 'ebs-csi' };
const NAMED = 'role ebs-csi';
const more = { ...onRole, PolicyName: 'more', PolicyDocument: JSON.stringify(policyOf(allow('s3:*'))) };
const fresh = { RoleName: 'new', Path: '/app/', AssumeRolePolicyDocument: trust };
const arn = `arn:aws:iam::${ACCOUNT}`;
const getRole = (iam: IAM) => iam.getRole(onRole);
const getNobody = (iam: IAM) => iam.getRole({ RoleName: 'nobody' });
const getProvider = (iam: IAM) => iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: PROVIDER });
const update = (PolicyDocument: string) => (iam: IAM) => iam.updateAssumeRolePolicy({ ...onRole, PolicyDocument });
const simulate = { PolicySourceArn: ROLE, ActionNames: ['s3:GetObject'] };
const CASES: Case[] = [
  ['GetRole', getRole, ROLE, NAMED],
  ['ListRoleTags', (iam) => iam.listRoleTags(onRole), ROLE, NAMED],
  ['ListRolePolicies', (iam) => iam.listRolePolicies(onRole), ROLE, NAMED],
  ['GetRolePolicy', (iam) => iam.getRolePolicy({ ...onRole, PolicyName: 'own' }), ROLE, NAMED],
  ['ListAttachedRolePolicies', (iam) => iam.listAttachedRolePolicies(onRole), ROLE, NAMED],
  ['UpdateAssumeRolePolicy', update(trust), ROLE, NAMED],
  ['CreateRole', (iam) => iam.createRole(fresh), `${arn}:role/app/new`],
  ['PutRolePolicy', (iam) => iam.putRolePolicy(more), ROLE, NAMED],
  ['AttachRolePolicy', (iam) => iam.attachRolePolicy({ ...onRole, PolicyArn: OWN }), ROLE, NAMED],
  ['GetPolicy', (iam) => iam.getPolicy({ PolicyArn: OWN }), OWN, `policy ${OWN}`],
  ['GetPolicyVersion', (iam) => iam.getPolicyVersion({ PolicyArn: OWN, VersionId: 'v1' }), OWN, `policy ${OWN}`],
  ['GetOpenIDConnectProvider', getProvider, PROVIDER],
  ['ListOpenIDConnectProviders', (iam) => iam.listOpenIDConnectProviders({}), `${arn}:oidc-provider/*`],
  ['ListRoles', (iam) => iam.listRoles({}), `${arn}:role/`],
  ['ListRoles', (iam) => iam.listRoles({ PathPrefix: '/app/' }), `${arn}:role/app/`],
  ['SimulatePrincipalPolicy', (iam) => iam.simulatePrincipalPolicy(simulate), ROLE],
];
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
  it.each(CASES)('%s succeeds with only its permission', async (action, call, resource) => {
    const { world, iam } = open(allow(`iam:${action}`, resource));
    await expect(call(iam)).resolves.toBeDefined();
    expect(world.log.calls).toMatchObject([{ operation: action, caller: FUNCTION_ROLE, status: 200 }]);
    expect(world.log.calls[0]).not.toHaveProperty('denied');
  });

  it.each(CASES)('%s is denied without its permission', async (action, call, resource, named = resource) => {
    const { world, iam } = open({ Effect: 'Allow', NotAction: `iam:${action}`, Resource: '*' });
    await expect(call(iam)).rejects.toMatchObject(refusal(action, named));
    expect(world.log.calls).toMatchObject([
      { operation: action, status: 403, error: 'AccessDenied', denied: `iam:${action}` },
    ]);
  });

  it.each(CASES)(
    '%s is denied on another resource, and by an explicit deny',
    async (action, call, resource, named = resource) => {
      await expect(call(open(allow('iam:*', `${resource}x`)).iam)).rejects.toMatchObject(refusal(action, named));
      const denied = refusal(action, named, 'with an explicit deny in an identity-based policy');
      await expect(call(open(allow('iam:*'), deny('iam:*', resource)).iam)).rejects.toMatchObject(denied);
    },
  );

  it('evaluates the tags of an OIDC provider', async () => {
    const tagged = (team: string) =>
      getProvider(open(allow('iam:*', '*', { StringEquals: { 'aws:ResourceTag/team': team } })).iam);
    await expect(tagged('shop')).resolves.toBeDefined();
    await expect(tagged('media')).rejects.toMatchObject(refusal('GetOpenIDConnectProvider', PROVIDER));
  });

  it('does not change a role without permission', async () => {
    const { role, iam } = open(allow('iam:GetRole'));
    const before = structuredClone(role);
    const everyone = JSON.stringify(policyOf({ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }));
    await expect(update(everyone)(iam)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(role).toEqual(before);
  });

  it('does not disclose to callers without permission whether a role exists, or whether a policy is valid', async () => {
    const { iam } = open(allow('iam:GetRole', ROLE));
    await expect(getNobody(iam)).rejects.toMatchObject(refusal('GetRole', 'role nobody'));
    await expect(update('{')(iam)).rejects.toMatchObject(refusal('UpdateAssumeRolePolicy', NAMED));
    const missing = iam.getPolicy({ PolicyArn: `${OWN}-2` });
    await expect(missing).rejects.toMatchObject(refusal('GetPolicy', `policy ${OWN}-2`));
  });

  it('reports a missing role to callers with permission on the ARN that the role would have', async () => {
    const { iam } = open(allow('iam:GetRole', `arn:aws:iam::${ACCOUNT}:role/nobody`));
    await expect(getNobody(iam)).rejects.toMatchObject({ name: 'NoSuchEntityException' });
  });

  it("evaluates a role's path and tags", async () => {
    const get = (...allowed: [resource: string, condition?: object]) =>
      getRole(open(allow('iam:GetRole', ...allowed)).iam);
    const denied = { name: 'AccessDenied' };
    for (const key of ['aws:ResourceTag/team', 'iam:ResourceTag/team']) {
      await expect(get('*', { StringEquals: { [key]: 'a&b' } })).resolves.toBeDefined();
      await expect(get('*', { StringEquals: { [key]: 'other' } })).rejects.toMatchObject(denied);
    }
    await expect(get(`${arn}:role/app/*`)).resolves.toBeDefined();
    await expect(get(`${arn}:role/ebs-csi`)).rejects.toMatchObject(denied);
  });

  it('can be called by the operator, the account’s administrator', async () => {
    const { world } = open();
    await expect(getRole(new IAM(configOf(openGateway(world), world)))).resolves.toBeDefined();
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
