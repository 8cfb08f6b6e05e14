/** Checks that the scenarios about trust are true to their descriptions. */
import { describe, expect, it } from 'vitest';
import { evaluateTrust, parsePolicy, type Verdict } from '../../../lambdas/domain/policy/index.ts';
import { readScenario } from '../../../sandbox/build/load.ts';

const read = async (name: string) => {
  const scenario = await readScenario(new URL(`../../../sandbox/scenarios/${name}.json`, import.meta.url).pathname);
  const [account] = scenario.accounts;
  const [role] = account!.roles;
  const uses = account!.clusters.map((cluster) => ({
    clusterArn: `arn:aws:eks:${cluster.region}:${account!.id}:cluster/${cluster.name}`,
    namespace: 'kube-system',
    serviceAccount: 'ebs-csi-controller-sa',
    oidcIssuer: `https://oidc.eks.${cluster.region}.amazonaws.com/id/${cluster.oidcId}`,
  }));
  return { scenario, role: role!, policy: parsePolicy(role!.trustPolicy, 'trust'), uses };
};

describe('the scenarios about trust', () => {
  it.each<[string, Verdict, RegExp]>([
    ['trust-repair', 'denied', /no statement allows sts:AssumeRole/],
    ['trust-deny', 'denied', /"OurOrganisationOnly".* denies .*aws:PrincipalOrgID/],
    ['trust-too-long', 'denied', /no statement allows sts:AssumeRole/],
    ['trust-conditions', 'allowed', /"PodIdentity".* allows/],
    ['trust-undecided', 'unknown', /aws:RequestTag\/kubernetes-pod-name/],
    ['shared-role-fleet', 'allowed', /"PodIdentity".* allows/],
    ['role-chaining', 'allowed', /"PodIdentity".* allows/],
  ])('%s: EKS Pod Identity is %s, and IRSA works', async (name, verdict, why) => {
    const { policy, uses } = await read(name);
    for (const use of uses) {
      const { podIdentity, irsa } = evaluateTrust(policy, use);
      expect([podIdentity.verdict, irsa.verdict]).toEqual([verdict, 'allowed']);
      expect(podIdentity.reasons[0]?.message).toMatch(why);
    }
  });

  it('trust-undecided: only the unknown key decides', async () => {
    const { policy, uses } = await read('trust-undecided');
    expect(evaluateTrust(policy, uses[0]!).podIdentity.undecided).toEqual(['aws:RequestTag/kubernetes-pod-name']);
    expect(
      evaluateTrust(policy, uses[0]!, { acceptedKeys: ['aws:RequestTag/kubernetes-pod-name'] }).podIdentity.verdict,
    ).toBe('allowed');
  });

  it('trust-too-long: IAM accepts the policy as it is, but not with the shortest additional statement', async () => {
    const { role } = await read('trust-too-long');
    const length = JSON.stringify(role.trustPolicy).length;
    const plainest =
      JSON.stringify({
        Effect: 'Allow',
        Principal: { Service: 'pods.eks.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
      }).length + 1;
    expect(length).toBeLessThanOrEqual(2048);
    expect(length + plainest).toBeGreaterThan(2048);
  });

  it('trust-conditions: EKS evaluates the policy', async () =>
    expect((await read('trust-conditions')).scenario.knobs.trustValidation).toBe('evaluated'));
});
