/**
 * A world that outlives its migrations, for tests of what follows or accompanies a migration. All of it runs in virtual
 * time.
 */
import { UpdateAddonCommand } from '@aws-sdk/client-eks';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { reportOf } from '../../cli/service/follow.ts';
import { silentProgress } from '../../cli/progress.ts';
import { rollBackAndFollow, type RollbackRequest } from '../../cli/service/rollback.ts';
import { reportIn, startAndFollow } from '../../cli/service/run.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { type MigrationRequestInput, migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { SandboxOptions } from '../../sandbox/sandbox.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import type { Knobs, Scenario } from '../../sandbox/scenario/scenario.ts';
import type { AssociationState, ClusterState } from '../../sandbox/world/world.ts';
import { identityOf, migrateIn, scenarioFile, settled, start } from './fixture.ts';

export type Asked = Omit<Partial<MigrationRequestInput>, 'target'>;

/** Returns an association without the fields that change when it is created again. */
type Content = Pick<
  AssociationState,
  'namespace' | 'serviceAccount' | 'roleArn' | 'targetRoleArn' | 'disableSessionTags' | 'policy' | 'tags'
> & { owned: boolean };

const contentOf = ({
  namespace,
  serviceAccount,
  roleArn,
  targetRoleArn,
  disableSessionTags,
  policy,
  tags,
  ownerArn,
}: AssociationState): Content => ({
  namespace,
  serviceAccount,
  roleArn,
  owned: ownerArn !== undefined,
  tags,
  ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
  ...(disableSessionTags === true ? { disableSessionTags } : {}),
  ...(policy === undefined ? {} : { policy }),
});

/** One world, with the first cluster of its scenario. */
export class OpenWorld {
  readonly backend: SandboxBackend;
  readonly target: Target;
  readonly cluster: ClusterState;

  constructor(backend: SandboxBackend, { accounts }: Scenario) {
    const [account] = accounts;
    const [cluster] = account!.clusters;
    this.backend = backend;
    this.target = { account: account!.id, region: cluster!.region, cluster: cluster!.name };
    this.cluster = backend.sandbox.world.accounts
      .get(account!.id)!
      .clusters.get(`${cluster!.region}/${cluster!.name}`)!;
  }

  /** Migrates to the end, including a recovery. */
  migrate(asked: Asked): Promise<MigrationReport> {
    return migrateIn(this.backend, this.request(asked));
  }

  /** Migrates and follows, as the command line does, which refuses a subject of another migration. */
  async migrateAndFollow(asked: Asked): Promise<MigrationReport> {
    return reportIn(await startAndFollow(this.backend, this.request(asked), silentProgress));
  }

  /** Starts a migration and does not wait for it. */
  start(asked: Asked): Promise<Execution> {
    return start(this.backend, this.request(asked));
  }

  async rollBack(request: RollbackRequest): Promise<MigrationReport> {
    return reportIn(await rollBackAndFollow(this.backend, request, silentProgress));
  }

  /** Returns the report of an ended migration. */
  async report(migrationId: string): Promise<MigrationReport> {
    const record = await this.backend.ledger.getMigration(migrationId);
    return (await reportOf(this.backend, record!))!;
  }

  /** Waits for a migration that may be stopped: returns the report once any execution has ended it. */
  settled(migrationId: string): Promise<MigrationReport> {
    return settled(this.backend, migrationId);
  }

  /** Resolves when that execution has entered that state. */
  async until(execution: Execution, state: string): Promise<void> {
    const { events } = execution.history;
    for (let known = 0; !JSON.stringify(events.slice(known)).includes(`"name":"${state}"`);) {
      known = events.length;
      await this.backend.clock.sleep(1000);
    }
  }

  /** Advances the time by that much and runs everything that is due by then. */
  async later(milliseconds: number): Promise<void> {
    const { clock, world } = this.backend.sandbox;
    await clock.sleep(milliseconds);
    world.schedule.advanceTo(clock.now());
  }

  /** Waits until no execution runs. */
  async rest(): Promise<void> {
    const { clock, executions } = this.backend.sandbox;
    for (let running = executions.running(); running.length > 0; running = executions.running()) {
      await clock.park(Promise.all(running.map(({ ended }) => ended)));
    }
  }

