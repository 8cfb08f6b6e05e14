/** Plans and identities with the caller's own credentials: a served sandbox plays AWS, through AWS_ENDPOINT_URL alone. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { report as identitiesReport } from '../../lambdas/domain/identities/model.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { ADDON, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import type { Ran } from './aws-world.ts';
import { words } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';
import {
  asRole,
  awsWorlds,
  builtIn,
  checkIn,
  expectReadOnly,
  OPERATOR,
  own,
  PLAN,
  READER,
  reportIn,
  withReader,
} from './plan-aws-world.ts';

const { open } = awsWorlds();

describe('the plan of an add-on', () => {
  it('names first who reads what, and changes nothing', async () => {
    const aws = await open();
    const ran = await aws.run(...PLAN);
    expect(ran.code).toBe(0);
    expect(ran.err).toBe(
      `Reading account 111122223333 in eu-west-1 as arn:aws:sts::111122223333:assumed-role/operator/sandbox, at ${aws.variables['AWS_ENDPOINT_URL']!}. Nothing is changed.\n`,
    );
    expectReadOnly(ran);
    expect(ran.out).toContain('✔ planned  aws-ebs-csi-driver on reliability-dev');
    // What to do next: first the rehearsal, then the real thing.
    expect(ran.out).toMatch(
      /record --cluster reliability-dev > twin\.json\n.*migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox twin\.json\n.*deploy the service[^\n]*\n.*--deployed\n$/,
    );
  });

  it.each([
    ['ebs-csi-irsa', TARGET.cluster, ADDON],
    ['trust-deny', 'payments-prod', ADDON],
    ['efs-csi-irsa', 'media-prod', 'aws-efs-csi-driver'],
  ])('is that of the step in %s, except for what only a deployment knows', async (name, cluster, addon) => {
    const aws = await open(builtIn(name));
    const region = aws.backend.sandbox.world.home.region;
    const argv = ['plan', '--cluster', cluster, '--addon', addon, '--json'];
    const here = await aws.runWith({ variables: { AWS_REGION: region } }, ...argv);
    const step = await aws.run(...argv, '--sandbox', `sandbox/scenarios/${name}.json`);
    const ofDeployment = ['lock-free', 'step-rights', 'pass-role', 'kubernetes-access'];
    const comparable = (ran: Ran) => {
      const { plan, outcome } = reportIn(ran);
      const { checks, hash: _, forecast: __, ...rest } = plan!;
      return {
        outcome,
        ...rest,
        // The step leaves out the service's own access entries when it looks for node roles, and the time goes on.
        checks: checks
          .filter(({ id }) => !ofDeployment.includes(id))
          .map((check) => (['node-role', 'duration'].includes(check.id) ? { ...check, message: '' } : check)),
        blocking: checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id),
      };
    };
    expect(comparable(here)).toEqual(comparable(step));
    expect(here.code).toBe(step.code);
  });

  it("asks IAM about the caller's own role, with its path, and says so", async () => {
    const aws = await open(withReader(scenarioWith()));
    const ran = await aws.runWith({ variables: asRole(aws, READER) }, ...PLAN, '--json');
    expect(ran.code).toBe(0);
    expect(checkIn(ran, 'step-rights')).toMatchObject({
      status: 'warn',
      message: containing(`so IAM was asked about your own role ${READER}. It may not make`),
    });
    expect(checkIn(ran, 'pass-role')).toMatchObject({
      status: 'warn',
      remedy: containing('pod-identity suggest-config --cluster reliability-dev'),
    });
    expect(checkIn(ran, 'lock-free')).toBeUndefined();
    // Rights of the caller exclude no attempt.
    expect(reportIn(ran).plan?.attempts.map(({ strategy }) => strategy)).toEqual(['in-place', 'recreate']);
    expectReadOnly(ran, READER);
  });

  it.each([
    [PLAN, 0],
    [['plan', '--cluster', TARGET.cluster], 0],
    [['plan', '--cluster', 'nowhere'], 2],
  ])('%j shows on a terminal that it reads', async (argv, code) => {
    const aws = await open();
    const drawn: string[] = [];
    const stderr = { write: (text: string) => drawn.push(text), isTTY: true, columns: 0 };
    expect((await aws.runWith({ io: { stderr } }, ...argv)).code).toBe(code);
    expect(drawn.join('')).toMatch(/Nothing is changed\.\n[^]*Reading cluster/);
    expect(drawn.join('').includes('does not exist')).toBe(code !== 0);
  });

  it('with --output yaml is the same document', async () => {
    const aws = await open();
    const [json, yaml] = [await aws.run(...PLAN, '--json'), await aws.run(...PLAN, '--output', 'yaml')];
    const { parse } = await import('yaml');
    const shown = (given: MigrationReport) => [given.outcome, given.plan?.hash, given.plan?.checks.length];
    expect(shown(parse(yaml.out) as MigrationReport)).toEqual(shown(reportIn(json)));
  });
});

describe('the plan of a service account', () => {
  it("is made with the caller's own credentials", async () => {
    const aws = await open(builtIn('service-account-irsa'));
    const ran = await aws.run(...words`plan --cluster payments-prod --namespace payments --service-account api`);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('✔ planned  payments/api on payments-prod');
    expect(ran.out).toMatch(
      /migrate-workload --cluster payments-prod --namespace payments --service-account api --sandbox/,
    );
    expectReadOnly(ran);
  });

  it('is also made in a sandbox', async () => {
    const aws = await open(builtIn('service-account-irsa'));
    const argv = ['plan', '--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];
    const ran = await aws.run(...argv, '--sandbox', 'sandbox/scenarios/service-account-irsa.json', '--json');
    expect(reportIn(ran)).toMatchObject({ outcome: 'planned', serviceAccount: { namespace: 'payments', name: 'api' } });
  });
});

it.each([
  ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON],
  ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--dry-run'],
  ['migrate-workload', '--cluster', TARGET.cluster, '--namespace', 'a', '--service-account', 'b'],
])('commands that make changes %s never runs in AWS without a backend', async (...argv) => {
  const aws = await open();
  const ran = await aws.run(...argv);
  expect([ran.code, own(ran, OPERATOR)]).toEqual([2, []]);
  expect(ran.err).toMatch(/record --cluster CLUSTER > twin\.json, then add --sandbox twin\.json[^]*--deployed/);
});

it('identities reads AWS with the same first line, and writes no file', async () => {
  const aws = await open();
  const before = readdirSync(aws.directory);
  const ran = await aws.run('identities', '--cluster', TARGET.cluster);
  expect(ran.code).toBe(0);
  expect(ran.err).toMatch(/^Reading account 111122223333 in eu-west-1 as .* Nothing is changed\.\n$/);
  expect(ran.out).toContain('aws-ebs-csi-driver');
  expectReadOnly(ran);
  expect([readdirSync(aws.directory), existsSync('twin.json')]).toEqual([before, false]);
  const withRoles = await aws.run('identities', '--cluster', TARGET.cluster, '--roles', '--json');
  expectReadOnly(withRoles);
  const report = identitiesReport.parse(JSON.parse(withRoles.out));
  expect(report).toMatchObject({ target: TARGET, unread: [], trustedRoles: [] });
  expect(report.workloads.find(({ name }) => name === 'ebs-csi-controller')).toMatchObject({ identity: 'irsa' });
});

it("record reads with the caller's credentials, changes nothing, and writes a twin to rehearse on", async () => {
  const aws = await open();
  const ran = await aws.run('record', '--cluster', TARGET.cluster, '--region', TARGET.region);
  expect(ran.err).toMatch(/^Reading account 111122223333 in eu-west-1 as \S+, at http\S+\. Nothing is changed\./m);
  expect(ran.code).toBe(0);
  expectReadOnly(ran);
  const { accounts } = parseScenario(ran.out, 'stdout');
  expect(accounts[0]!.clusters[0]).toMatchObject({ name: TARGET.cluster, addons: expect.arrayContaining([]) });
  const file = join(aws.directory, 'twin.json');
  writeFileSync(file, ran.out);
  const argv = ['migrate', '--cluster', TARGET.cluster, '--addon', ADDON, '--sandbox', file, '--json'];
  const migrated = await aws.run(...argv);
  expect([migrated.code, reportIn(migrated)]).toMatchObject([0, { outcome: 'migrated' }]);
});
