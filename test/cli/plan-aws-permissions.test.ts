/** The permissions that a plan needs of the caller: those of docs/plan.md, and what happens without one. */
import { describe, expect, it } from 'vitest';
import type { Overview } from '../../lambdas/domain/overview/model.ts';
import { ADDON, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { containing } from '../lambdas/matchers.ts';
import {
  actionsIn,
  asRole,
  awsWorlds,
  builtIn,
  checkIn,
  documented,
  own,
  PLAN,
  READER,
  reportIn,
  withReader,
} from './plan-aws-world.ts';

const { open, close } = awsWorlds();

describe('permissions', () => {
  it('that docs/plan.md lists are all that is used, and each is used', async () => {
    const used = new Set<string>();
    const cases: [string, string[][]][] = [
      ['ebs-csi-irsa', [PLAN, [...PLAN, '--trust', 'repair'], ['plan', '--cluster', TARGET.cluster]]],
      ['node-role-lacks-right', []],
      ['role-chaining', []],
    ];
    for (const [name, commands] of cases) {
      const scenario = withReader(builtIn(name));
      const [account] = scenario.accounts;
      const [cluster] = account!.clusters;
      const [role] = account!.roles;
      cluster!.fargateProfiles = [{ name: 'batch', namespace: 'batch', labels: {} }];
      // Customer-managed and inline policies, which other scenarios do not have together.
      role!.attachedPolicies.push({
        arn: 'arn:aws:iam::111122223333:policy/own',
        document: { Version: '2012-10-17', Statement: [] },
      });
      role!.policies.push({ name: 'inline', document: { Version: '2012-10-17', Statement: [] } });
      const aws = await open(scenario);
      const all =
        commands.length > 0
          ? commands
          : cluster!.addons
              .filter(({ serviceAccountRoleArn }) => serviceAccountRoleArn !== undefined)
              .map((addon) => ['plan', '--cluster', cluster!.name, '--addon', addon.name]);
      for (const argv of all) {
        const ran = await aws.runWith({ variables: { ...asRole(aws, READER), AWS_REGION: cluster!.region } }, ...argv);
        expect([0, 3]).toContain(ran.code);
        expect(own(ran, READER).filter(({ status }) => status === 401 || status === 403)).toEqual([]);
      }
      for (const { principalArn, action } of aws.backend.sandbox.authorizer.uses())
        if (principalArn === READER) used.add(action);
      await close();
    }
    expect([...used].filter((action) => !action.startsWith('sts:')).sort()).toEqual(actionsIn(documented()).sort());
  });

  it.each(['eks:DescribeCluster', 'eks:DescribeAddon', 'iam:GetRole'])(
    'without %s: an error names it',
    async (action) => {
      const aws = await open(withReader(scenarioWith(), { without: [action] }));
      const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN);
      expect(ran.code).toBe(3);
      for (const part of [`is not authorized to perform: ${action}`, 'docs/plan.md']) expect(ran.err).toContain(part);
      expect(ran.err).not.toMatch(/^\s+at /m);
    },
  );

  it.each([
    'iam:SimulatePrincipalPolicy',
    'eks:ListAccessEntries',
    'eks:ListCapabilities',
    'eks:ListFargateProfiles',
    'iam:ListRolePolicies',
  ])('without %s: still a plan', async (action) => {
    const aws = await open(withReader(scenarioWith(), { without: [action] }));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect([0, 3]).toContain(ran.code);
    expect(reportIn(ran).plan?.checks.length).toBeGreaterThan(10);
  });

  it('without access to the API server: blocked, with the command that gives access', async () => {
    const aws = await open(withReader(scenarioWith(), { access: false }));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect(ran.code).toBe(3);
    expect(checkIn(ran, 'kubernetes-access')).toMatchObject({
      status: 'unknown',
      remedy: containing(
        `aws eks create-access-entry --cluster-name reliability-dev --region eu-west-1 --principal-arn ${READER} --kubernetes-groups pod-identity-migrator:read`,
      ),
    });
    const whole = await aws.runWith({ variables: asRole(aws, READER) }, 'plan', '--cluster', TARGET.cluster, '--json');
    expect(whole.code).toBe(3);
    const overview = JSON.parse(whole.out) as Overview;
    expect(overview.items.find(({ name }) => name === ADDON)).toMatchObject({ identity: 'irsa', verdict: 'unknown' });
    expect(overview.unread).toMatchObject([{ what: 'service accounts, pods and workloads' }]);
  });
});
