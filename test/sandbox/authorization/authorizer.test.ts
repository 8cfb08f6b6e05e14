import { describe, expect, it } from 'vitest';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import type { RequiredPermission, ResourcePolicyResult } from '../../../sandbox/permission/permission.ts';
import type { Caller } from '../../../sandbox/http.ts';
import { credentialsOf, issueAccessKey, operatorRoleArn } from '../../../sandbox/authorization/access-keys.ts';
import type { RoleState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, allow, deny, FUNCTION_ROLE, newWorld, policyOf, REGION } from '../support.ts';

const CLUSTER = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`;
const USER = `User: arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/plan`;
const PERMISSION: RequiredPermission = { action: 'eks:DescribeCluster', resource: CLUSTER };
const text = (...statements: object[]): string => JSON.stringify(policyOf(...statements));
const describing = allow('eks:DescribeCluster', CLUSTER);

const callerOf = (world: World, principalArn: string, policies?: string[]): Caller => {
  const { accessKeyId } = policies
    ? issueAccessKey(world, principalArn, { sessionName: 'plan', policies })
    : credentialsOf(world, principalArn, 'plan');
  return { accessKeyId, principalArn, account: ACCOUNT };
};

/** Opens a world with a session of the function's role, which has these statements. */
const open = (statements: object[], change: (role: RoleState) => void = () => {}, policies?: string[]) => {
  const world = newWorld(...(statements.length > 0 ? statements : [allow('s3:GetObject')]));
  change(world.accounts.get(ACCOUNT)!.roles.get('plan-function')!);
  const authorizer = new Authorizer(world);
  const caller = callerOf(world, FUNCTION_ROLE, policies);
  return {
    world,
    authorizer,
    ask: (permission: Partial<RequiredPermission> = {}) =>
      authorizer.authorize(caller, { ...PERMISSION, ...permission }, REGION),
  };
};
const bound =
  (...statements: object[]) =>
  (role: RoleState): void =>
    void (role.permissionsBoundary = { arn: `arn:aws:iam::${ACCOUNT}:policy/bound`, document: text(...statements) });

describe('identity policies', () => {
  it.each<[string, object[], Partial<RequiredPermission>?]>([
    ['the action on the resource', [describing]],
    ['a wildcard, case-insensitively', [allow('EKS:describe*', 'arn:aws:eks:*:*:cluster/*')]],
    ['one of several statements', [allow('eks:ListClusters'), describing]],
    ['NotAction', [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }]],
    [
      'a condition on the call',
      [allow('iam:PassRole', '*', { StringEquals: { 'iam:PassedToService': 'pods.eks.amazonaws.com' } })],
      { action: 'iam:PassRole', context: { 'iam:PassedToService': 'pods.eks.amazonaws.com' } },
    ],
    ['a Deny of something else', [describing, deny('eks:DescribeCluster', `${CLUSTER}-2`), deny('eks:Delete*')]],
    ['the role', [allow('*', '*', { ArnEquals: { 'aws:PrincipalArn': FUNCTION_ROLE } })]],
    ['the session', [allow('*', '*', { StringLike: { 'aws:userid': 'AROA*:plan' } })]],
    ['the region', [allow('*', '*', { StringEquals: { 'aws:RequestedRegion': REGION } })]],
    [
      "the resource's account",
      [allow('*', '*', { StringEquals: { 'aws:ResourceAccount': ['444455556666', ACCOUNT] } })],
    ],
    ["the world's time", [allow('*', '*', { DateLessThan: { 'aws:CurrentTime': '2026-01-15T09:00:01Z' } })]],
    [
      'a direct call, not by a service',
      [
        allow('*', '*', {
          Bool: { 'aws:ViaAWSService': 'false', 'aws:PrincipalIsAWSService': 'false', 'aws:SecureTransport': 'true' },
        }),
      ],
    ],
  ])('allow by %s', (_what, statements, permission) => expect(open(statements).ask(permission)).toBeUndefined());

  it.each<[string, object[], Partial<RequiredPermission>?]>([
    ['no statement', []],
    ['another action', [allow('eks:DescribeAddon')]],
    ['another resource', [allow('eks:*', `${CLUSTER}-2`)]],
    ['a condition on another value', [allow('*', '*', { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } })]],
    [
      'a condition on a key that the call lacks',
      [allow('*', '*', { StringEquals: { 'iam:PassedToService': 'pods.eks.amazonaws.com' } })],
    ],
    [
      'a condition on the account for a resource without one',
      [allow('*', '*', { StringEquals: { 'aws:ResourceAccount': ACCOUNT } })],
      { resource: '*' },
    ],
    ['NotResource', [{ Effect: 'Allow', Action: '*', NotResource: CLUSTER }]],
    ["a condition that can't be decided", [allow('*', '*', { StringMatches: { 'aws:PrincipalAccount': ACCOUNT } })]],
  ])('deny by %s', (_what, statements, permission) => {
    const resource = permission?.resource ?? CLUSTER;
    expect(open(statements).ask(permission)).toMatchObject({
      principalArn: FUNCTION_ROLE,
      action: 'eks:DescribeCluster',
      decision: 'implicitDeny',
      message: `${USER} is not authorized to perform: eks:DescribeCluster on resource: ${resource} because no identity-based policy allows the eks:DescribeCluster action`,
    });
  });

  it('deny explicitly even if another policy allows it, with a specific message', () => {
    for (const statements of [
      [describing, deny('eks:*')],
      [deny('*', CLUSTER)],
      [describing, { ...deny('*'), Condition: { Null: { 'aws:PrincipalTag/team': 'true' } } }],
    ]) {
      expect(open(statements).ask()).toMatchObject({
        decision: 'explicitDeny',
        message: `${USER} is not authorized to perform: eks:DescribeCluster on resource: ${CLUSTER} with an explicit deny in an identity-based policy`,
      });
    }
  });

  it('include managed policies; one with an unknown document allows nothing', () => {
    const attach =
      (document?: string) =>
      (role: RoleState): void =>
        void role.attachedPolicies.push({
          arn: 'arn:aws:iam::aws:policy/AmazonEKSReadOnly',
          ...(document === undefined ? {} : { document }),
        });
    expect(open([], attach(text(describing))).ask()).toBeUndefined();
    expect(open([], attach()).ask()).toMatchObject({ decision: 'implicitDeny' });
    expect(open([describing], attach(text(deny('eks:*')))).ask()).toMatchObject({ decision: 'explicitDeny' });
  });

  it('apply in their current version', () => {
    const { world, ask } = open([describing]);
    expect(ask()).toBeUndefined();
    world.accounts.get(ACCOUNT)!.roles.get('plan-function')!.policies = [];
    expect(ask()).toMatchObject({ decision: 'implicitDeny' });
  });

  it("see the role's tags", () => {
    const tagged = (role: RoleState): void => void Object.assign(role.tags, { Team: 'storage' });
    const only = allow('*', '*', { StringEquals: { 'aws:PrincipalTag/team': 'storage' } });
    expect(open([only], tagged).ask()).toBeUndefined();
    expect(open([only]).ask()).toMatchObject({ decision: 'implicitDeny' });
  });
});

const REFUSED = `${USER} is not authorized to perform: eks:DescribeCluster on resource: ${CLUSTER}`;
const notAllowedBy = (what: string): string => `because no ${what} allows the eks:DescribeCluster action`;

describe('a permissions boundary', () => {
  const DENIED = 'with an explicit deny in a permissions boundary';
  const arn = 'arn:aws:iam::aws:policy/PowerUserAccess';
  const withBoundary =
    (document?: string) =>
    (role: RoleState): void =>
      void (role.permissionsBoundary = { arn, ...(document === undefined ? {} : { document }) });
  it.each<[string, object[], (role: RoleState) => void, string | undefined]>([
    ['allows what identity policies also allow', [describing], bound(allow('eks:*')), undefined],
    [
      'allows nothing that identity policies do not',
      [allow('iam:*')],
      bound(allow('*')),
      notAllowedBy('identity-based policy'),
    ],
    [
      'does not allow what it does not contain',
      [describing],
      bound(allow('iam:*')),
      notAllowedBy('permissions boundary'),
    ],
    ['denies', [describing], bound(allow('*'), deny('eks:*')), DENIED],
    ['denies explicitly even if no policy allows', [allow('iam:*')], bound(deny('eks:*')), DENIED],
    ['with an unknown document allows nothing', [describing], withBoundary(), notAllowedBy('permissions boundary')],
    ['with an invalid document allows nothing', [describing], withBoundary('{}'), notAllowedBy('permissions boundary')],
  ])('%s', (_what, statements, change, reason) =>
    expect(open(statements, change).ask()?.message).toBe(reason === undefined ? undefined : `${REFUSED} ${reason}`),
  );
});

describe('session policies', () => {
  const DENIED = 'with an explicit deny in a session policy';
  it.each<[string, object[], object[][], string | undefined]>([
    ['allow what the role is allowed', [describing], [[allow('eks:*')]], undefined],
    ['do not extend it', [allow('iam:*')], [[allow('*')]], notAllowedBy('identity-based policy')],
    [
      'do not allow what none of them contains',
      [describing],
      [[allow('iam:*')], [allow('s3:*')]],
      notAllowedBy('session policy'),
    ],
    ['allow what one of them allows', [describing], [[allow('iam:*')], [allow('eks:*')]], undefined],
    ['deny what one of them denies', [describing], [[allow('*')], [deny('eks:*')]], DENIED],
  ])('%s', (_what, statements, sessions, reason) => {
    const { ask } = open(
      statements,
      undefined,
      sessions.map((each) => text(...each)),
    );
    expect(ask()?.message).toBe(reason === undefined ? undefined : `${REFUSED} ${reason}`);
  });

  it('are reported after the boundary, and an explicit deny before any missing permission', () => {
    expect(open([describing], bound(allow('s3:*')), [text(allow('s3:*'))]).ask()?.message).toContain(
      'because no permissions boundary allows',
    );
    expect(open([allow('s3:*')], bound(allow('s3:*')), [text(deny('eks:*'))]).ask()?.message).toContain(
      'with an explicit deny in a session policy',
    );
  });

  it('limit the operator, too, who is allowed everything else', () => {
    const { world, authorizer } = open([]);
    const asOperator = (policies?: string[]) =>
      authorizer.authorize(callerOf(world, operatorRoleArn(world), policies), PERMISSION, REGION);
    expect(asOperator()).toBeUndefined();
    expect(asOperator([text(allow('eks:*'))])).toBeUndefined();
    expect(asOperator([text(allow('iam:*'))])?.message).toBe(
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/plan is not authorized to perform: eks:DescribeCluster on resource: ${CLUSTER} because no session policy allows the eks:DescribeCluster action`,
    );
  });
});

