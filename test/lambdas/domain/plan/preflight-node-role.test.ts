import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { NodeRolesFact, PolicyFact, RolePoliciesFact } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkNodeRole } from '../../../../lambdas/domain/plan/preflight-node-role.ts';
import { aNodeRole, NODE_ROLE, ofAws, policyText, someFacts, target } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

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
const GOV = { name: 'AdministratorAccess', arn: 'arn:aws-us-gov:iam::aws:policy/AdministratorAccess' };
const EBS = { name: 'AmazonEBSCSIDriverPolicy', arn: 'arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy' };
const CLUSTERS = (name: string): string => `arn:aws:eks:eu-west-1:${target.account}:cluster/${name}`;
const ofTeam = { StringEquals: { 'aws:ResourceTag/team': 'a' } };
const having = (policies: RolePoliciesFact['policies'], error?: string): NodeRolesFact => ({
  roles: [aNodeRole({ policies, ...(error === undefined ? {} : { error }) })],
});
const SSM = ofAws('AmazonSSMManagedInstanceCore');

describe('node-role', () => {
  it.each([
    ['AmazonEKSWorkerNodePolicy', [CNI, ofAws('AmazonEKSWorkerNodePolicy')]],
    ['AmazonEKSWorkerNodeMinimalPolicy', [ofAws('AmazonEKSWorkerNodeMinimalPolicy')]],
    ['AdministratorAccess, in another partition', [GOV]],
    ['a policy of its own', [own({})]],
    ['a policy of its own for all of EKS Auth, in any case', [own({ Action: 'EKS-AUTH:*' })]],
    ['a policy of its own for this cluster', [own({ Resource: CLUSTERS('dev') })]],
    ['an identity policy in addition to one that was not read', [own({}), ofAws('SomethingNew')]],
  ])('passes with %s', (_, policies) => expect(withPolicies(...policies)).toMatchObject(said('pass', 'dev-nodes')));

  it.each([
    ['no policy', []],
    ['others of AWS alone', [CNI, SSM, EBS]],
    ['a policy for another cluster', [own({ Resource: CLUSTERS('prod') })]],
    ['a policy for another action', [own({ Action: 'eks:DescribeCluster' })]],
    ['a Deny in addition to an Allow', [ofAws('AmazonEKSWorkerNodePolicy'), own({ Effect: 'Deny' })]],
    ['a Deny in addition to a policy that was not read', [ofAws('SomethingNew'), own({ Effect: 'Deny' })]],
  ])('fails with %s', (_, policies) => {
    const found = withPolicies(...policies);
    expect(found).toMatchObject(said('fail', `do not allow ${ACTION}: dev-nodes`));
    expect(found.remedy).toContain(
      'aws iam attach-role-policy --role-name dev-nodes --policy-arn arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy',
    );
  });

  it('blocks where one of several roles may not', () => {
    const nodeRoles = { roles: [aNodeRole(), aNodeRole({ arn: `${NODE_ROLE}-gpu`, policies: [CNI] })] };
    expect(check(nodeRoles)).toMatchObject(said('fail', ': dev-nodes-gpu.'));
    expect(planMigration(someFacts({ nodeRoles })).verdict).toBe('blocked');
  });

  it.each<[string, NodeRolesFact, string]>([
    ['a policy that AWS manages and nobody has read', having([ofAws('SomethingNew')]), 'SomethingNew'],
    ['a condition on what is not known beforehand', having([own({ Condition: ofTeam })]), 'aws:ResourceTag/team'],
    ['a policy that is none', having([{ name: 'own', document: parsePolicy('{', 'identity') }]), 'not valid'],
    ['policies that may not be read', having([], 'iam:ListRolePolicies: AccessDenied'), 'iam:ListRolePolicies'],
    ['entries that may not be read', { roles: [], error: 'authentication mode' }, 'authentication mode'],
    ['no entry of nodes', { roles: [] }, 'aws-auth'],
    ['too many entries', { roles: [aNodeRole()], error: 'the cluster has more than 100' }, 'more than 100'],
  ])("warns, and does not block, where it can't be told: %s", (_, nodeRoles, why) => {
    expect(check(nodeRoles)).toMatchObject(said('warn', why));
    expect(planMigration(someFacts({ nodeRoles })).verdict).toBe('migrate');
  });

  it('fails if one role may not, even if others are not known', () =>
    expect(check({ roles: [aNodeRole({ policies: [CNI] })], error: 'more' }).status).toBe('fail'));
  it('is not asked where no association is planned', () =>
    expect(checkNodeRole(someFacts({ nodeRoles: undefined }))).toEqual([]));
});
