/** The setup for a role of another account: it must allow the service account, and nobody else. */
import { assert, constantFrom, property, record, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { baseRoleNameFor, judgeSetup, targetRoleSetup } from '../../../../lambdas/domain/trust/target-role.ts';
import type { TargetRoleUse } from '../../../../lambdas/domain/trust/target-role.ts';
import { matching } from '../../matchers.ts';

const USE: TargetRoleUse = {
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'reports-prod' },
  namespace: 'reports',
  serviceAccount: 'export',
  targetRoleArn: 'arn:aws:iam::444455556666:role/team/report-archive',
};
const verdictsOf = (...given: Parameters<typeof judgeSetup>): Record<string, string> =>
  Object.fromEntries(judgeSetup(...given).map(({ what, verdict }) => [what, verdict]));
const ALL_ALLOWED = { 'base-role-trust': 'allowed', 'base-role-policy': 'allowed', 'target-role-trust': 'allowed' };

describe('the setup for a target role', () => {
  it('names both roles, the cluster, the namespace and the service account', () => {
    expect(targetRoleSetup(USE)).toEqual({
      baseRoleName: 'pod-identity-reports-prod-reports-export',
      baseRoleArn: 'arn:aws:iam::111122223333:role/pod-identity-reports-prod-reports-export',
      trustPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: matching(/^PodIdentity[0-9a-f]{12}$/),
            Effect: 'Allow',
            Principal: { Service: 'pods.eks.amazonaws.com' },
            Action: ['sts:AssumeRole', 'sts:TagSession'],
            Condition: {
              StringEquals: {
                'aws:SourceAccount': '111122223333',
                'aws:RequestTag/kubernetes-namespace': 'reports',
                'aws:RequestTag/kubernetes-service-account': 'export',
              },
              ArnEquals: { 'aws:SourceArn': 'arn:aws:eks:eu-west-1:111122223333:cluster/reports-prod' },
            },
          },
        ],
      },
      policy: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: USE.targetRoleArn }],
      },
      statement: {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::111122223333:role/pod-identity-reports-prod-reports-export' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
        Condition: {
          StringEquals: {
            'aws:RequestTag/eks-cluster-arn': 'arn:aws:eks:eu-west-1:111122223333:cluster/reports-prod',
            'aws:RequestTag/kubernetes-namespace': 'reports',
            'aws:RequestTag/kubernetes-service-account': 'export',
          },
        },
      },
    });
    expect(targetRoleSetup({ ...USE, baseRoleName: 'ours' }).baseRoleArn).toBe('arn:aws:iam::111122223333:role/ours');
  });

  it('is refused by a Deny in the whole trust policy of the target role', () => {
    const setup = targetRoleSetup(USE);
    const whole = parsePolicy(
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [setup.statement, { Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:TagSession' }],
      }),
      'trust',
    );
    expect(verdictsOf(USE, setup, whole)).toEqual({ ...ALL_ALLOWED, 'target-role-trust': 'denied' });
  });

  const name = stringMatching(/^[a-z][a-z0-9-]{0,40}[a-z0-9]$/);
  const use = record({
    cluster: name,
    namespace: name,
    serviceAccount: name,
    target: name,
    region: constantFrom('eu-west-1', 'cn-north-1'),
  }).map(({ cluster, namespace, serviceAccount, target, region }): TargetRoleUse => ({
    target: { account: '111122223333', region, cluster },
    namespace,
    serviceAccount,
    targetRoleArn: `arn:${region.startsWith('cn') ? 'aws-cn' : 'aws'}:iam::444455556666:role/${target}`,
  }));

  it('allows the service account by both calls, whatever the names', () =>
    assert(
      property(use, (one) => {
        expect(verdictsOf(one, targetRoleSetup(one))).toEqual(ALL_ALLOWED);
        expect(baseRoleNameFor(one)).toMatch(/^[\w+=,.@-]{1,64}$/);
      }),
    ));

  it('allows no other service account, namespace or cluster by either call', () =>
    assert(
      property(
        use,
        constantFrom(
          (one: TargetRoleUse): TargetRoleUse => ({ ...one, serviceAccount: `${one.serviceAccount}x` }),
          (one: TargetRoleUse): TargetRoleUse => ({ ...one, namespace: `${one.namespace}x` }),
          (one: TargetRoleUse): TargetRoleUse => {
            return { ...one, target: { ...one.target, cluster: `${one.target.cluster}x` } };
          },
        ),
        (one, change) => {
          const setup = targetRoleSetup(one);
          const other = change(one);
          const denied = { 'base-role-trust': 'denied', 'target-role-trust': 'denied' };
          expect(verdictsOf(other, setup)).toMatchObject(denied);
        },
      ),
    ));

  it('gives long names a role name of 64 characters, different for different service accounts', () => {
    const long = { ...USE, namespace: 'n'.repeat(60) };
    const names = ['a', 'b'].map((serviceAccount) => baseRoleNameFor({ ...long, serviceAccount }));
    expect([names.map(({ length }) => length), new Set(names).size]).toEqual([[64, 64], 2]);
  });
});
