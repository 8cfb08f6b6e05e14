import { describe, expect, it } from 'vitest';
import { checkKubernetes } from '../../../../lambdas/domain/plan/access-check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import type { Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { aNodePod, anAddon, aPod, aRequest, planned, SERVICE_ACCOUNT, someFacts } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const API = aRequest({ verification: 'api' });
/** What is known where the API server refuses the service. */
const refused = (change: Partial<Facts> = {}): Facts => {
  const { pods: _, workloads: __, agentWorkload: ___, ...facts } = someFacts(change);
  return { ...facts, kubernetesError: 'The API server answered 401.', customResources: [] };
};
const check = (facts: Facts): ReturnType<typeof checkKubernetes> => checkKubernetes(facts, [planned]);

describe('kubernetes-access', () => {
  it('passes where pods of the planned service accounts can be seen, and fails where there is none', () => {
    expect(check(someFacts())).toMatchObject([{ id: 'kubernetes-access', status: 'pass' }]);
    expect(check(someFacts({ pods: [aNodePod()] }))).toMatchObject([said('fail', SERVICE_ACCOUNT)]);
  });

  it('without access blocks, and names both ways out', () => {
    const [access] = check(refused());
    expect(access).toMatchObject({
      id: 'kubernetes-access',
      status: 'unknown',
      message: 'The pods could not be read: The API server answered 401.',
    });
    expect(access!.remedy).toMatch(/\(pod-identity grant-access --cluster dev .*--deployed\).*--verification api/);
  });

  it('without access, where what EKS says is enough, warns loudly of what will not be seen', () => {
    const [access, ...more] = check(refused({ request: API }));
    expect(more).toEqual([]);
    expect(access).toMatchObject({
      id: 'kubernetes-access',
      ...said(
        'warn',
        /could not be read: .* No pod is checked after the change.*shows only what EKS reports, and nothing about the pods.*was not checked either/,
      ),
    });
    expect(access!.remedy).toMatch(
      /\(pod-identity grant-access --cluster dev .*--deployed\).*identities --cluster dev/,
    );
  });

  it.each<[string, Pod[]]>([
    ['pods', [aPod('irsa')]],
    ['none', []],
  ])('with access to %s, where what EKS says is enough, says that they will not be looked at', (_, pods) =>
    expect(check(someFacts({ request: API, pods }))).toMatchObject([
      {
        id: 'kubernetes-access',
        ...said('warn', new RegExp(`^${pods.length} pods .*are readable, but the request relies on what EKS reports`)),
      },
    ]),
  );
});

describe('a plan that is verified by the EKS API', () => {
  const blocking = (facts: Facts): string[] =>
    planMigration(facts)
      .checks.filter(({ status }) => status === 'fail' || status === 'unknown')
      .map(({ id }) => id);

  it('goes on without access, by the first way alone, and says what its last step does', () => {
    const facts = refused({ request: API });
    expect(blocking(facts)).toEqual([]);
    const { verdict, attempts, steps } = planMigration(facts);
    expect([verdict, attempts.map(({ strategy }) => strategy)]).toEqual(['migrate', ['in-place']]);
    expect(planMigration(refused()).verdict).toBe('blocked');
    expect(planMigration(someFacts()).attempts).toHaveLength(2);
    expect(steps.find(({ name }) => name === 'verify-pods')).toMatchObject({
      what: containing('check and restart no pods'),
      calls: [],
      disruption: 'none',
    });
    const usual = planMigration(someFacts()).steps.find(({ name }) => name === 'verify-pods');
    expect(usual?.disruption).toBe('rolling');
  });

  it('without access takes no way that deletes definitions of custom resources that it could not list', () => {
    const of = (name: string, change: object): Facts =>
      refused({
        request: aRequest({ addon: name, strategy: 'recreate', verification: 'api', ...change }),
        addon: anAddon({ name }),
      });
    expect(blocking(of('amazon-cloudwatch-observability', {}))).toContain('custom-resources');
    expect(blocking(of('amazon-cloudwatch-observability', { preserve: true }))).not.toContain('custom-resources');
    expect(blocking(of('aws-ebs-csi-driver', {}))).not.toContain('custom-resources');
  });

  it('has another hash than one that reads the pods', () =>
    expect(planMigration(someFacts({ request: API })).hash).not.toBe(planMigration(someFacts()).hash));
});
