/** Records twins of scenarios, and runs the same request in a scenario and in its twin. */
import { openSandboxBackend } from '../../cli/backend.ts';
import type { MappingOptions } from '../../cli/record/to-scenario.ts';
import { recordTwin, type Twin } from '../../cli/record/record.ts';
import { Reader } from '../../cli/record/reader.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { type ClusterState, findCluster } from '../../sandbox/world/world.ts';
import { migrate, mutationsOf, type RunOptions } from './fixture.ts';

export const EVERYTHING: MappingOptions = { withConfiguration: true, access: 'granted' };

/** Scenarios in which the service has no access to the API server, and what its twin needs to show that. */
export const WITHOUT_ACCESS: readonly string[] = ['api-only'];

export const accessOf = (name: string): MappingOptions['access'] =>
  WITHOUT_ACCESS.includes(name) ? 'as-recorded' : 'granted';

/** Records the cluster of a scenario in a new sandbox. */
export const twinOf = async (
  scenario: Scenario,
  cluster: Pick<ScenarioCluster, 'name' | 'region'>,
  options: MappingOptions = EVERYTHING,
  prepare: (cluster: ClusterState, reader: Reader) => void = () => {},
): Promise<Twin & { reader: Reader }> => {
  const backend = await openSandboxBackend(scenario, {});
  const account = scenario.accounts.find(({ clusters }) => clusters.some(({ name }) => name === cluster.name))!;
  const target = { account: account.id, region: cluster.region, cluster: cluster.name };
  try {
    return await backend.clock.spawn(async () => {
      const clients = backend.sandbox.clients(undefined, cluster.region);
      const reader = new Reader({ clients, clock: backend.clock, target, progress: () => {} });
      prepare(findCluster(backend.sandbox.world, account.id, cluster.region, cluster.name)!, reader);
      return { ...(await recordTwin(reader, options)), reader };
    });
  } finally {
    await backend.close();
  }
};

/** Returns the twin with what cannot be observed: how the scenario's AWS behaves, and when it begins. */
export const rehearsable = ({ input }: Twin, scenario: Scenario): Scenario => {
  const { knobs, faults, throttles, seed, startAt } = scenario;
  return parseScenario({ ...input, knobs, faults, throttles, seed, startAt }, 'twin');
};

const SAME_NAMES: [RegExp, string][] = [
  [/https:\/\/[0-9A-F]{32}\./g, 'https://ENDPOINT.'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b(ip|fargate-ip)-10-0-\d+-\d+\.[\w.-]+/g, 'NODE'],
  [/-[a-z0-9]{5,10}-[a-z0-9]{5}\b/g, '-POD'],
];
/** Replaces names that are drawn from the seed. */
const withoutNames = (text: string): string =>
  SAME_NAMES.reduce((left, [pattern, name]) => left.replaceAll(pattern, name), text);

export interface Seen {
  outcome: MigrationReport['outcome'];
  verdict: Plan['verdict'] | undefined;
  failure: string | undefined;
  strategy: string | undefined;
  checks: string[];
  warnings: string[];
  attempts: unknown;
  associations: unknown;
  mutations: string[];
}

/** Runs a request and returns what must be the same in a scenario and its twin. */
export const seenIn = async (scenario: Scenario, request: RunOptions['request']): Promise<Seen> => {
  const run = await migrate({ scenario, ...(request ? { request } : {}) });
  const { report } = run;
  const accounts = (all: { serviceAccount: string; namespace: string; roleArn: string }[]): string[] =>
    all.map((one) => `${one.namespace}/${one.serviceAccount} ${one.roleArn}`).sort();
  return {
    outcome: report.outcome,
    verdict: report.plan?.verdict,
    failure: report.failure?.name,
    strategy: report.applied && `${report.applied.strategy} ${report.applied.preserve}`,
    checks: (report.plan?.checks ?? [])
      .map(({ id, status, message }) => `${id} ${status} ${withoutNames(message)}`)
      .sort(),
    warnings: report.warnings.map(({ id }) => id),
    attempts: report.plan?.attempts?.map(({ strategy, preserve }) => ({ strategy, preserve })),
    associations: {
      purged: accounts(report.associations.purged),
      created: accounts(report.associations.created),
      restored: accounts(report.associations.restored),
    },
    mutations: mutationsOf(run),
  };
};
