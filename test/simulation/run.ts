/**
 * Runs one spec: the synthesised definitions and the real handlers in virtual time. Returns everything that is known at
 * the end.
 */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ulid } from 'ulid';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { type MigrationRequest, migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import type { AddonState, AssociationState, ClusterState } from '../../sandbox/world/world.ts';
import { Random } from '../../sandbox/random.ts';
import { type ActorRecord, addThirdPartyRole, afterCall, prepareActor } from './actor.ts';
import { AgentWatch } from './agent-watch.ts';
import { approve } from './approver.ts';
import { denyStep } from './denied.ts';
import { ConsumerWatch } from './consumer-watch.ts';
import { Consumers, withConsumers, withPodsOfConsumers } from './consumers.ts';
import { CredentialWatch } from './credentials.ts';
import { ClaimWatch } from './claims.ts';
import { StabilityWatch } from './stability.ts';
import { requiringApproval } from './held.ts';
import { Life, withLife } from './life.ts';
import { thirdPartyFieldsIn, type OwnField } from './fields.ts';
import { followRestoreCommands, type RestoreCommandsEnd } from './person.ts';
import { accountsIn, annotationsIn, podsOf } from './cluster.ts';
import { type SimulatedScenario, scenarioNamed } from './scenarios.ts';
import { clientsOf, type RunSpec } from './spec.ts';
import { actOnPods, withPods } from './pods.ts';
import { prepareOutages, withTime } from './time.ts';
import { withStranger, withTrust } from './trust.ts';

/** Longer than Recover's schedule, its wait for Lambdas that may still run, and a rollback. */
const POLL_MS = 60_000;
const PATIENCE_POLLS = 180;
/**
 * An invocation that was given up may continue for as long as a Lambda may run; its last calls arrive in that time.
 */
const STRAGGLERS_MS = 90_000;

/** A requested migration, and what the ledger records of it at the end of the run. */
export interface SimulatedMigration {
  migrationId: string;
  request: MigrationRequest;
  /** Absent if the run was stopped before the plan could store a record. */
  record?: Migration;
}

/** An execution of Retire, and the trust policies when it had ended. */
export interface Retirement {
  /** Name of the execution. */
  id: string;
  migrationId: string;
  action: 'retire' | 'reinstate';
  /** The consumers that it accepts by name. */
  accepted: readonly string[];
  status: string;
  error?: string;
  trustPolicies: Map<string, string>;
  /** Each service account that existed then, and whether it had an association. */
  accounts: readonly (ServiceAccountRef & { associated: boolean })[];
}

/** The target before the run. */
export interface Before {
  trustPolicies: Map<string, string>;
  /** ARNs of the OIDC providers. */
  oidcProviders: Set<string>;
  addons: Map<string, AddonState>;
  associations: Map<string, AssociationState>;
  /**
   * Whether all pods of a service account had an AWS identity, by `namespace/name`; only service accounts with pods.
   */
  identities: Map<string, boolean>;
  /** The role that a service account's IRSA annotation names, by `namespace/name`. */
  annotations: Map<string, string>;
  /** Service accounts with pods that were not ready, as `namespace/name`. */
  broken: Set<string>;
  /** Fields of workloads that managers other than EKS and the service had set. */
  thirdPartyFields: Map<string, OwnField>;
}

export interface RunResult {
  spec: RunSpec;
  simulated: SimulatedScenario;
  sandbox: Sandbox;
  ledger: Ledger;
  cluster: ClusterState;
  before: Before;
  /** The gaps in pods' AWS credentials during the run. */
  credentials: CredentialWatch;
  /** Since when each pod was ready, and when its containers restarted. */
  stability: StabilityWatch;
  /** Each time that the ledger claimed that pods are ready. */
  claims: ClaimWatch;
  /** Who else uses the web identity of the service accounts; absent if the spec has none. */
  consumers?: ConsumerWatch;
  migrations: SimulatedMigration[];
  /** The migrations that `again` requests once the others have ended. */
  repeated: SimulatedMigration[];
  actor?: ActorRecord;
  /** What the cluster's ordinary life did; absent if the spec has none. */
  life?: Life;
  agents?: AgentWatch;
  /** Number of the last call before a person ran restore commands; absent if nobody had to. */
  handedOffAfter?: number;
  /** Executions of Retire, in order. */
  retirements: Retirement[];
  /** The result of each end that needed a person, after a person has acted. */
  restoreCommands: RestoreCommandsEnd[];
}

const clusterOf = (sandbox: Sandbox, { requests }: SimulatedScenario): ClusterState => {
  const target = requests[0]?.target;
  const cluster =
    target && sandbox.world.accounts.get(target.account)?.clusters.get(`${target.region}/${target.cluster}`);
  if (!cluster) throw new Error('The simulated scenario does not have the cluster of its requests.');
  return cluster;
};

export const trustPoliciesOf = ({ world }: Sandbox): Map<string, string> =>
  new Map(
    [...world.accounts.values()].flatMap((account) =>
      [...account.roles.values()].map((role) => [role.arn, role.trustPolicy] as const),
    ),
  );

/** Returns the scenario's requests at the level of evidence that the spec asks for, where the service may read pods. */
const requestsOf = ({ requests }: SimulatedScenario, { verification }: RunSpec): SimulatedScenario['requests'] =>
  requests.map((request) =>
    verification === undefined || request.verification === 'api' ? request : { ...request, verification },
  );

const hadIdentity = (cluster: ClusterState): Before['identities'] => {
  const had: Before['identities'] = new Map();
  for (const { namespace, serviceAccount, identity, terminating } of podsOf(cluster)) {
    if (terminating) continue;
    const account = `${namespace}/${serviceAccount}`;
    had.set(account, (had.get(account) ?? true) && identity !== 'node-role');
  }
  return had;
};

const observeBefore = (sandbox: Sandbox, cluster: ClusterState): Before => ({
  trustPolicies: trustPoliciesOf(sandbox),
  oidcProviders: new Set(
    [...sandbox.world.accounts.values()].flatMap(({ oidcProviders }) => [...(oidcProviders?.keys() ?? [])]),
  ),
  addons: structuredClone(cluster.addons),
  associations: structuredClone(cluster.associations),
  identities: hadIdentity(cluster),
  annotations: annotationsIn(cluster),
  broken: new Set(
    podsOf(cluster).flatMap(({ ready, terminating, namespace, serviceAccount }) =>
      ready || terminating ? [] : [`${namespace}/${serviceAccount}`],
    ),
  ),
  thirdPartyFields: thirdPartyFieldsIn(cluster),
});

/** Requests migrations and waits until none is at work any more. */
class Operator {
  readonly ledger: Ledger;
  /** True once nothing is waited for any more. */
  isOver = false;
  private readonly sandbox: Sandbox;
  private readonly cluster: ClusterState;
  private readonly random: Random;
  private readonly stepFunctions;
  constructor(sandbox: Sandbox, cluster: ClusterState, seed: number) {
    const clients = sandbox.clients();
    this.sandbox = sandbox;
    this.cluster = cluster;
    this.stepFunctions = clients.stepFunctions();
    this.ledger = createDynamoLedger({ client: clients.dynamodb(), tableName: sandbox.outputs.tableName });
    this.random = new Random(seed);
  }

  async migrate(request: MigrationRequest): Promise<SimulatedMigration> {
    const migrationId = ulid(this.sandbox.clock.now(), () => this.random.next());
    await this.stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: this.sandbox.outputs.stateMachineArn,
        name: migrationId,
        input: JSON.stringify({ migrationId, request }),
      }),
    );
    return { migrationId, request };
  }

  async rollBack(migrationId: string): Promise<void> {
    await this.stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: this.sandbox.outputs.recoverStateMachineArn,
        name: `${migrationId}-${this.random.string(8)}`,
        input: JSON.stringify({ migrationId, cause: 'requested', requestedBy: 'simulation' }),
      }),
    );
    await this.rest();
  }

  async retire(
    migrationId: string,
    action: Retirement['action'],
    consumers: readonly string[] = [],
  ): Promise<Retirement> {
    const id = `${migrationId}-${this.random.string(8)}`;
    const { executionArn = '' } = await this.stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: this.sandbox.outputs.retireStateMachineArn ?? '',
        name: id,
        input: JSON.stringify({
          migrationId,
          action,
          dryRun: false,
          soakDays: 0,
          requestedBy: 'simulation',
          ...(consumers.length > 0 ? { accept: consumers.map((name) => `consumer:${name}`) } : {}),
        }),
      }),
    );
    await this.rest();
    const { status, error } = this.sandbox.executions.execution(executionArn);
    return {
      id,
      migrationId,
      action,
      accepted: consumers,
      status,
      ...(error === undefined ? {} : { error }),
      trustPolicies: trustPoliciesOf(this.sandbox),
      accounts: accountsIn(this.cluster),
    };
  }

  /** Returns at once: the migration continues meanwhile. */
  approveMeanwhile(migration: SimulatedMigration, mode: NonNullable<RunSpec['approval']>): void {
    void this.sandbox.clock.spawn(() =>
      approve(this.sandbox, this.ledger, migration, { mode, isOver: () => this.isOver }),
    );
  }

  /** Waits until no execution runs. */
  private async rest(): Promise<void> {
    const { clock, executions } = this.sandbox;
    for (;;) {
      const running = executions.running();
      if (running.length === 0) return;
      await clock.park(Promise.all(running.map((execution) => execution.ended)));
    }
  }

  /** Waits until an act that the actor has begun is finished. */
  async done(result: Pick<RunResult, 'actor'>): Promise<void> {
    for (let poll = 1; poll <= PATIENCE_POLLS && result.actor?.acting === true; poll += 1)
      await this.sandbox.clock.sleep(POLL_MS / 10);
  }

  /** Waits until STS knows the trust policies as they are, if consumers are watched. */
  async trustIsKnown({ consumers }: Pick<RunResult, 'consumers'>): Promise<void> {
    if (!consumers) return;
    await this.sandbox.clock.sleep((this.sandbox.world.knobs.trustLagSeconds + 1) * 1000);
    consumers.check();
  }

  async allPublished(): Promise<void> {
    for (let poll = 1; poll <= PATIENCE_POLLS && (await this.ledger.listUnsent()).length > 0; poll += 1)
      await this.sandbox.clock.sleep(POLL_MS);
  }

  /**
   * Waits until nothing runs and the ledger records how each migration ended; gives a stopped one the time that Recover
   * takes.
   */
  async settle(migrations: SimulatedMigration[]): Promise<void> {
    for (let poll = 1; poll <= PATIENCE_POLLS; poll += 1) {
      await this.rest();
      let open = 0;
      for (const migration of migrations) {
        const record = await this.ledger.getMigration(migration.migrationId);
        if (record) migration.record = record;
        if (record && record.status !== 'ended') open += 1;
      }
      // Recover also takes care of a lock whose owner has stopped without having written a record.
      if (
        open === 0 &&
        (await this.ledger.listHeldLocks()).length === 0 &&
        (await this.ledger.listUnsent()).length === 0
      )
        return;
      await this.sandbox.clock.sleep(POLL_MS);
    }
  }
}

