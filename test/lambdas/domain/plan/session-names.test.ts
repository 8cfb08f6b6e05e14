/** What goes by the name of a role's session, which EKS Pod Identity gives otherwise than IRSA. */
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { aPod, aWorkload, policyText, ROLE, someFacts } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

const checksOf = (change: Partial<Facts>): Check[] =>
  planMigration(someFacts(change)).checks.filter((check) => check.id === 'session-names');
const policy = (...statements: object[]): Partial<Facts> => {
  const document = parsePolicy(policyText(...statements), 'identity');
  return { rolePolicies: { [ROLE]: { policies: [{ name: 's3', document }] } } };
};
const when = (Condition: object, Resource: string | string[] = '*', Effect = 'Allow'): object => {
  return { Effect, Action: 's3:*', Resource, Condition };
};

describe('check session-names', () => {
  it.each<[string, object]>([
    ['one session by its name', when({ StringEquals: { 'aws:userid': 'AROAEXAMPLE:app' } })],
    ['sessions with how their names begin', when({ StringLike: { 'AWS:UserId': ['A:*', 'A:botocore-session-*'] } })],
    ['all but one session', when({ StringNotLike: { 'aws:userid': 'AROAEXAMPLE:app' } }, '*', 'Deny')],
    ['a variable in a resource', when({}, ['arn:aws:s3:::bucket/x', 'arn:aws:s3:::bucket/${aws:userid}/*'])],
    ['a variable with a default', when({ StringLike: { 's3:prefix': "home/${AWS:userid, 'nobody'}/*" } })],
  ])('warns of %s, and lets the migration go on', (_, statement) => {
    const change = policy({ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }, statement);
    expect(checksOf(change)).toMatchObject([
      said('warn', /statement 2 of policy s3.*eks-CLUSTER-POD-UUID/, 'kubernetes-service-account'),
    ]);
    expect(planMigration(someFacts(change)).verdict).toBe('migrate');
  });

  it.each<[string, object]>([
    ['every session of the role', when({ StringLike: { 'aws:userid': 'AROAEXAMPLE:*' } })],
    ['every session of all', when({ StringLike: { 'aws:userid': '*' } })],
    ['whether there is one', when({ Null: { 'aws:userid': 'false' } })],
    ['another key', when({ StringEquals: { 'aws:PrincipalArn': ROLE } }, 'arn:aws:s3:::b/${aws:PrincipalTag/x}')],
  ])('says nothing of %s', (_, statement) => expect(checksOf(policy(statement))).toEqual([]));

  it('says nothing of policies that it can not read, which session-tags tells', () => {
    const admin = { name: 'AdministratorAccess', arn: 'arn:aws:iam::aws:policy/AdministratorAccess' };
    const policies = [{ name: 'x', document: parsePolicy('{', 'identity') }, admin];
    expect(checksOf({ rolePolicies: { [ROLE]: { policies } } })).toEqual([]);
  });

  it('warns where a container of the pods names its sessions', () => {
    const pod = aPod('irsa');
    const named = {
      ...pod,
      containers: pod.containers.map((one, index) =>
        index === 0 ? { ...one, env: { ...one.env, AWS_ROLE_SESSION_NAME: 'orders' } } : one,
      ),
    };
    const [first] = named.containers;
    expect(checksOf({ pods: [named], workloads: [] })).toMatchObject([said('warn', `container ${first!.name} of `)]);
    expect(checksOf({ pods: [pod], workloads: [aWorkload()] })).toEqual([]);
  });
});
