/** Sandboxes with the deployed application, and migrations in them. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { readScenario } from '../../../sandbox/build/load.ts';

export const ADDON = 'aws-ebs-csi-driver';
export const target = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
export const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
export const scenarioOf = () => readScenario('sandbox/scenarios/ebs-csi-irsa.json');

/** The test that opens it closes it. */
export const openApplication = async (options: Partial<SandboxOptions> = {}): Promise<Sandbox> => {
  const { directory } = await ensureAssembly();
  return openSandbox({ scenario: await scenarioOf(), assemblyDirectory: directory, ...options });
};

/** Runs a migration to the end of its execution and returns its result. */
export const run = (sandbox: Sandbox, request: object): Promise<string | undefined> =>
  sandbox.clock.spawn(async () => {
    const stepFunctions = sandbox.clients().stepFunctions();
    const input = JSON.stringify({ migrationId: MIGRATION_ID, request: { target, addon: ADDON, ...request } });
    const { executionArn } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn: sandbox.outputs.stateMachineArn, name: MIGRATION_ID, input }),
    );
    for (;;) {
      const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return status;
      await sandbox.clock.sleep(sandbox.clock.kind === 'virtual' ? 1000 : 50);
    }
  });
