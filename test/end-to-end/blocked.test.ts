/**
 * Plans that block because of checks that no built-in scenario meets (`scenarios.test.ts`); the remedies of all checks are in
 * `test/lambdas/domain/plan`.
 */
import { describe, expect, it } from 'vitest';
import { ebs, migrate, mutationsOf, RECREATE, type RunOptions, scenarioWith, TARGET } from './fixture.ts';

/** What is wrong, the run that meets it, the check that must block, and what its remedy must mention. */
const cases: [string, RunOptions, string, RegExp][] = [
  [
    'the role does not exist',
    { scenario: scenarioWith((scenario) => void (scenario.accounts[0]!.roles = [])) },
    'role-exists',
    /get-role|--role-arn/,
  ],
  ['EKS does not offer the add-on', { request: { addon: 'no-such-addon' } }, 'addon-installed', /list-addons/],
  [
    'the cluster is in another region',
    { request: { target: { ...TARGET, region: 'us-east-1' } } },
    'cluster-exists',
    /list-clusters/,
  ],
  [
    'the add-on is not ACTIVE',
    { scenario: scenarioWith((_, cluster) => void (ebs(cluster).status = 'DEGRADED')) },
    'addon-installed',
    /ACTIVE/,
  ],
  [
    'the add-on has no role',
    { scenario: scenarioWith((_, cluster) => void delete ebs(cluster).serviceAccountRoleArn) },
    'addon-uses-irsa',
    /node role|podIdentityAssociations/,
  ],
  [
    'the add-on would be down, which the request does not allow',
    { request: { ...RECREATE, maxDisruption: 'rolling' } },
    'max-disruption',
    /--max-disruption outage/,
  ],
];

it.each(cases)('a plan that blocks %s', async (_, options, id, remedy) => {
  const run = await migrate(options);
  expect(run.report.outcome).toBe('blocked');
  const blocking = run.report.plan!.checks.filter((check) => check.status !== 'pass' && check.status !== 'warn');
  expect(blocking.map((check) => check.id)).toContain(id);
  expect(blocking.find((check) => check.id === id)!.remedy).toMatch(remedy);
  expect(mutationsOf(run)).toEqual([]);
});

describe('nothing to do', () => {
  it('is reported for an add-on that is already on Pod Identity', async () => {
    const scenario = scenarioWith((_, cluster) => {
      delete ebs(cluster).serviceAccountRoleArn;
      cluster.associations[0]!.owner = 'aws-ebs-csi-driver';
    });
    const run = await migrate({ scenario });
    expect([run.report.outcome, mutationsOf(run)]).toEqual(['already-migrated', []]);
  });

  it.each<[string, RunOptions['request'], string]>([
    ['in place by default', {}, 'update-addon'],
    ['by deletion on request', RECREATE, 'create-addon'],
  ])('plans %s without changing anything', async (_, request, change) => {
    const run = await migrate({ request: { ...request, dryRun: true } });
    expect(run.report.outcome).toBe('planned');
    expect(run.report.plan!.steps.map((step) => step.name)).toContain(change);
    expect(run.report.applied).toBeUndefined();
    expect(mutationsOf(run)).toEqual([]);
  });
});
