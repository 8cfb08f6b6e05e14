/** The plan of an add-on with three service accounts, a namespace and custom resources of its own. */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { addonArn, OTHER_ROLE, ROLE } from '../example.ts';
import { podIdentityStatement, policyText } from '../trust-examples.ts';
import { anAddon, aPod, aWorkload } from '../eks-fixtures.ts';
import { GRANTED } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { checkOf, planOf } from './planning.ts';

const it = test.extend('fakes', () => adot());
const NAMESPACE = 'opentelemetry-operator-system';
const ACCOUNTS = ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'];
const OUTAGE = { maxDisruption: 'outage' };

function adot(): Fakes {
  const fakes = newFakes();
  // Who may be given a role is not what these are about.
  fakes.settings.roleGrants = GRANTED;
  const { eks, kubernetes } = fakes;
  eks.addons.set(
    'adot',
    anAddon({ name: 'adot', arn: addonArn(1, 'adot'), version: 'v0.117.0-eksbuild.1', configurationValues: undefined }),
  );
  eks.offered = [{ version: 'v0.117.0-eksbuild.1', default: true, requiresIamPermissions: true, owner: 'aws' }];
  eks.configurations.set('adot v0.117.0-eksbuild.1', {
    podIdentity: ACCOUNTS.map((serviceAccount) => ({ serviceAccount, recommendedManagedPolicies: [] })),
  });
  const labels = { 'app.kubernetes.io/name': 'adot' };
  kubernetes.pods = ACCOUNTS.map((serviceAccount) =>
    aPod('irsa', { namespace: NAMESPACE, name: `${serviceAccount}-1`, serviceAccount, labels }),
  );
  kubernetes.workloads = [
    ...kubernetes.workloads,
    ...ACCOUNTS.map((serviceAccount) =>
      aWorkload({ namespace: NAMESPACE, name: serviceAccount, serviceAccount, labels }),
    ),
  ];
  return fakes;
}
const run = (fakes: Fakes, request: object = {}): Promise<Plan> => planOf(fakes, { addon: 'adot', ...request });
const statusOf = (plan: Plan, id: string): string | undefined => checkOf(plan, id)?.status;

describe('an add-on with three service accounts', () => {
  it('gets an association for each, with the one role that IRSA gave them', async ({ fakes }) => {
    const plan = await run(fakes);
    expect(plan.verdict).toBe('migrate');
    expect(plan.associations).toEqual(
      ACCOUNTS.map((serviceAccount) => ({ namespace: NAMESPACE, serviceAccount, roleArn: ROLE })),
    );
    // One question for all of them, and for a role that all share.
    expect(fakes.journal.of('eks.listAllAssociations')).toEqual([[100]]);
    expect(fakes.journal.names()).not.toContain('eks.listAssociations');
    expect([fakes.journal.of('roles.getRole'), fakes.journal.of('roles.listPolicies')]).toEqual([[[ROLE]], [[ROLE]]]);
  });
  it('gets roles by service account, each of them read', async ({ fakes }) => {
    fakes.roles.trust[OTHER_ROLE] = policyText(podIdentityStatement);
    const plan = await run(fakes, { roles: { 'adot-col-otlp-ingest': OTHER_ROLE } });
    expect([plan.verdict, plan.associations.map((one) => one.roleArn)]).toEqual(['migrate', [ROLE, OTHER_ROLE, ROLE]]);
    expect(fakes.journal.of('roles.getRole')).toEqual([[ROLE], [OTHER_ROLE]]);
  });
});

describe('custom resources', () => {
  it('are not asked for where no way deletes their definitions', async () => {
    for (const request of [
      {},
      { strategy: 'in-place' },
      { strategy: 'recreate', preserve: true },
      { ...OUTAGE, preserve: true },
    ]) {
      const fakes = adot();
      await run(fakes, request);
      expect(fakes.journal.names()).not.toContain('kubernetes.listCustomResources');
    }
  });
  it('are asked for where one does, and take that way out', async ({ fakes }) => {
    fakes.kubernetes.customResources['opentelemetry.io/instrumentations'] = ['web/shop'];
    fakes.kubernetes.customResources['opentelemetry.io/opentelemetrycollectors'] = [
      `${NAMESPACE}/adot-col-otlp-ingest`,
    ];
    const plan = await run(fakes, OUTAGE);
    expect(fakes.journal.of('kubernetes.listCustomResources').length).toBeGreaterThan(1);
    expect(plan.attempts.map((attempt) => attempt.disruption)).toEqual(['rolling', 'rolling']);
    expect(checkOf(plan, 'custom-resources')?.message).toContain(
      'instrumentations.opentelemetry.io web/shop. Strategies ruled out',
    );
  });
  it.each(['AccessDenied', 'Unauthorised'] as const)('that %s keeps from being read count as unknown', async (name) => {
    const fakes = adot();
    fakes.journal.refuseNext('kubernetes.listCustomResources', name, 'kubernetes: you may not list');
    const plan = await run(fakes, { strategy: 'recreate' });
    expect([plan.verdict, statusOf(plan, 'custom-resources'), statusOf(plan, 'kubernetes-access')]).toEqual([
      'blocked',
      'unknown',
      'pass',
    ]);
  });
  it('that could not be read for a moment are read again', async ({ fakes }) => {
    fakes.journal.refuseNext('kubernetes.listCustomResources', 'Throttled', 'too many');
    await expectError(run(fakes, { strategy: 'recreate' }), 'Throttled');
    expect(await run(fakes, { strategy: 'recreate' })).toMatchObject({ verdict: 'migrate' });
  });
});