export const simulate = async (
  spec: RunSpec,
  assemblyDirectory: string,
  { clients = clientsOf(spec) }: Pick<SandboxOptions, 'clients'> = {},
): Promise<RunResult> => {
  const simulated = scenarioNamed(spec.scenario);
  const scenario = withStranger(
    withTrust(structuredClone(simulated.scenario), spec.trust),
    spec.stranger,
    simulated.requests[0]?.addon ?? '',
  );
  withTime(scenario, simulated.requests, spec.time);
  withPods(scenario, simulated.requests, spec.pods);
  withPodsOfConsumers(scenario, simulated.requests, spec.consumers);
  withLife(scenario, simulated.requests, spec.life);
  Object.assign(scenario.knobs, spec.knobs ?? {});
  const sandbox = await openSandbox({
    scenario,
    seed: spec.seed,
    assemblyDirectory: spec.held ? requiringApproval(assemblyDirectory) : assemblyDirectory,
    clients,
  });
  const { world, clock } = sandbox;
  for (const { persists, ...fault } of spec.faults)
    if (fault.service !== 'eks-auth') world.faults.add({ ...fault, times: persists ? 'all' : 1 });
  prepareOutages(sandbox, spec.faults);
  const allow = spec.denied ? denyStep(world, spec.denied) : () => {};
  const cluster = clusterOf(sandbox, simulated);
  if (spec.actor?.does === 'repoint') addThirdPartyRole(sandbox, simulated.requests[0]?.target.account ?? '');
  const consumers =
    spec.consumers && new Consumers(sandbox, cluster, { requests: simulated.requests, spec: spec.consumers });
  const requests = withConsumers(requestsOf(simulated, spec), spec, consumers);
  if (spec.pods) actOnPods(sandbox, cluster, { scenario, requests, pods: spec.pods });
  const before = observeBefore(sandbox, cluster);
  const credentials = new CredentialWatch(world, cluster);
  const stability = new StabilityWatch(world, cluster);
  const agents = spec.life && new AgentWatch(world, cluster);
  const claims = new ClaimWatch(sandbox, cluster, agents);
  const operator = new Operator(sandbox, cluster, spec.seed);
  const result: RunResult = {
    spec,
    simulated,
    sandbox,
    ledger: operator.ledger,
    cluster,
    before,
    credentials,
    stability,
    claims,
    ...(agents ? { agents } : {}),
    ...(consumers ? { consumers: new ConsumerWatch(world, cluster, consumers.placed) } : {}),
    migrations: [],
    repeated: [],
    retirements: [],
    restoreCommands: [],
  };
  const actor = spec.actor && prepareActor(sandbox, cluster, simulated, spec.actor);
  if (actor) result.actor = actor.record;
  if (spec.cancelAfterCall !== undefined) afterCall(sandbox, spec.cancelAfterCall, () => requestCancel(result));
  if (spec.life)
    result.life = new Life(sandbox, cluster, {
      scenario,
      requests,
      life: spec.life,
      cancel: () => requestCancel(result),
    });
  try {
    await clock.spawn(async () => {
      for (const request of requests) {
        for (let copy = 0; copy < (spec.copies ?? 1); copy += 1) {
          const migration = await operator.migrate(migrationRequest.parse(request));
          result.migrations.push(migration);
          operator.approveMeanwhile(migration, spec.approval ?? 'given');
        }
      }
      await operator.settle(result.migrations);
      await operator.done(result);
      await result.life?.ended();
      const stragglers = async (): Promise<void> => {
        if (spec.faults.some(({ kind }) => kind.startsWith('time-out'))) await clock.sleep(STRAGGLERS_MS);
      };
      if (spec.retire) {
        for (const { migrationId, record } of result.migrations) {
          if (record?.outcome !== 'migrated') continue;
          result.retirements.push(await operator.retire(migrationId, 'retire', consumers?.accepted.retirement));
          await operator.trustIsKnown(result);
          if (spec.retire !== 'undone') continue;
          await stragglers();
          await actor?.interfere('before-reinstatement');
          result.retirements.push(await operator.retire(migrationId, 'reinstate'));
        }
      }
      await stragglers();
      // The follow-up assumes that the cause has been removed.
      world.faults.clear();
      allow();
      if (spec.rollBack)
        for (const { migrationId, record } of result.migrations) {
          if (record?.outcome !== 'migrated') continue;
          await actor?.interfere('before-requested-rollback');
          await operator.rollBack(migrationId);
        }
      if (spec.again) {
        for (const request of requests) {
          const migration = await operator.migrate(migrationRequest.parse(request));
          result.repeated.push(migration);
          operator.approveMeanwhile(migration, 'given');
        }
      }
      await operator.settle([...result.migrations, ...result.repeated]);
      await operator.done(result);
      for (const migration of result.migrations) {
        const { record } = migration;
        if (record?.outcome !== 'needs-human') continue;
        result.handedOffAfter ??= world.log.calls.at(-1)?.n ?? 0;
        result.restoreCommands.push(
          await followRestoreCommands(
            {
              sandbox,
              cluster,
              ledger: operator.ledger,
              does: spec.person ?? 'as-written',
              rollBack: (migrationId) => operator.rollBack(migrationId),
              plan: async (request) => {
                const next = await operator.migrate(request);
                await operator.settle([next]);
                return next.record;
              },
              interfere: async (phase) => actor?.interfere(phase),
              endPods: () => result.life?.endPods(),
            },
            record,
          ),
        );
      }
      await operator.done(result);
      await operator.trustIsKnown(result);
      // The results of the rollbacks after `needs-human` are published too.
      await operator.allPublished();
    });
  } finally {
    operator.isOver = true;
    await sandbox.close();
  }
  return result;
};

/** Requests the cancellation of the first migration. Returns false if there is none. */
const requestCancel = async ({ sandbox, migrations, ledger }: RunResult): Promise<boolean> => {
  const [first] = migrations;
  if (first)
    await ledger.requestCancel(first.migrationId, {
      requestedAt: new Date(sandbox.clock.now()).toISOString(),
      requestedBy: 'simulation',
    });
  return first !== undefined;
};
