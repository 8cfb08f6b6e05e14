import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeExecutionCommand, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/model.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import { directory } from './definition.ts';

const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const SERVICES = ['eks', 'iam', 'dynamodb', 'states'];
const scenarioOf = (name: string) => parseScenario(JSON.parse(readFileSync(join(import.meta.dirname, `../../sandbox/scenarios/${name}.json`), 'utf8')), name);

interface Run {
  scenario: string;
  request?: Partial<MigrationRequestInput>;
  /** Seconds after which the execution is stopped; then Recover comes by itself. */
  stopAfter?: number;
  /** A rollback on demand at the end. */
  rollBack?: boolean;
  /** The OIDC trust is retired at the end, and put back. */
  retire?: boolean;
  /** Steps that the run must have come by, so that it shows what it is for. */
  calls: string[];
}

async function follow(sandbox: Sandbox, { scenario: name, request, stopAfter, rollBack, retire }: Run): Promise<void> {
  const { clock, outputs } = sandbox;
  const [account] = scenarioOf(name).accounts;
  const [cluster] = account!.clusters;
  const addon = cluster!.addons.find(({ serviceAccountRoleArn }) => serviceAccountRoleArn !== undefined)!.name;
  const stepFunctions = sandbox.clients().stepFunctions();
  const start = async (stateMachineArn: string, executionName: string, input: object): Promise<string> => {
    const { executionArn } = await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name: executionName, input: JSON.stringify(input) }));
    return executionArn!;
  };
  const ended = async (executionArn: string): Promise<string | undefined> => {
    for (;;) {
      const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return status;
      await clock.sleep(5000);
    }
  };
  const target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
  const executionArn = await start(outputs.stateMachineArn, MIGRATION_ID, { migrationId: MIGRATION_ID, request: { target, addon, ...request } });
  if (stopAfter !== undefined) {
    await clock.sleep(stopAfter * 1000);
    await stepFunctions.send(new StopExecutionCommand({ executionArn }));
    // Recover waits until no Lambda of the stopped execution can be at work.
    await clock.sleep(15 * 60_000);
  }
  await ended(executionArn);
  for (const action of retire ? ['retire', 'reinstate'] : []) {
    const status = await ended(await start(outputs.retireStateMachineArn!, action, { migrationId: MIGRATION_ID, action, dryRun: false, soakDays: 0 }));
    if (status !== 'SUCCEEDED') throw new Error(`${action} ended ${status}`);
  }
  if (rollBack) await ended(await start(outputs.recoverStateMachineArn, 'rollback', { migrationId: MIGRATION_ID, cause: 'requested' }));
}

describe('rights', () => {
  const recoveries = ['take-over', 'assess-rollback', 'restore-addon', 'restore-associations', 'verify-pods', 'finish'];
  it.each<Run>([
    { scenario: 'in-place', rollBack: true, calls: ['plan', 'begin', 'update-addon', 'await-active', 'carry-over', ...recoveries] },
    { scenario: 'ebs-csi-irsa', request: { strategy: 'recreate' }, stopAfter: 30, calls: ['delete-addon', 'await-deleted', 'find-stranded', ...recoveries] },
    { scenario: 'auto-climbs', calls: ['delete-addon', 'purge-associations', 'create-addon', 'restart-pods'] },
    { scenario: 'left-over-target-role', rollBack: true, calls: ['purge-associations', 'carry-over', 'restore-associations'] },
    { scenario: 'trust-repair', request: { trust: 'repair' }, retire: true, rollBack: true, calls: ['plan', 'begin', 'repair-trust', 'retire-trust', ...recoveries] },
  ])('cover every call that is made: %o', async (run) => {
    const sandbox = await openSandbox({ scenario: scenarioOf(run.scenario), assemblyDirectory: directory, clock: 'virtual' });
    await sandbox.clock.spawn(() => follow(sandbox, run));
    const { functions, roles } = loadAssembly(directory, sandbox.world.home);
    const stepOf = new Map(functions.map(({ handler, roleArn }) => [roleArn, handler.replace('.handler', '')]));
    const allowed = new Map(
      roles.map(({ arn, policies }) => [arn, new Set(policies.flatMap(({ document }) => (document as { Statement: { Action: string | string[] }[] }).Statement).flatMap(({ Action }) => Action))]),
    );

    const calls = sandbox.world.log.calls.filter(({ service }) => SERVICES.includes(service)).flatMap(({ service, operation, caller }) => {
      const step = stepOf.get(caller);
      return step === undefined ? [] : [{ role: caller, step, action: `${service}:${operation}` }];
    });
    expect([...new Set(calls.map(({ step }) => step))]).toEqual(expect.arrayContaining(run.calls));
    expect([...new Set(calls.filter(({ role, action }) => !allowed.get(role)!.has(action)).map(({ step, action }) => `${step} ${action}`))]).toEqual([]);
    await sandbox.close();
  });
});
