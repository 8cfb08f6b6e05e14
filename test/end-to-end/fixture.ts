/** Runs whole migrations in the sandbox: the synthesised definition, the real handlers, the real SDK. */
import { readFileSync } from 'node:fs';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import {
  type MigrationRequest,
  type MigrationRequestInput,
  migrationRequest,
} from '../../lambdas/domain/request/request.ts';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { firstExecutionOf } from '../../cli/service/known.ts';
import { type Follow, reportOf, untilOutcome } from '../../cli/service/follow.ts';
import { startMigration } from '../../cli/service/run.ts';
import { silentProgress } from '../../cli/progress.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import type { SandboxOptions } from '../../sandbox/sandbox.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';

/** Returns the file of a built-in scenario. */
export const scenarioFile = (name: string): string => `sandbox/scenarios/${name}.json`;
export const SCENARIO = scenarioFile('ebs-csi-irsa');
export const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
export const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
export const ADDON = 'aws-ebs-csi-driver';
/** The strategy of the original procedure: delete, and create again. */
export const RECREATE = { strategy: 'recreate' } as const;

/** Returns the first case, changed: `change` receives the parsed scenario and its only cluster. */
export function scenarioWith(change: (scenario: Scenario, cluster: ScenarioCluster) => void = () => {}): Scenario {
  const scenario = parseScenario(readFileSync(SCENARIO, 'utf8'), SCENARIO);
  change(scenario, scenario.accounts[0]!.clusters[0]!);
  return scenario;
}

export const ebs = (cluster: ScenarioCluster): ScenarioCluster['addons'][number] =>
  cluster.addons.find(({ name }) => name === ADDON)!;

type Trust = { Statement: { Sid: string; Action: string | string[] }[] };

/** Returns the role, whose trust policy may be changed in place. */
export const trustOf = (scenario: Scenario): Trust => scenario.accounts[0]!.roles[0]!.trustPolicy as unknown as Trust;

export interface Run {
  report: MigrationReport;
  backend: SandboxBackend;
}

export interface RunOptions {
  scenario?: Scenario;
  request?: Partial<MigrationRequestInput>;
  seed?: number;
  /** Runs the bundled asset in separate processes, in scaled time; otherwise from source in virtual time. */
  bundled?: boolean;
  /** How clients in this process make calls; the sandbox's own default if absent. */
  clients?: SandboxOptions['clients'];
  /** Called with the open sandbox before the migration starts. */
  prepare?: (backend: SandboxBackend) => void;
}

export const requestOf = (change: Partial<MigrationRequestInput> = {}): MigrationRequestInput => ({
  target: TARGET,
  ...(change.serviceAccount ? {} : { addon: ADDON }),
  ...change,
});

export const BUNDLED = { lambdas: 'bundled', clock: { scaled: 1000 } } as const;

/** Starts a migration as the command line does, in a thread of the clock, and does not wait for it. */
export const start = async (backend: SandboxBackend, request: MigrationRequest): Promise<Execution> =>
  backend.sandbox.executions.execution((await startMigration(backend, request)).executionArn);

/**
 * Returns the report of a migration once any execution has ended it. Awaits the ends of executions without reading their
 * histories again and again, as the command line does (`cli/run.test.ts`, `commands.test.ts`): that takes a tenth of a run.
 */
export async function settled(backend: SandboxBackend, migrationId: string): Promise<MigrationReport> {
  const { sandbox } = backend;
  const follow: Follow = async (arn) => {
    await sandbox.clock.park(sandbox.executions.execution(arn).ended);
    return [];
  };
  const executionArn = firstExecutionOf(backend, migrationId);
  await follow(executionArn);
  const record = await untilOutcome(backend, migrationId, executionArn, follow, silentProgress);
  const report = record && (await reportOf(backend, record));
  if (!report) throw new Error(`Migration ${migrationId} ended without an outcome.`);
  return report;
}

/** Migrates in an open sandbox, including a recovery, in a thread of its clock. */
export const migrateIn = async (backend: SandboxBackend, request: MigrationRequest): Promise<MigrationReport> =>
  settled(backend, (await start(backend, request)).name);

export async function migrate({
  scenario = scenarioWith(),
  request = {},
  seed,
  bundled = false,
  clients,
  prepare,
}: RunOptions = {}): Promise<Run> {
  const backend = await openSandboxBackend(scenario, {
    ...(seed === undefined ? {} : { seed }),
    ...(bundled ? BUNDLED : clients ? { clients } : {}),
  });
  prepare?.(backend);
  try {
    const asked = migrationRequest.parse(requestOf(request));
    return { report: await backend.clock.spawn(() => migrateIn(backend, asked)), backend };
  } finally {
    await backend.close();
  }
}

/** Returns the names of the calls that changed something at the target, in order. */
export const mutationsOf = ({ backend }: Run): string[] =>
  backend.sandbox.world.log
    .mutations()
    .map((call) => `${call.service}:${call.operation}${call.error ? ` ${call.error}` : ''}`);

export const clusterOf = ({ backend }: Run) =>
  backend.sandbox.world.accounts.get(TARGET.account)!.clusters.get(`${TARGET.region}/${TARGET.cluster}`)!;

/** Returns for each pod of a service account whether it has the variables of IRSA, of Pod Identity, or of both. */
export const identityOf = (cluster: ClusterState, serviceAccount: string): string[] =>
  [...cluster.kube.objects.get('pods.')!.values()]
    .filter((pod) => pod.spec!['serviceAccountName'] === serviceAccount && pod.metadata.deletionTimestamp === undefined)
    .filter(({ status }) => status?.['phase'] !== 'Succeeded')
    .map((pod) => {
      const spec = JSON.stringify(pod.spec);
      return `${spec.includes('AWS_WEB_IDENTITY_TOKEN_FILE') ? 'irsa' : ''}${spec.includes('AWS_CONTAINER_CREDENTIALS_FULL_URI') ? 'pod-identity' : ''}`;
    });