  /**
   * Gives the add-on another configuration, as a person would, and waits until EKS has it. The request must repeat the
   * role.
   */
  async reconfigure(addonName: string, configurationValues: string): Promise<void> {
    const { name: clusterName } = this.cluster;
    await this.backend.sandbox
      .clients(undefined, this.target.region)
      .eks()
      .send(
        new UpdateAddonCommand({
          clusterName,
          addonName,
          configurationValues,
          serviceAccountRoleArn: this.cluster.addons.get(addonName)?.serviceAccountRoleArn,
          resolveConflicts: 'PRESERVE',
        }),
      );
    while (this.cluster.addons.get(addonName)?.status !== 'ACTIVE') await this.later(1000);
  }

  /** Runs the action once, as soon as a matching call has been answered. */
  onFirst(which: (call: Call) => boolean, happen: () => Promise<unknown> | void): void {
    let happened = false;
    const { clock, sandbox } = this.backend;
    sandbox.world.log.onCall((call) => {
      if (happened || !which(call)) return;
      happened = true;
      void clock.spawn(async () => happen());
    });
  }

  /** Returns the add-on, its associations and its pods as any client sees them, without ids, ARNs and times. */
  readAddon(addon: string, serviceAccount: string): object {
    const { cluster } = this;
    const now = cluster.addons.get(addon);
    return {
      addon: now && {
        status: now.status,
        version: now.version,
        role: now.serviceAccountRoleArn,
        configurationValues: now.configurationValues,
        tags: now.tags,
        owns: now.associationIds.length,
      },
      associations: [...cluster.associations.values()]
        .filter(({ deletedUntil }) => deletedUntil === undefined)
        .map(contentOf),
      pods: identityOf(cluster, serviceAccount),
    };
  }

  /** Returns a service account, its associations and its pods as any client sees them, without ids, ARNs and times. */
  readAccount({ namespace, name }: { namespace: string; name: string }): {
    annotation: string | undefined;
    associations: unknown[];
    pods: string[];
  } {
    const { cluster } = this;
    const account = [...(cluster.kube.objects.get('serviceaccounts.')?.values() ?? [])].find(
      ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
    );
    return {
      annotation: account?.metadata.annotations?.['eks.amazonaws.com/role-arn'],
      associations: [...cluster.associations.values()]
        .filter((one) => one.deletedUntil === undefined && one.namespace === namespace && one.serviceAccount === name)
        .map(contentOf),
      pods: identityOf(cluster, name),
    };
  }

  /** Returns the calls of the service's functions that changed something at the target. */
  changes(): Call[] {
    return this.backend.sandbox.world.log.mutations().filter(({ step, status }) => step !== undefined && status < 300);
  }

  private request(asked: Asked) {
    return migrationRequest.parse({ target: this.target, ...asked });
  }
}

export interface WorldOptions {
  /** Name of a built-in scenario. */
  scenario: string;
  knobs?: Partial<Knobs>;
  faults?: FaultInput[];
  change?: (scenario: Scenario) => void;
  definitionOf?: SandboxOptions['definitionOf'];
  /** How clients make calls; the sandbox's own default if absent. */
  clients?: SandboxOptions['clients'];
}

/**
 * Opens a world, does the work in a thread of its clock, and closes it. A failure of the sandbox's own services fails
 * the test.
 */
export const inWorld = async <T>(
  { scenario: name, knobs, faults = [], change, definitionOf, clients }: WorldOptions,
  work: (world: OpenWorld) => Promise<T>,
): Promise<T> => {
  const scenario = await readScenario(scenarioFile(name));
  Object.assign(scenario.knobs, knobs);
  change?.(scenario);
  const backend = await openSandboxBackend(scenario, {
    ...(clients ? { clients } : {}),
    ...(definitionOf ? { definitionOf } : {}),
  });
  for (const fault of faults) backend.sandbox.world.faults.add(fault);
  try {
    const result = await backend.clock.spawn(() => work(new OpenWorld(backend, scenario)));
    if (backend.sandbox.failures.length > 0)
      throw new Error(`The sandbox itself failed: ${JSON.stringify(backend.sandbox.failures)}`);
    return result;
  } finally {
    await backend.close();
  }
};