describe('the trust policy of an assumed role', () => {
  const trust = (
    names: ResourcePolicyResult['names'],
    decision: ResourcePolicyResult['decision'] = 'allowed',
  ): Partial<RequiredPermission> => ({ action: 'sts:AssumeRole', trust: { decision, names } });
  const missing = [allow('s3:*')];
  const able = allow('sts:AssumeRole');

  it.each<[string, ResourcePolicyResult['names'], 'identity' | 'boundary' | 'session', boolean]>([
    ['the session, without identity policy', 'session', 'identity', true],
    ['the session, without the boundary', 'session', 'boundary', true],
    ['the session, without session policies', 'session', 'session', true],
    ['the role, without identity policy', 'role', 'identity', true],
    ['the role, without the boundary', 'role', 'boundary', false],
    ['the role, without session policies', 'role', 'session', false],
    ['the account, without identity policy', 'account', 'identity', false],
    ['the account, without the boundary', 'account', 'boundary', false],
    ['the account, without session policies', 'account', 'session', false],
  ])('that names %s', (_what, names, without, allowed) => {
    const openWithout = (...limit: object[]) => {
      const of = (layer: typeof without): object[] => (layer === without ? limit : [able]);
      return open(of('identity'), bound(...of('boundary')), [text(...of('session'))]).ask(trust(names));
    };
    expect(openWithout(...missing) === undefined).toBe(allowed);
    // An explicit deny still denies, whichever principal is named.
    expect(openWithout(able, deny('sts:*'))).toMatchObject({ decision: 'explicitDeny' });
  });

  it('has to allow the call, and the error has no reason', () => {
    for (const decision of ['implicitDeny', 'explicitDeny'] as const) {
      expect(open([able]).ask(trust('account', decision))).toMatchObject({
        decision,
        message: `${USER} is not authorized to perform: sts:AssumeRole on resource: ${CLUSTER}`,
      });
    }
    expect(open(missing).ask(trust('account'))?.message).toBe(
      `${USER} is not authorized to perform: sts:AssumeRole on resource: ${CLUSTER}`,
    );
  });

  it('can make a permission unnecessary, which is then not recorded as used', () => {
    for (const [names, used] of [
      ['session', 0],
      ['role', 0],
      ['account', 1],
    ] as const) {
      const { authorizer, ask } = open([able]);
      ask(trust(names));
      expect(authorizer.uses()).toHaveLength(used);
    }
  });
});

