/**
 * A deployment with as many accounts and role patterns as the configuration accepts: most permissions are then in
 * managed policies, and the settings in the layer's file. Migrations work as in a small deployment, with no additional
 * permission.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { isSpokeRole } from '../../lambdas/domain/access/spokes.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { accountsOf, patternsOf } from '../lib/configurations.ts';
import { fromAfar } from '../permissions/spoke-runs.ts';
import { scenarioFile } from './fixture.ts';
import { scratchDirectory } from '../scratch.ts';

const CLUSTERS = '111122223333';
const MIGRATION = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const scratch = scratchDirectory();

/** Deploys with that pattern as the last of a hundred, into a folder with that name. */
const deploy = async (name: string, last: string): Promise<string> => {
  const { lambdaDirectory } = await ensureAssembly();
  const [config, outdir] = [join(scratch, `${name}.json`), join(scratch, name)];
  const settings = {
    passableRoleArns: [...patternsOf(99, 'passed'), last],
    repairableRoleArns: [...patternsOf(99, 'repaired'), last],
    accounts: [...accountsOf(99), CLUSTERS],
  };
  writeFileSync(config, JSON.stringify(settings));
  synthesise(outdir, { lambdaDirectory, context: { config } });
  return outdir;
};
let assembly: string;
let without: string;
beforeAll(async () => {
  assembly = await deploy('with', 'role/*ebs*');
  without = await deploy('without', 'role/other-*');
});

const migrate = async (
  scenarioName: string,
  directory: string,
  request: object,
  change: (scenario: Scenario) => void = () => undefined,
) => {
  const scenario = await readScenario(scenarioFile(scenarioName));
  change(scenario);
  const sandbox = await openSandbox({ scenario, assemblyDirectory: directory });
  const run = async (): Promise<{ record: object | undefined; sandbox: Sandbox }> => {
    const { clock, executions, outputs } = sandbox;
    const { name: cluster, region } = scenario.accounts[0]!.clusters[0]!;
    const target = { account: CLUSTERS, region, cluster };
    const input = JSON.stringify({ migrationId: MIGRATION, request: { target, ...request } });
    const { executionArn } = await sandbox
      .clients()
      .stepFunctions()
      .send(new StartExecutionCommand({ stateMachineArn: outputs.stateMachineArn, name: MIGRATION, input }));
    await clock.park(executions.execution(executionArn!).ended);
    const ledger = createDynamoLedger({ client: sandbox.clients().dynamodb(), tableName: outputs.tableName });
    return { record: await ledger.getMigration(MIGRATION), sandbox };
  };
  try {
    return await sandbox.clock.spawn(run);
  } finally {
    await sandbox.close();
  }
};
const ADDON = { addon: 'aws-ebs-csi-driver' };

describe('a deployment with every list at its longest', () => {
  it('has its large permissions in managed policies, which the roles share', () => {
    const { roles } = loadAssembly(assembly, { account: CLUSTERS, region: 'eu-west-1' });
    const restoring = roles.find(({ logicalId }) => logicalId.startsWith('StepsRestoreAddonRole'));
    const names = restoring?.policies.map(({ name }) => name) ?? [];
    expect(names.filter((name) => name.includes('StepsRights')).length).toBeGreaterThanOrEqual(5);
    expect(restoring?.managedPolicyArns).toEqual([]);
  });

  it.each([
    ['in place', {}],
    ['recreated', { strategy: 'recreate' }],
  ])('migrates an add-on in its own account (%s)', async (_, request) => {
    const { record, sandbox } = await migrate('in-place', assembly, { ...ADDON, ...request });
    expect(record).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect([sandbox.authorizer.denials, sandbox.failures]).toEqual([[], []]);
  });

  it('migrates an add-on in another account, by the roles there', async () => {
    const { record, sandbox } = await migrate('in-place', assembly, ADDON, fromAfar);
    expect(record).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect([sandbox.authorizer.denials, sandbox.failures]).toEqual([[], []]);
    expect(
      sandbox.world.log.calls.filter(({ service, caller }) => service === 'eks' && isSpokeRole(caller)),
    ).not.toEqual([]);
  });

  it('passes no role that matches no pattern', async () => {
    const { record } = await migrate('in-place', without, ADDON);
    expect(record).toMatchObject({ outcome: 'blocked' });
    expect(JSON.stringify(record)).toContain('passableRoleArns');
  });
});
