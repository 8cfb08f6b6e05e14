import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ListClustersCommand } from '@aws-sdk/client-eks';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { readScenario } from '../../../sandbox/world/load.ts';

const ADDON = 'aws-ebs-csi-driver';
const target = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const scenarioOf = () => readScenario('sandbox/scenarios/ebs-csi-irsa.json');

const opened: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of opened.splice(0)) await sandbox.close();
});

const open = async (options: Partial<SandboxOptions> = {}): Promise<Sandbox> => {
  const { directory } = await ensureAssembly();
  const sandbox = await openSandbox({ scenario: await scenarioOf(), assemblyDirectory: directory, ...options });
  opened.push(sandbox);
  return sandbox;
};

/** Runs a migration to the end of its execution and answers how it ended. */
const run = (sandbox: Sandbox, request: object): Promise<string | undefined> =>
  sandbox.clock.spawn(async () => {
    const stepFunctions = sandbox.clients().stepFunctions();
    const input = JSON.stringify({ migrationId: MIGRATION_ID, request: { target, addon: ADDON, ...request } });
    const { executionArn } = await stepFunctions.send(new StartExecutionCommand({ stateMachineArn: sandbox.outputs.stateMachineArn, name: MIGRATION_ID, input }));
    for (;;) {
      const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return status;
      await sandbox.clock.sleep(sandbox.clock.kind === 'virtual' ? 1000 : 50);
    }
  });

const functionCallers = (sandbox: Sandbox): string[] => {
  const aws = sandbox.world.log.calls.filter((call) => !['states', 'lambda'].includes(call.service));
  return [...new Set(aws.map((call) => call.caller))];
};

describe('openSandbox', () => {
  it('deploys the application into the world of the scenario', async () => {
    const sandbox = await open();
    expect(sandbox.clock.kind).toBe('virtual');
    expect(sandbox.clock.now()).toBe(Date.parse('2026-01-15T09:00:00Z'));
    expect(sandbox.outputs.stateMachineArn).toMatch(/^arn:aws:states:eu-west-1:111122223333:stateMachine:/);
    const { Table: table } = await sandbox.clients().dynamodb().send(new DescribeTableCommand({ TableName: sandbox.outputs.tableName }));
    expect(table).toMatchObject({ TableStatus: 'ACTIVE', KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'sk' }] });
    expect(sandbox.environment).toBeUndefined();
  });

  it('gives clients of the operator by default, of another role or region on demand', async () => {
    const sandbox = await open();
    expect((await sandbox.clients().eks().send(new ListClustersCommand({}))).clusters).toEqual(['reliability-dev']);
    const [, , key] = [...sandbox.world.accessKeys.values()];
    expect((await sandbox.clients(key, 'us-east-1').eks().send(new ListClustersCommand({}))).clusters).toEqual([]);
    expect(sandbox.world.log.calls.map(({ caller, region }) => [caller, region])).toEqual([
      ['arn:aws:iam::111122223333:role/operator', 'eu-west-1'],
      [key!.principalArn, 'us-east-1'],
    ]);
  });

  it('runs the deployed definition, each function with the credentials of its own role', async () => {
    const sandbox = await open();
    expect(await run(sandbox, {})).toBe('SUCCEEDED');
    expect(sandbox.failures).toEqual([]);
    const callers = functionCallers(sandbox);
    expect(callers.length).toBeGreaterThan(5);
    const deletes = sandbox.world.log.calls.filter((call) => call.operation === 'DeleteAddon');
    expect(deletes.map((call) => call.caller)).toEqual([expect.stringMatching(/^arn:aws:iam::111122223333:role\/.*DeleteAddon/)]);
    expect(callers).not.toContain('arn:aws:iam::111122223333:role/operator');
    expect(sandbox.logs()).toContainEqual(expect.objectContaining({ functionName: expect.stringContaining('AwaitDeleted'), level: 'COUNT', message: 'AddonStillThere', fields: { value: 1 } }));
  });

  it('gives every call a time, in order', async () => {
    const sandbox = await open();
    await run(sandbox, {});
    const times = sandbox.world.log.calls.filter((call) => call.service !== 'lambda').map((call) => call.at);
    expect([...times].sort()).toEqual(times);
    const begin = sandbox.world.log.calls.find((call) => call.operation === 'DescribeCluster')!;
    const change = sandbox.world.log.calls.find((call) => call.operation === 'DeleteAddon')!;
    expect(Date.parse(change.at)).toBeGreaterThan(Date.parse(begin.at));
  });

  it('stops what still runs when it is closed', async () => {
    const sandbox = await open();
    const stepFunctions = sandbox.clients().stepFunctions();
    const input = JSON.stringify({ migrationId: MIGRATION_ID, request: { target, addon: ADDON } });
    const { executionArn } = await stepFunctions.send(new StartExecutionCommand({ stateMachineArn: sandbox.outputs.stateMachineArn, input }));
    await sandbox.close();
    expect((await stepFunctions.send(new DescribeExecutionCommand({ executionArn }))).status).toBe('ABORTED');
  });

  it('runs the bundles in processes of their own, over loopback', async () => {
    const sandbox = await open({ lambdas: 'bundled' });
    expect(Math.abs(sandbox.clock.now() - Date.now())).toBeLessThan(60_000);
    expect(await run(sandbox, { dryRun: true })).toBe('SUCCEEDED');
    expect(sandbox.failures).toEqual([]);
    expect(sandbox.world.log.calls.filter((call) => call.status >= 400)).toEqual([]);
    const pods = sandbox.world.log.calls.filter((call) => call.service === 'kubernetes');
    expect(pods.length).toBeGreaterThan(0);
    expect(new Set(pods.map((call) => call.caller))).toEqual(new Set([expect.stringMatching(/:role\/.*Plan/)]));
    expect(sandbox.world.log.mutations()).toEqual([]);
    expect(sandbox.environment!().AWS_ENDPOINT_URL_EKS).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(sandbox.logs().some((line) => line.functionName.includes('Plan'))).toBe(true);
  });

  it('leaves nothing open where it can not be opened', async () => {
    await expect(open({ lambdas: 'bundled', clock: 'virtual' })).rejects.toThrow('Open the sandbox with a real or scaled clock.');
    await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap'));
  });

  it('says that an application has no outputs of the service', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'assembly-'));
    const stack = { type: 'aws:cloudformation:stack', environment: 'aws://unknown-account/unknown-region', properties: { templateFile: 'Other.template.json' } };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ version: '48.0.0', artifacts: { Other: stack } }));
    writeFileSync(join(directory, 'Other.template.json'), JSON.stringify({ Resources: {} }));
    await expect(openSandbox({ scenario: await scenarioOf(), assemblyDirectory: directory })).rejects.toThrow(`The application in ${directory} has no output StateMachineArn. Build the project again (npm run build).`);
    rmSync(directory, { recursive: true });
  });
});
