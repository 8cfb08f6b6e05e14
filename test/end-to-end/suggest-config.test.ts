/**
 * The configuration that `suggest-config` proposes is accepted by a deployment, which then blocks none of the migrations
 * because of a missing setting.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ensureAssembly } from '../../cli/assembly.ts';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { configOf } from '../lib/config-files.ts';
import { containing } from '../lambdas/matchers.ts';
import { scenarioFile } from './fixture.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram } from '../cli/run-program.ts';

const scratch = scratchDirectory();

/** The checks that depend on the configuration. */
const OF_CONFIGURATION = ['pass-role', 'role-grant', 'trust-repair', 'trust'];

const suggest = (...argv: string[]) => runProgram('suggest-config', ...argv);

/** Writes a published scenario with a change, and returns it. */
const scenarioWith = async (name: string, change: (scenario: Scenario) => void = () => undefined) => {
  const scenario = await readScenario(scenarioFile(name));
  change(scenario);
  const file = join(scratch, `${name}.json`);
  writeFileSync(file, JSON.stringify(scenario));
  const { id: account, clusters } = scenario.accounts[0]!;
  const [cluster] = clusters;
  const ask = (...argv: string[]) => suggest('--cluster', cluster!.name, '--sandbox', file, ...argv);
  return { scenario, file, account, cluster: cluster!, ask };
};

/** Deploys with that configuration, plans, and returns the plan's checks. */
const checksOf = async (scenario: Scenario, config: string, name: string, request: object) => {
  const { lambdaDirectory } = await ensureAssembly();
  const assemblyDirectory = join(scratch, `${name}.out`);
  synthesise(assemblyDirectory, { lambdaDirectory, context: { config } });
  const sandbox = await openSandbox({ scenario, assemblyDirectory });
  const migrationId = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
  const { clock, executions, outputs } = sandbox;
  try {
    return await clock.spawn(async () => {
      const { executionArn } = await sandbox
        .clients()
        .stepFunctions()
        .send(
          new StartExecutionCommand({
            stateMachineArn: outputs.stateMachineArn,
            name: migrationId,
            input: JSON.stringify({ migrationId, request: { dryRun: true, ...request } }),
          }),
        );
      await clock.park(executions.execution(executionArn!).ended);
      const ledger = createDynamoLedger({ client: sandbox.clients().dynamodb(), tableName: outputs.tableName });
      const record = await ledger.getMigration(migrationId);
      return { outcome: record?.status === 'ended' ? record.outcome : undefined, checks: record?.plan?.checks ?? [] };
    });
  } finally {
    await sandbox.close();
  }
};

/** Nothing but EC2 may assume the role, so that no trust policy shows that a service account may have it. */
const onlyForNodes = (scenario: Scenario): void => {
  scenario.accounts[0]!.roles[0]!.trustPolicy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
};

const EBS = { addon: 'aws-ebs-csi-driver' };
const CASES: [string, object, ((scenario: Scenario) => void)?][] = [
  ['ebs-csi-irsa', EBS],
  ['trust-repair', { ...EBS, trust: 'repair' }],
  ['service-account-irsa', { serviceAccount: { namespace: 'payments', name: 'api' } }],
  ['shared-role', EBS],
  ['node-role-lacks-right', { ...EBS, trust: 'repair' }, onlyForNodes],
];

it.each(CASES)(
  'a deployment with the suggested configuration blocks nothing in %s because of a missing setting: %j',
  async (name, request, change) => {
    const { scenario, ask, account, cluster } = await scenarioWith(name, change);
    const config = join(scratch, `${name}.yaml`);
    expect(await ask('--out', config)).toMatchObject({
      code: 0,
      err: expect.stringContaining(`npx cdk deploy -c config=${config}`),
    });
    const read = configOf({ config });
    expect(read.passableRoleArns.every((arn) => /^arn:aws:iam::\d{12}:role\/[^*?]+$/.test(arn))).toBe(true);
    const target = { account, region: cluster.region, cluster: cluster.name };
    const { outcome, checks } = await checksOf(scenario, config, name, { target, ...request });
    const bad = checks.filter(({ status }) => status === 'fail' || status === 'unknown');
    expect(bad.filter(({ id }) => OF_CONFIGURATION.includes(id))).toEqual([]);
    expect(outcome === 'planned' && bad.length === 0).toBe(name !== 'node-role-lacks-right');
    // And the other way around: nothing is in it that the plans do not need.
    expect(read.repairableRoleArns === undefined).toBe(!('trust' in request));
    expect(read.roleGrants.length > 0).toBe(change === onlyForNodes);
  },
);

