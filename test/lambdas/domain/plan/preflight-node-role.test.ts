import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import type { Check } from '../../../../lambdas/domain/migration/model.ts';
import type { NodeRolesFact, PolicyFact, RolePoliciesFact } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkNodeRole } from '../../../../lambdas/domain/plan/preflight-node-role.ts';
import { aNodeRole, NODE_ROLE, ofAws, policyText, someFacts, target } from '../../fixtures.ts';
import { textWith } from '../../expectations.ts';

const check = (nodeRoles: NodeRolesFact): Check => {
  const checks = checkNodeRole(someFacts({ nodeRoles }));
  expect(checks).toHaveLength(1);
  return checks[0]!;
};
const withPolicies = (...policies: RolePoliciesFact['policies']): Check => check({ roles: [aNodeRole({ policies })] });

const ACTION = 'eks-auth:AssumeRoleForPodIdentity';
const own = (statement: Record<string, unknown>): PolicyFact => ({
  name: 'own',
  document: parsePolicy(policyText({ Effect: 'Allow', Action: ACTION, Resource: '*', ...statement }), 'identity'),
});
const CNI = ofAws('AmazonEKS_CNI_Policy');
const SSM = ofAws('AmazonSSMManagedInstanceCore');

describe('node-role', () => {
  it.each([
    ['AmazonEKSWorkerNodePolicy', [CNI, ofAws('AmazonEKSWorkerNodePolicy')]],
    ['AmazonEKSWorkerNodeMinimalPolicy', [ofAws('AmazonEKSWorkerNodeMinimalPolicy')]],
    [
      'AdministratorAccess, in another partition',
      [{ name: 'AdministratorAccess', arn: 'arn:aws-us-gov:iam::aws:policy/AdministratorAccess' }],
    ],
    ['a policy of its own', [own({})]],
    ['a policy of its own for all of EKS Auth, in any case', [own({ Action: 'EKS-AUTH:*' })]],
    [
      'a policy of its own for this cluster',
      [own({ Resource: `arn:aws:eks:eu-west-1:${target.account}:cluster/dev` })],
    ],
    ['an identity policy in addition to one that was not read', [own({}), ofAws('SomethingNew')]],
  ])('passes with %s', (_, policies) => {
    expect(withPolicies(...policies)).toMatchObject({ status: 'pass', message: textWith('dev-nodes') });
  });

  it.each([
    ['no policy', []],
    [
      'others of AWS alone',
      [
        CNI,
        SSM,
        { name: 'AmazonEBSCSIDriverPolicy', arn: 'arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy' },
      ],
    ],
    ['a policy for another cluster', [own({ Resource: `arn:aws:eks:eu-west-1:${target.account}:cluster/prod` })]],
    ['a policy for another action', [own({ Action: 'eks:DescribeCluster' })]],
    ['a Deny in addition to an Allow', [ofAws('AmazonEKSWorkerNodePolicy'), own({ Effect: 'Deny' })]],
    ['a Deny in addition to a policy that was not read', [ofAws('SomethingNew'), own({ Effect: 'Deny' })]],
  ])('fails with %s', (_, policies) => {
    const found = withPolicies(...policies);
    expect(found).toMatchObject({ status: 'fail', message: textWith(`do not allow ${ACTION}: dev-nodes`) });
    expect(found.remedy).toContain(
      'aws iam attach-role-policy --role-name dev-nodes --policy-arn arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy',
    );
  });

  it('blocks where one of several roles may not', () => {
    const nodeRoles = { roles: [aNodeRole(), aNodeRole({ arn: `${NODE_ROLE}-gpu`, policies: [CNI] })] };
    expect(check(nodeRoles)).toMatchObject({ status: 'fail', message: textWith(': dev-nodes-gpu.') });
    expect(planMigration(someFacts({ nodeRoles })).verdict).toBe('blocked');
  });

  it.each<[string, NodeRolesFact, string]>([
    [
      'a policy that AWS manages and nobody has read',
      { roles: [aNodeRole({ policies: [ofAws('SomethingNew')] })] },
      'SomethingNew',
    ],
    [
      'a condition on what is not known beforehand',
      { roles: [aNodeRole({ policies: [own({ Condition: { StringEquals: { 'aws:ResourceTag/team': 'a' } } })] })] },
      'aws:ResourceTag/team',
    ],
    [
      'a policy that is none',
      { roles: [aNodeRole({ policies: [{ name: 'own', document: parsePolicy('{', 'identity') }] })] },
      'not valid',
    ],
    [
      'policies that may not be read',
      { roles: [aNodeRole({ policies: [], error: 'iam:ListRolePolicies: AccessDenied' })] },
      'iam:ListRolePolicies',
    ],
    [
      'entries that may not be read',
      { roles: [], error: 'eks:ListAccessEntries: InvalidRequestException: authentication mode' },
      'authentication mode',
    ],
    ['no entry of nodes', { roles: [] }, 'aws-auth'],
    [
      'more entries than are looked at',
      { roles: [aNodeRole()], error: 'the cluster has more than 100 access entries' },
      'more than 100',
    ],
  ])("warns, and does not block, where it can't be told: %s", (_, nodeRoles, why) => {
    const found = check(nodeRoles);
    expect(found.status).toBe('warn');
    expect(found.message).toContain(why);
    expect(planMigration(someFacts({ nodeRoles })).verdict).toBe('migrate');
  });

  it('fails if one role may not, even if others are not known', () => {
    expect(check({ roles: [aNodeRole({ policies: [CNI] })], error: 'more' }).status).toBe('fail');
  });
  it('is not asked where no association is planned', () => {
    expect(checkNodeRole(someFacts({ nodeRoles: undefined }))).toEqual([]);
  });
});
