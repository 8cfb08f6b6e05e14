/** Roles that pods assume with the session of their own role: the role itself, and others of the account. */
import { describe, expect, it } from 'vitest';
import { MANAGED_CHAINING } from '../../../../lambdas/domain/plan/chains-judged.ts';

import type { AddonFacts as Facts, RolePoliciesFact } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { anAddon, anAssociation } from '../../eks-fixtures.ts';
import { aRequest, someFacts, trusting, ACCOUNT, ISSUER, ROLE, SERVICE_ACCOUNT } from '../../fixtures.ts';
import { said, matching } from '../../matchers.ts';

const TARGET = `arn:aws:iam::${ACCOUNT}:role/archive`;
const NEW_ROLE = `arn:aws:iam::${ACCOUNT}:role/new`;
const NAME = ROLE.split('/').at(-1)!;
const PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER.replace('https://', '')}`;
const BOTH = ['sts:AssumeRole', 'sts:TagSession'];

const allow = (AWS: unknown, Action: unknown = BOTH, Condition?: object): object => ({
  Effect: 'Allow',
  Principal: { AWS },
  Action,
  ...(Condition ? { Condition } : {}),
});
const identity = (...statements: object[]): RolePoliciesFact => ({
  policies: [{ name: 'hop', document: parsePolicy(policyText(...statements), 'identity') }],
});
const hop = (Action: unknown = 'sts:AssumeRole', Resource: unknown = TARGET) => ({ Effect: 'Allow', Action, Resource });
/** Facts of a role that names the target, whose trust has these statements. */
const chained = (trust: object[], change: Partial<Facts> = {}, own: object[] = [hop()]): Facts =>
  someFacts({
    rolePolicies: { [ROLE]: identity(...own) },
    targetRoles: { [TARGET]: { seen: parseTrust(policyText(...trust)) } },
    ...change,
  });
const checksOf = (facts: Facts, id = 'target-roles') => planMigration(facts).checks.filter((check) => check.id === id);
const statusOf = (facts: Facts): string | undefined => {
  const [check, ...more] = checksOf(facts);
  expect(more).toEqual([]);
  return check?.status;
};
const otherRole = {
  request: aRequest({ roleArn: NEW_ROLE }),
  roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) }, [NEW_ROLE]: { trustPolicy: parseTrust(bothWays) } },
};

const tagged = (key: string, value: string): object => ({ StringEquals: { [`aws:PrincipalTag/${key}`]: value } });
const ofShop = allow(ROLE, 'sts:TagSession', tagged('kubernetes-namespace', 'shop'));
const ofProvider = { StringEquals: { 'aws:FederatedProvider': PROVIDER } };
const named = { StringLike: { 'aws:userid': 'AROAEXAMPLE:botocore-session-*' } };
const external = { StringEquals: { 'sts:ExternalId': 'x' } };
const requested = { StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'kube-system' } };

describe('check target-roles', () => {
  it.each<[string, object[]]>([
    ['the role with both actions', [allow(ROLE)]],
    ['everything of STS', [allow(ROLE, 'sts:*')]],
    ['both in two statements', [allow(ROLE, 'sts:AssumeRole'), allow(ROLE, 'sts:TagSession')]],
    ['every principal of the role', [allow('*', BOTH, { ArnEquals: { 'aws:PrincipalArn': ROLE } })]],
    ['the namespace of the session', [allow(ROLE, BOTH, tagged('kubernetes-namespace', 'kube-system'))]],
    ['only sessions without a provider', [allow(ROLE, BOTH, { Null: { 'aws:FederatedProvider': 'true' } })]],
  ])('passes if the target allows %s', (_, trust) => expect(statusOf(chained(trust))).toBe('pass'));

  it.each<[string, object[], RegExp]>([
    ['lacks sts:TagSession', [allow(ROLE, 'sts:AssumeRole')], /allows sts:AssumeRole and not sts:TagSession/],
    ['names an old session', [allow(`arn:aws:sts::${ACCOUNT}:assumed-role/${NAME}/api`)], /No statement allows/],
    ['wants the OIDC provider', [allow(ROLE, BOTH, ofProvider)], /aws:FederatedProvider/],
    ['wants the name of an old session', [allow(ROLE, BOTH, named)], /aws:userid/],
    ['wants another namespace', [allow(ROLE, 'sts:AssumeRole'), ofShop], /kubernetes-namespace/],
    ['denies tags', [allow(ROLE), { ...allow('*', 'sts:TagSession'), Effect: 'Deny' }], /denies sts:TagSession/],
    ['lacks sts:TagSession next to an ID', [allow(ROLE, 'sts:AssumeRole', external)], /not sts:TagSession/],
  ])('blocks if the target %s', (_, trust, why) => {
    const facts = chained(trust);
    expect([statusOf(facts), checksOf(facts)[0]?.message]).toEqual(['fail', matching(why)]);
    expect(checksOf(facts)[0]?.remedy).toContain(`--accept target-role:${TARGET}`);
    expect(planMigration(facts).verdict).toBe('blocked');
  });

  it('prints the statement that mends it, and none if none does', () => {
    const [check] = checksOf(chained([allow(ROLE, 'sts:AssumeRole')]));
    const statement = JSON.parse(/keep the others: (\{.*?\})\. If/.exec(check!.remedy!)![1]!) as object;
    expect(statement).toEqual({ Effect: 'Allow', Principal: { AWS: ROLE }, Action: BOTH });
    expect(statusOf(chained([allow(ROLE, 'sts:AssumeRole'), statement]))).toBe('pass');
    const deny = { Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:TagSession' };
    const [denied] = checksOf(chained([allow(ROLE), deny]));
    expect(denied?.remedy).toContain('no additional statement would allow it');
  });

  it('is accepted by the name of each target', () => {
    const trust = [allow(ROLE, 'sts:AssumeRole')];
    const accepted = (arn: string): Facts => chained(trust, { request: aRequest({ accept: [`target-role:${arn}`] }) });
    expect([statusOf(accepted(NEW_ROLE)), statusOf(accepted(TARGET))]).toEqual(['fail', 'warn']);
    expect(planMigration(accepted(TARGET)).verdict).toBe('migrate');
  });

  it.each<[string, object[], Partial<Facts>, string]>([
    ['the IRSA role, and the new role is another', [allow(ROLE)], otherRole, 'fail'],
    ['the new role', [allow(NEW_ROLE)], otherRole, 'pass'],
    ['both', [allow([ROLE, NEW_ROLE])], otherRole, 'pass'],
    ['neither', [allow(`arn:aws:iam::${ACCOUNT}:role/else`)], otherRole, 'pass'],
  ])('of a target that trusts %s', (_, trust, change, status) =>
    expect(statusOf(chained(trust, { ...change, rolePolicies: { [NEW_ROLE]: identity(hop()) } }))).toBe(status),
  );

  it.each<[string, object[], string]>([
    ['both actions', [hop(BOTH)], 'pass'],
    ['sts:AssumeRole alone', [hop()], 'fail'],
    ['both, one by a wildcard', [hop(), hop('sts:Tag*', '*')], 'pass'],
    ['both, and deny one', [hop(BOTH), { ...hop('sts:TagSession'), Effect: 'Deny' }], 'fail'],
  ])("of a target that names the account decides by the role's own policies, which allow %s", (_, own, status) => {
    for (const account of [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`])
      expect(statusOf(chained([allow(account)], {}, own))).toBe(status);
  });

  const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
  const denyUnless = (...AWS: string[]) => ({ Effect: 'Deny', NotPrincipal: { AWS }, Action: 'sts:AssumeRole' });
  const byUserId = (id: string): object => allow(ROOT, BOTH, { StringLike: { 'aws:userid': `${id}:*` } });

  it.each<[string, object[], Partial<Facts>, string]>([
    ['IAM would not store', [allow(ROLE), denyUnless(ROLE, ROOT)], {}, 'warn'],
    ['denies others', [allow(ROLE), { ...allow(NEW_ROLE), Effect: 'Deny' }], {}, 'pass'],
    ['wants tag keys', [allow(ROLE, BOTH, { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['t'] } })], {}, 'warn'],
    ['wants a tag of the request', [allow(ROLE, BOTH, requested)], {}, 'warn'],
    ['wants a tag that no session has', [allow(ROLE, BOTH, tagged('team', 'a'))], {}, 'warn'],
    ['wants any session of a role by its ID', [byUserId('AROAEXAMPLE')], {}, 'pass'],
    // The ID may be that of the former role, which the new one does not have.
    ['wants any session of a role by its ID, and the role changes', [byUserId('AROAEXAMPLE')], otherRole, 'warn'],
    ['wants any session of any role, and the role changes', [byUserId('*')], otherRole, 'pass'],
  ])('of a target that %s', (_, trust, change, status) => {
    const own = identity(hop(BOTH));
    expect(statusOf(chained(trust, { ...change, rolePolicies: { [ROLE]: own, [NEW_ROLE]: own } }))).toBe(status);
  });

  it('depends on different statements if only the account may assume by name, and the role does not allow tags', () => {
    const byName = allow(ROOT, BOTH, { StringLike: { 'sts:RoleSessionName': 'api' } });
    const trust = [byName, allow(ROLE, 'sts:*', external)];
    expect([hop(), hop(BOTH)].map((own) => statusOf(chained(trust, {}, [own])))).toEqual(['warn', 'pass']);
  });

  it('needs no policy of the role that the target names, but a Deny counts', () => {
    expect(statusOf(chained([allow(ROLE)], {}, [hop()]))).toBe('pass');
    const facts = chained([allow(ROLE)], {}, [hop(), { ...hop('sts:TagSession', '*'), Effect: 'Deny' }]);
    expect(statusOf(facts)).toBe('fail');
    expect(checksOf(facts)[0]?.message).toContain("The role's own policies deny sts:TagSession");
  });

  it.each<[string, object, string]>([
    ['an external ID, as before', { StringEquals: { 'sts:ExternalId': 'x' } }, 'pass'],
    ['the name of the new session, as before', { StringLike: { 'sts:RoleSessionName': 'api-*' } }, 'pass'],
    ['an address, as before', { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }, 'pass'],
    ["the pod's name", { StringLike: { 'aws:PrincipalTag/kubernetes-pod-name': 'api-*' } }, 'warn'],
    ['a tag of the request', { StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'kube-system' } }, 'warn'],
    ['a name that some sessions of EKS have', { StringLike: { 'aws:userid': 'AROAEXAMPLE:eks-*-api-*' } }, 'warn'],
    ['any session', { StringLike: { 'aws:userid': 'AROAEXAMPLE:*' } }, 'pass'],
  ])('of a condition on %s', (_, given, status) => expect(statusOf(chained([allow(ROLE, BOTH, given)]))).toBe(status));

  it('needs no sts:TagSession without session tags', () => {
    const associations = [anAssociation({ serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE, disableSessionTags: true })];
    expect(statusOf(chained([allow(ROLE, 'sts:AssumeRole')], { associations }))).toBe('pass');
    const moved = chained([allow(NEW_ROLE, 'sts:AssumeRole')], { associations });
    expect(checksOf(moved)).toMatchObject([{ status: 'pass' }]);
  });

  it('names the web identity that the target trusts itself', () => {
    const [check] = checksOf(chained([allow(ROLE), irsaStatement]));
    expect(check).toMatchObject(said('pass', 'needs the OIDC trust of that role'));
  });

  it.each<[string, Facts['targetRoles'], RegExp]>([
    ['that may not be read', { [TARGET]: { error: 'AccessDenied: no.' } }, /archive \(AccessDenied: no\)/],
    ['beyond the limit', {}, /more roles than the plan reads/],
  ])('leaves a role %s to the check session-tags', (_, targetRoles, message) => {
    const facts = chained([], { targetRoles });
    expect(checksOf(facts)).toEqual([]);
    const [check] = checksOf(facts, 'session-tags');
    expect(check).toMatchObject(said('warn', message));
  });

  it('lets session-tags pass once each target is evaluated, and a role of another account warn', () => {
    const [check] = checksOf(chained([allow(ROLE)]), 'session-tags');
    expect(check).toMatchObject(said('pass', 'each of which was evaluated'));
    const elsewhere = hop('sts:AssumeRole', 'arn:aws:iam::444455556666:role/else');
    const [both] = checksOf(chained([allow(ROLE)], {}, [hop(), elsewhere]), 'session-tags');
    expect(both).toMatchObject(said('warn', '444455556666:role/else'));
    expect(both?.message).not.toContain(TARGET);
  });

  it('says nothing of a role that IAM does not have, nor without an IRSA role before', () => {
    expect(checksOf(chained([], { targetRoles: { [TARGET]: { seen: undefined } } }))).toEqual([]);
    const { serviceAccountRoleArn: _, ...addon } = anAddon();
    const change = { ...otherRole, addon, rolePolicies: { [NEW_ROLE]: identity(hop()) } };
    const facts = chained([allow(NEW_ROLE, 'sts:AssumeRole')], change);
    expect(checksOf(facts)).toMatchObject([{ status: 'pass' }]);
  });

  it('warns of a trust policy that it does not understand', () =>
    expect(statusOf(chained([{ ...allow(ROLE), Effect: 'allow' }]))).toBe('warn'));
});

