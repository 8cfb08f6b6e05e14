/**
 * Shared by the abuse tests: a world with a service of narrow permissions, an attempt by a principal that may start it,
 * and assertions on what the attempt must not cause.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetExecutionHistoryCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { documentsOf } from '../../lambdas/adapters/dynamo-table.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { ensureAssembly } from '../../cli/assembly.ts';
import type { SandboxBackend } from '../../cli/backend.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import { openSandbox } from '../../sandbox/sandbox.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { Random } from '../../sandbox/random.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ADDON, SCENARIO } from '../end-to-end/fixture.ts';
import { OpenWorld } from '../end-to-end/world.ts';

export const ACCOUNT = '111122223333';
export const OTHER_ACCOUNT = '444455556666';
export const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
/** Must appear only where it was put. */
export const SECRET = 'SECRET-MARKER-6f1c2d';
export const roleArn = (path: string, account = ACCOUNT): string => `arn:aws:iam::${account}:role/${path}`;
/** The add-on's own role, which the service may pass. */
export const OWN_ROLE = roleArn('eks-addons/reliability-dev-ebs-csi-driver-irsa-role');
export const ADMIN = roleArn('admin');
export const NARROW = { passableRoleArns: ['role/eks-addons/*'], repairableRoleArns: ['role/eks-addons/repairable-*'] };

export interface Deployment {
  directory: string;
  remove: () => void;
}

/** The service as CDK's command line would deploy it with that context, and the file of these settings. */
export async function deploy(context: Record<string, unknown>, settings: object = {}): Promise<Deployment> {
  const { lambdaDirectory } = await ensureAssembly();
  const directory = mkdtempSync(join(tmpdir(), 'abuse-'));
  const config = join(directory, 'settings.json');
  writeFileSync(config, JSON.stringify(settings));
  synthesise(directory, { lambdaDirectory, context: { ...context, config } });
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/**
 * Returns the first case's scenario with its role under the path that the service may pass, and further roles that it
 * may not pass. `change` receives the scenario and its only cluster.
 */
export function hostileScenario(change: (scenario: Scenario, cluster: ScenarioCluster) => void = () => {}): Scenario {
  const scenario = parseScenario(readFileSync(SCENARIO, 'utf8').replaceAll(':role/', ':role/eks-addons/'), SCENARIO);
  const [account] = scenario.accounts;
  const [own] = account!.roles;
  // All of them trust EKS Pod Identity: only the allow-lists prevent their use.
  for (const path of ['admin', 'EKS-Addons/shouting', 'eks-addons-evil/neighbour', 'eks-addons/other'])
    account!.roles.push({ ...structuredClone(own!), arn: roleArn(path) });
  scenario.accounts.push({
    id: OTHER_ACCOUNT,
    roles: [{ ...structuredClone(own!), arn: roleArn('eks-addons/elsewhere', OTHER_ACCOUNT) }],
    clusters: [],
    disabledRegions: [],
  });
  change(scenario, account!.clusters[0]!);
  return scenario;
}

export const ownAddon = (cluster: ScenarioCluster): ScenarioCluster['addons'][number] =>
  cluster.addons.find(({ name }) => name === ADDON)!;

/** Returns everything at the target that an attacker could want changed. */
export function stateOf({ backend }: OpenWorld): unknown {
  const state = [...backend.sandbox.world.accounts.entries()].map(([id, { roles, clusters }]) => ({
    id,
    roles: [...roles.values()].map(({ arn, trustPolicy, policies, attachedPolicies }) => ({
      arn,
      trustPolicy,
      policies,
      attachedPolicies,
    })),
    clusters: [...clusters.entries()].map(([key, { addons, associations, kube }]) => ({
      key,
      addons: [...addons.values()],
      associations: [...associations.values()],
      serviceAccounts: [...kube.objects.get('serviceaccounts.')!.values()].map(
        ({ metadata: { namespace, name, annotations } }) => ({ namespace, name, annotations }),
      ),
    })),
  }));
  // Cloned, because the world changes its objects in place.
  return structuredClone(state);
}

/** Returns the service's calls that changed something at the target. */
export const changesIn = (world: OpenWorld): string[] =>
  world.changes().map(({ service, operation }) => `${service}:${operation}`);

export class HostileWorld extends OpenWorld {
  /**
   * Starts an execution with any input, as a principal with permission to start executions can, and waits until it
   * ends.
   */
  async attempt(
    input: unknown,
    {
      machine = this.backend.stateMachineArn,
      name = this.backend.ids.ulid(),
    }: { machine?: string; name?: string } = {},
  ): Promise<Execution> {
    const text = typeof input === 'string' ? input : JSON.stringify(input);
    const { executionArn } = await this.backend.stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn: machine, name, input: text }),
    );
    await this.rest();
    return this.backend.sandbox.executions.execution(executionArn!);
  }

  /** Returns the input of a migration of the driver with these fields. */
  async ask(change: Record<string, unknown> = {}, options: { name?: string } = {}): Promise<Execution> {
    const { name = this.backend.ids.ulid() } = options;
    return this.attempt(
      {
        migrationId: name,
        request: { target: this.target, addon: ADDON, ...change } satisfies Partial<
          Record<keyof MigrationRequestInput, unknown>
        >,
      },
      { name },
    );
  }

  async record(migrationId: string): Promise<Migration | undefined> {
    return this.backend.ledger.getMigration(migrationId);
  }

  /** Writes an item straight into the ledger's table, as a principal with that permission can. */
  async forge(pk: string, sk: string, item: object): Promise<void> {
    const { sandbox } = this.backend;
    const documents = documentsOf(sandbox.clients().dynamodb());
    await documents.send(new PutCommand({ TableName: sandbox.outputs.tableName, Item: { ...item, pk, sk } }));
  }

  /** Asks Recover for a rollback, as `pod-identity rollback` does. */
  recover(migrationId: unknown, change: object = {}): Promise<Execution> {
    return this.attempt(
      { migrationId, cause: 'requested', ...change },
      { machine: this.backend.recoverStateMachineArn, name: `recover-${this.backend.ids.ulid()}` },
    );
  }

  /**
   * Returns everything that is recorded automatically: the functions' logs, the calls, and each execution's history
   * without its data.
   */
  async written(): Promise<string> {
    const { sandbox, stepFunctions } = this.backend;
    const { stateMachineArn, recoverStateMachineArn, retireStateMachineArn } = sandbox.outputs;
    const machines = [
      stateMachineArn,
      recoverStateMachineArn,
      ...(retireStateMachineArn === undefined ? [] : [retireStateMachineArn]),
    ];
    const histories: unknown[] = [];
    for (const { arn, error, cause } of machines.flatMap((machine) => sandbox.executions.list(machine))) {
      const { events } = await stepFunctions.send(
        new GetExecutionHistoryCommand({ executionArn: arn, includeExecutionData: false }),
      );
      histories.push({ arn, error, cause, events });
    }
    return JSON.stringify([sandbox.logs(), sandbox.world.log.calls, histories]);
  }
}