describe('callers', () => {
  it('with a role that IAM does not have are allowed nothing', () => {
    const world = newWorld();
    expect(new Authorizer(world).authorize(callerOf(world, FUNCTION_ROLE), PERMISSION, REGION)).toMatchObject({
      decision: 'implicitDeny',
    });
  });

  it('with the operator role are administrators, unless the account has a role of that name', () => {
    const { world, authorizer } = open([]);
    const caller = callerOf(world, operatorRoleArn(world));
    expect(authorizer.authorize(caller, PERMISSION, REGION)).toBeUndefined();
    const { roles } = world.accounts.get(ACCOUNT)!;
    roles.set('operator', { ...roles.get('plan-function')!, arn: operatorRoleArn(world), name: 'operator' });
    expect(authorizer.authorize(caller, PERMISSION, REGION)).toMatchObject({ decision: 'implicitDeny' });
  });
});

it('records used permissions without duplicates, and denials in order', () => {
  const { authorizer, ask } = open([describing, allow('eks:ListClusters')]);
  ask();
  ask({ action: 'iam:GetRole', resource: FUNCTION_ROLE, named: 'role plan-function' });
  ask();
  ask({ action: 'eks:ListClusters', resource: '*' });
  ask({ action: 'eks:DeleteAddon' });
  expect(authorizer.uses()).toEqual([
    { principalArn: FUNCTION_ROLE, action: 'eks:DescribeCluster', resource: CLUSTER },
    { principalArn: FUNCTION_ROLE, action: 'eks:ListClusters', resource: '*' },
  ]);
  expect(authorizer.denials.map(({ action, resource }) => [action, resource])).toEqual([
    ['iam:GetRole', FUNCTION_ROLE],
    ['eks:DeleteAddon', CLUSTER],
  ]);
  expect(authorizer.denials[0]!.message).toBe(
    `${USER} is not authorized to perform: iam:GetRole on resource: role plan-function because no identity-based policy allows the iam:GetRole action`,
  );
});