describe('check self-assume', () => {
  const self = (own: object[], ...trust: object[]): Facts =>
    someFacts({
      rolePolicies: { [ROLE]: identity(...own) },
      roles: trusting(policyText(irsaStatement, podIdentityStatement, ...trust)),
    });

  it.each<[string, Facts]>([
    ['its policies name it', self([hop('sts:AssumeRole', ROLE)])],
    ['its trust allows sts:AssumeRole alone', self([], allow(ROLE, 'sts:AssumeRole'))],
    ['it names a session', self([hop('sts:*', ROLE)], allow(`arn:aws:sts::${ACCOUNT}:assumed-role/${NAME}/api`))],
  ])('warns with the exact statement if %s', (_, facts) => {
    const [check, ...more] = checksOf(facts, 'self-assume');
    expect([more, check]).toMatchObject([[], { status: 'warn' }]);
    const statement = JSON.parse(/keep the others: (\{.*?\})\. Better/.exec(check!.remedy!)![1]!) as object;
    expect(statement).toEqual({ Effect: 'Allow', Principal: { AWS: ROLE }, Action: BOTH });
    expect(checksOf(self([hop('sts:AssumeRole', ROLE)], statement), 'self-assume')).toMatchObject([{ status: 'pass' }]);
    expect(planMigration(facts).verdict).toBe('migrate');
  });

  it('is absent if nothing shows that it does', () => {
    expect(checksOf(self([hop()]), 'self-assume')).toEqual([]);
    expect(checksOf(self([hop('sts:AssumeRole', '*')]), 'self-assume')).toEqual([]);
  });
});

it('knows the managed policies that allow every role', () => {
  expect(MANAGED_CHAINING.test('arn:aws-us-gov:iam::aws:policy/AdministratorAccess')).toBe(true);
  expect(MANAGED_CHAINING.test('arn:aws:iam::111122223333:policy/AdministratorAccess')).toBe(false);
});
