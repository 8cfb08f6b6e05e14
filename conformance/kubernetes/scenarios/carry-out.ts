/** Carries out a run in an open sandbox, and returns the facts of each of its acts. */
import type { SandboxBackend } from '../../../cli/backend.ts';
import { CliError } from '../../../cli/errors.ts';
import { silentProgress } from '../../../cli/progress.ts';
import { retireAndFollow } from '../../../cli/service/retire.ts';
import { rollBackAndFollow } from '../../../cli/service/rollback.ts';
import { reportIn, startAndFollow } from '../../../cli/service/run.ts';
import { migrationRequest } from '../../../lambdas/domain/request/request.ts';
import type { Target } from '../../../lambdas/domain/terms/subject.ts';
import type { MigrationReport } from '../../../lambdas/domain/record/migration.ts';
import { fileOfScenario } from '../../../cli/scenarios.ts';
import { readScenario } from '../../../sandbox/build/load.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import { findCluster, type ClusterState } from '../../../sandbox/world/world.ts';
import type { Facts } from './compare.ts';
import { normaliser } from './normal.ts';
import { reportFacts } from './report-facts.ts';
import { type Act, type Run, type Scaling, titleOf } from './run.ts';
import { scaleAsAutoscaler } from './scale.ts';
import { worldFacts, workloadNames } from './world-facts.ts';

/** What one act led to. */
export interface ActFacts {
  title: string;
  /** The outcome of the report, or how the act was refused. */
  outcome: string;
  /** Seconds of the world's time that the act took. */
  worldSeconds: number;
  facts: Facts;
}

/** Returns the scenario of a run, as it is opened. */
export const scenarioOf = async ({ scenario: name, change }: Run): Promise<Scenario> => {
  const scenario = await readScenario(fileOfScenario(name));
  change?.(scenario);
  return scenario;
};

/** Returns the cluster that a run is about: the first of the scenario. */
export const targetOf = ({ accounts: [account] }: Scenario): Target => {
  const cluster = account?.clusters[0];
  if (!account || !cluster) throw new Error('The scenario has no cluster.');
  return { account: account.id, region: cluster.region, cluster: cluster.name };
};

/** Longer than the pods of a Deployment take to become ready. */
const SCALED_MS = 60_000;

interface Done {
  outcome: string;
  facts: Facts;
}

/** One run in progress. */
class Carrying {
  private readonly backend: SandboxBackend;
  private readonly target: Target;
  private readonly cluster: ClusterState;
  private readonly namespaces = new Set<string>();
  /** The latest migration. */
  private latest: MigrationReport | undefined;

  constructor(backend: SandboxBackend, target: Target) {
    this.backend = backend;
    this.target = target;
    const cluster = findCluster(backend.sandbox.world, target.account, target.region, target.cluster);
    if (!cluster) throw new Error(`The scenario has no cluster ${target.cluster}.`);
    this.cluster = cluster;
  }

  async act(act: Act): Promise<ActFacts> {
    const { sandbox, clock } = this.backend;
    const since = { at: clock.now(), calls: sandbox.world.log.calls.at(-1)?.n ?? 0 };
    const done = await this.carryOut(act).catch((error: unknown) => {
      // A refusal is a result; anything else is a failure of the run.
      if (error instanceof CliError) return { outcome: `refused: ${error.name}`, facts: this.refusalFacts(error) };
      throw error;
    });
    // What is due by now happens in the sandbox only at the next call.
    sandbox.world.schedule.advanceTo(clock.now());
    const worldSeconds = Math.round((clock.now() - since.at) / 100) / 10;
    const { cluster, target } = this;
    const world = await worldFacts({ sandbox, cluster, target, namespaces: [...this.namespaces] }, since);
    return { title: titleOf(act), outcome: done.outcome, worldSeconds, facts: new Map([...done.facts, ...world]) };
  }

  private carryOut(act: Act): Promise<Done> {
    switch (act.does) {
      case 'migrate':
        return this.migrate(act);
      case 'rollback':
        return this.rollBack();
      case 'scale':
        return this.scale(act);
      case 'retire':
      case 'reinstate':
        return this.retire(act);
    }
  }

  private async migrate({ asked, meanwhile }: Extract<Act, { does: 'migrate' }>): Promise<Done> {
    const { clock } = this.backend;
    const scaled =
      meanwhile &&
      clock.spawn(async () => {
        await clock.sleep(meanwhile.afterSeconds * 1000);
        await this.scale(meanwhile);
      });
    const request = migrationRequest.parse({ target: this.target, ...asked });
    const end = await startAndFollow(this.backend, request, silentProgress);
    if (scaled) await this.backend.sandbox.clock.park(scaled);
    return this.reported(reportIn(end));
  }

  private async rollBack(): Promise<Done> {
    return this.reported(
      reportIn(await rollBackAndFollow(this.backend, { migrationId: this.migrationId() }, silentProgress)),
    );
  }

  private async scale(scaling: Scaling): Promise<Done> {
    await scaleAsAutoscaler(this.backend.sandbox.clients(undefined, this.target.region), this.target, scaling);
    this.namespaces.add(scaling.namespace);
    // The pods follow.
    await this.backend.clock.sleep(SCALED_MS);
    return { outcome: 'done', facts: new Map() };
  }

  private reported(report: MigrationReport): Done {
    this.latest = report;
    for (const { namespace } of report.plan?.associations ?? []) this.namespaces.add(namespace);
    if (report.plan?.namespace !== undefined) this.namespaces.add(report.plan.namespace);
    return { outcome: report.outcome, facts: reportFacts(report, workloadNames(this.cluster)) };
  }

  private async retire(act: Extract<Act, { does: 'retire' | 'reinstate' }>): Promise<Done> {
    const { done, checks, roles } = await retireAndFollow(
      this.backend,
      {
        migrationId: this.migrationId(),
        action: act.does,
        dryRun: false,
        soakDays: 0,
        ...('accept' in act ? { accept: act.accept } : {}),
      },
      silentProgress,
    );
    const normal = this.normal();
    const facts = new Map([
      ['checks', checks.map(({ id, status, message }) => normal(`${id} ${status}: ${message}`))],
      ['roles', roles.map((role) => normal(JSON.stringify(role)))],
    ]);
    return { outcome: done ? 'done' : 'unchanged', facts };
  }

  private refusalFacts({ name, message }: CliError): Facts {
    return new Map([['refusal', this.normal()(`${name}: ${message}`)]]);
  }

  private normal(): (text: string) => string {
    return normaliser(workloadNames(this.cluster));
  }

  private migrationId(): string {
    if (!this.latest) throw new Error('The run has no migration before this act.');
    return this.latest.migrationId;
  }
}

/** Receives the acts of a run. */
export interface ActWatcher {
  before?: (title: string) => void;
  after?: (facts: ActFacts) => void;
}

/** Carries out the acts of a run, one after the other. Throws if the sandbox's own services failed. */
export const carryOut = (
  { acts }: Run,
  scenario: Scenario,
  backend: SandboxBackend,
  { before, after }: ActWatcher = {},
): Promise<ActFacts[]> =>
  backend.clock.spawn(async () => {
    const carrying = new Carrying(backend, targetOf(scenario));
    const results: ActFacts[] = [];
    for (const act of acts) {
      before?.(titleOf(act));
      const facts = await carrying.act(act);
      results.push(facts);
      after?.(facts);
    }
    const { failures } = backend.sandbox;
    if (failures.length > 0) throw new Error(`The sandbox's own services failed: ${JSON.stringify(failures)}`);
    return results;
  });