export interface HostileOptions {
  scenario?: Scenario;
  /** By default the service may use every role, as in all other tests. */
  deployment?: Deployment | undefined;
  definitionOf?: Parameters<typeof openSandbox>[0]['definitionOf'];
}

/**
 * Opens a world, does the work in a thread of its clock, and closes it. A failure of the sandbox's own services fails
 * the test.
 */
export async function inHostileWorld<T>(
  { scenario = hostileScenario(), deployment, definitionOf }: HostileOptions,
  work: (world: HostileWorld) => Promise<T>,
): Promise<T> {
  const assemblyDirectory = deployment?.directory ?? (await ensureAssembly()).directory;
  const sandbox = await openSandbox({ scenario, assemblyDirectory, ...(definitionOf ? { definitionOf } : {}) });
  const clients = sandbox.clients();
  const { tableName, ...machines } = sandbox.outputs;
  const random = new Random(scenario.seed);
  const backend: SandboxBackend = {
    sandbox,
    stepFunctions: clients.stepFunctions(),
    ledger: createDynamoLedger({ client: clients.dynamodb(), tableName }),
    clock: sandbox.clock,
    ids: { ulid: () => ulid(sandbox.clock.now(), () => random.next()) },
    ...machines,
    simulated: true,
    close: () => sandbox.close(),
  };
  try {
    const result = await backend.clock.spawn(() => work(new HostileWorld(backend, scenario)));
    if (sandbox.failures.length > 0) throw new Error(`The sandbox itself failed: ${JSON.stringify(sandbox.failures)}`);
    return result;
  } finally {
    await backend.close();
  }
}