describe('a role that only an annotation names', () => {
  /** A principal that may edit a service account has annotated its own with the role of the add-on. */
  const annotatedByStranger = (scenario: Scenario): void => {
    onlyForNodes(scenario);
    const { roles, clusters } = scenario.accounts[0]!;
    const serviceAccountAnnotations = { 'eks.amazonaws.com/role-arn': roles[0]!.arn };
    const evil = { kind: 'Deployment', namespace: 'evil', name: 'evil', serviceAccount: 'evil' } as const;
    clusters[0]!.workloads = [{ ...evil, paused: false, hostNetwork: false, serviceAccountAnnotations }];
  };
  const NAMES_ACCOUNT = '"serviceAccounts":["evil/evil"]';

  it("is granted to no service account but the add-on's own, until its entry is accepted", async () => {
    const { ask, cluster } = await scenarioWith('node-role-lacks-right', annotatedByStranger);
    const config = join(scratch, 'annotated.yaml');
    const { code, err } = await ask('--out', config);
    const accountsIn = (from: string) => configOf({ config: from }).roleGrants.flatMap((one) => one.serviceAccounts);
    expect([code, accountsIn(config)]).toEqual([3, ['kube-system/ebs-csi-controller-sa']]);
    expect(err).toMatch(
      /^1 entry of roleGrants is not active: .*\n {2}\{.*"serviceAccounts":\["evil\/evil"\]\}\nAsk the owner of each/,
    );
    const text = readFileSync(config, 'utf8');
    expect(text).toContain(`  # ${cluster.name}: evil/evil, by its annotation alone\n  - arn:`);
    const accepted = join(scratch, 'accepted.yaml');
    writeFileSync(accepted, text.replaceAll(/^#(?= *(?:- |\w+:$))/gm, ''));
    expect(accountsIn(accepted)).toEqual(['kube-system/ebs-csi-controller-sa', 'evil/evil']);
    const json = await ask('--json');
    expect([json.code, json.out.includes('evil/evil'), json.err.includes(NAMES_ACCOUNT)]).toEqual([3, false, true]);
  });

  it('is not repaired, and leaves lists out that have no other entry', async () => {
    const { scenario, ask } = await scenarioWith('service-account-irsa', onlyForNodes);
    const { code, out } = await ask();
    const passableRoleArns = [scenario.accounts[0]!.roles[0]!.arn];
    expect([code, parse(out)]).toEqual([3, { passableRoleArns }]);
    expect(JSON.parse((await ask('--json')).out)).toEqual({ passableRoleArns });
    const roles = `#  - roles:\n#      - ${passableRoleArns[0]}\n#    clusters:\n`;
    expect([out.includes('\n#repairableRoleArns:\n'), out.includes(roles)]).toEqual([true, true]);
  });
});

describe('suggest-config', () => {
  it('explains each entry, and writes JSON too', async () => {
    const { ask, cluster } = await scenarioWith('node-role-lacks-right', onlyForNodes);
    const { out } = await ask();
    expect(out).toMatch(/^# Suggested by "pod-identity suggest-config" for:\n# {3}arn:aws:eks:/);
    expect(out).toMatch(new RegExp(`passableRoleArns:\n  # ${cluster.name}: aws-ebs-csi-driver\n  - arn:aws:iam::`));
    expect(out).toMatch(
      /roleGrants:\n {2}# .*: aws-ebs-csi-driver\n {2}# Nothing else shows that it may have the role: /,
    );
    const json = JSON.parse((await ask('--json')).out) as object;
    expect(Object.keys(json)).toEqual(['passableRoleArns', 'repairableRoleArns', 'roleGrants']);
  });

  it('reads several clusters, and takes ARNs', async () => {
    const { scenario, file, account } = await scenarioWith('shared-role');
    const [one, two] = scenario.accounts[0]!.clusters;
    const arnOf = ({ name, region }: { name: string; region: string }): string =>
      `arn:aws:eks:${region}:${account}:cluster/${name}`;
    const { code, out } = await suggest('--cluster', arnOf(one!), '--cluster', arnOf(two!), '--sandbox', file);
    expect(code).toBe(0);
    for (const part of [`# ${one!.name}: `, `# ${two!.name}: `]) expect(out).toContain(part);
  });

  it('does not overwrite a file without --force', async () => {
    const { ask } = await scenarioWith('ebs-csi-irsa');
    const config = join(scratch, 'kept.yaml');
    writeFileSync(config, 'kept');
    expect(await ask('--out', config)).toMatchObject({ code: 2, err: containing('already exists') });
    expect(readFileSync(config, 'utf8')).toBe('kept');
    expect((await ask('--out', config, '--force')).code).toBe(0);
    expect(readFileSync(config, 'utf8')).toContain('passableRoleArns:');
  });

  it('reports unknown clusters, wrong flags, and clusters without roles', async () => {
    const { scenario, file, cluster } = await scenarioWith('ebs-csi-irsa');
    const unknown = { code: 2, err: containing('Cluster nope does not exist') };
    expect(await suggest('--cluster', 'nope', '--sandbox', file)).toMatchObject(unknown);
    expect((await suggest('--sandbox', file)).err).toContain('--cluster is missing');
    expect((await suggest('--cluster', 'a b', '--sandbox', file)).err).toContain('must be the name of an EKS cluster');
    for (const addon of scenario.accounts[0]!.clusters[0]!.addons) delete addon.serviceAccountRoleArn;
    scenario.accounts[0]!.clusters[0]!.associations = [];
    const none = join(scratch, 'none.json');
    writeFileSync(none, JSON.stringify(scenario));
    expect((await suggest('--cluster', cluster.name, '--sandbox', none)).err).toContain('uses a role');
  });
});
