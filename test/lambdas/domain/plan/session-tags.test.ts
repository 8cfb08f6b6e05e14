/** Roles that chain into others, to which the session tags of EKS go on. */
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts, RolePoliciesFact } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { anAssociation, aRequest, bothWays, OTHER_ROLE, policyText, ROLE, someFacts } from '../../fixtures.ts';
import { said, matching, containing } from '../../matchers.ts';

const checksOf = (change: Partial<Facts>): Check[] =>
  planMigration(someFacts(change)).checks.filter((check) => check.id === 'session-tags');
const policies = (...list: RolePoliciesFact['policies']) => ({ rolePolicies: { [ROLE]: { policies: list } } });
const inline = (...statements: object[]): Partial<Facts> =>
  policies({ name: 'hop', document: parsePolicy(policyText(...statements), 'identity') });
const allow = (Action: string | string[], Resource: string | string[] = '*') => ({ Effect: 'Allow', Action, Resource });
const managed = (name: string, partition = 'aws'): Partial<Facts> =>
  policies({ name, arn: `arn:${partition}:iam::aws:policy/${name}` });

const FAR = 'arn:aws:iam::444455556666:role';
const TEAM = '${aws:PrincipalTag/team}';
const all = { Effect: 'Allow', Resource: '*' };
const noRoles = ['arn:aws:s3:::bucket/*', 'arn:aws:iam::111122223333:user/*', 'arn:aws:iam::111122223333:policy/x'];
const namesake = {
  name: 'AdministratorAccess',
  arn: 'arn:aws:iam::111122223333:policy/AdministratorAccess',
  document: parsePolicy(policyText(allow('s3:*')), 'identity'),
};

describe('check session-tags', () => {
  it.each<[string, Partial<Facts>, string]>([
    ['it on one role', inline(allow('sts:AssumeRole', OTHER_ROLE)), `policy hop allows it on ${OTHER_ROLE}`],
    ['sts:* on another account', inline(allow(['s3:Get*', 'sts:*'], `${FAR}/dns-*`)), `on ${FAR}/dns-*`],
    ['everything', inline(allow('*')), 'policy hop allows it on *'],
    ['STS:assumeR?le, in any case', inline(allow('STS:assumeR?le')), 'policy hop allows it on *'],
    ['all but something else', inline({ ...all, NotAction: 'iam:*' }), 'policy hop allows it on *'],
    [
      'all but some resources',
      inline({ Effect: 'Allow', Action: 'sts:AssumeRole', NotResource: [ROLE] }),
      `on everything except ${ROLE}`,
    ],
    ['a pattern that may be a role', inline(allow('sts:AssumeRole', 'arn:aws:iam::*')), 'on arn:aws:iam::*'],
    ['a role by a variable', inline(allow('sts:AssumeRole', `${FAR}/${TEAM}`)), `role/${TEAM}`],
    ['AdministratorAccess', managed('AdministratorAccess'), 'policy AdministratorAccess allows it on *'],
    ['PowerUserAccess, in China', managed('PowerUserAccess', 'aws-cn'), 'policy PowerUserAccess allows it on *'],
  ])('warns of %s, by policy and resource', (_, change, found) => {
    const [check] = checksOf(change);
    expect(check).toMatchObject({
      status: 'warn',
      remedy: matching(/sts:TagSession.*PackedPolicyTooLarge.*disableSessionTags/),
    });
    expect([check?.message, planMigration(someFacts(change)).verdict]).toEqual([containing(found), 'migrate']);
  });

  it('says which tags EKS adds, and how many characters they have at least', () => {
    const { message } = checksOf(inline(allow('sts:AssumeRole')))[0]!;
    const tags = {
      'eks-cluster-arn': 'arn:aws:eks:eu-west-1:111122223333:cluster/dev',
      'eks-cluster-name': 'dev',
      'kubernetes-namespace': 'kube-system',
      'kubernetes-service-account': 'ebs-csi-controller-sa',
      'kubernetes-pod-name': 'p',
      'kubernetes-pod-uid': '0d8e7f0a-7c35-4b6e-9d6c-0a3e5c1b2f4d',
    };
    for (const key of Object.keys(tags)) expect(message).toContain(key);
    expect(message).toContain(`at least ${Object.entries(tags).flat().join('').length} characters`);
  });

  it.each<[string, Partial<Facts>]>([
    ['has none', policies()],
    ['allows other things', inline(allow(['s3:*', 'sts:GetCallerIdentity', 'sts:AssumeRoleWithWebIdentity']))],
    ['denies it', inline({ Effect: 'Deny', Action: 'sts:*', Resource: '*' })],
    ['leaves it out', inline({ ...all, NotAction: ['sts:*', 'iam:*'] })],
    ['allows it on what is no role', inline(allow('*', noRoles))],
    ['allows it on itself', inline(allow('sts:AssumeRole', ROLE))],
    ['has one that AWS manages, which is not read', managed('service-role/AmazonEBSCSIDriverPolicy')],
    ['has one of its own that is called like one that AWS manages', policies(namesake)],
  ])('passes where the role %s', (_, change) => expect(checksOf(change)).toMatchObject([said('pass', 'role ebs-csi')]));

  it('passes where its associations have no session tags', () => {
    const change = { ...inline(allow('sts:AssumeRole')), associations: [anAssociation({ disableSessionTags: true })] };
    expect(checksOf(change)[0]).toMatchObject(said('pass', /policy hop.*no session tags/));
  });

  it.each<[string, RolePoliciesFact, RegExp]>([
    [
      'they may not be read',
      { policies: [], error: 'iam:ListRolePolicies: AccessDenied: no.' },
      /other roles: iam:ListRolePolicies: AccessDenied: no\.$/,
    ],
    [
      'one is not understood',
      { policies: [{ name: 'odd', document: parsePolicy('{', 'identity') }] },
      /policy odd could not be understood \(line 1/,
    ],
  ])('warns where %s', (_, fact, message) =>
    expect(checksOf({ rolePolicies: { [ROLE]: fact } })).toMatchObject([said('warn', message, 'iam:ListRolePolicies')]),
  );
  it('is one for each planned role whose policies were asked for', () => {
    const podIdentity = ['ebs-csi-controller-sa', 'second-sa'].map((serviceAccount) => ({
      serviceAccount,
      recommendedManagedPolicies: [],
    }));
    const change = {
      podIdentity,
      request: aRequest({ roles: { 'second-sa': OTHER_ROLE } }),
      roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) }, [OTHER_ROLE]: { trustPolicy: parseTrust(bothWays) } },
    };
    const found = checksOf({ ...change, rolePolicies: { [ROLE]: { policies: [] }, [OTHER_ROLE]: { policies: [] } } });
    expect(found).toHaveLength(2);
    expect(checksOf({ ...change, rolePolicies: {} })).toEqual([]);
  });
});
