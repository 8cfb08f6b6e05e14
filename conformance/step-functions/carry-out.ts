/** Carries out an input in a sandbox, whichever interpreter it has, until nothing is at work any more. */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { executionsOf, openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { generateFleet } from '../../cli/fleet/generate.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { type MigrationRequest, migrationRequest } from '../../lambdas/domain/request/request.ts';
import { sweepRequest } from '../../lambdas/domain/sweep/request.ts';
import { decideApproval } from '../../lambdas/use-cases/approval/decide.ts';
import { commandSweep, startSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import type { OpenOptions } from '../../sandbox/sandbox.ts';
import type { ChildExecution, StateMachine } from '../../sandbox/states/child-execution.ts';
import { type Interpret, interpretStates } from '../../sandbox/states/interpreter.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { PUBLISHED } from '../kubernetes/scenarios/published.ts';
import { scenarioOf, targetOf } from '../kubernetes/scenarios/carry-out.ts';
import { Answers } from './answers.ts';
import type { Input, MigrationInput, SweepInput } from './inputs.ts';

const POLL_MS = 60_000;
/** Longer than Recover's schedule, its wait for functions that may still run, and a rollback. */
const POLLS = 90;
const APPROVER = 'arn:aws:iam::111122223333:user/approver';
const ANYONE = { approvals: { required: false, approver: 'anyone', allowUnknownRequester: false } } as const;

/** How a world runs its executions. */
export interface Engine {
  interpret: Interpret;
  clock?: OpenOptions['clock'];
}
export const OWN: Engine = { interpret: interpretStates };

/** Returns the scenario of an input. */
export const scenarioOfInput = async (input: Input): Promise<Scenario> => {
  if (input.kind === 'migration') {
    const run = PUBLISHED.find(({ name }) => name === input.run);
    if (!run) throw new Error(`There is no run ${input.run}.`);
    return scenarioOf(run);
  }
  const { clusters, seed, unreachable } = input;
  const fleet = generateFleet({ clusters, seed, accounts: 3, regions: ['eu-west-1'], addons: 2, faults: unreachable });
  return parseScenario(fleet.scenario, 'the generated fleet');
};

/** One world in which an input is carried out. */
class World {
  private readonly backend: SandboxBackend;
  private isOver = false;
  invocations = 0;

  constructor(backend: SandboxBackend) {
    this.backend = backend;
  }

  async migrations(input: MigrationInput, scenario: Scenario): Promise<void> {
    const { ledger, clock } = this.backend;
    const request = migrationRequest.parse({ target: targetOf(scenario), ...input.asked });
    const ids = [await this.migrate(request, input)];
    if (input.cancelAfter !== undefined) void clock.spawn(() => this.cancelAfter(ids[0] ?? '', input.cancelAfter ?? 0));
    await this.settle(ids);
    for (const what of input.afterwards) {
      // What follows assumes that the cause of a failure has been removed, as its first half does not.
      if (what === 'rollback' || what === 'again') this.backend.sandbox.world.faults.clear();
      const migrated = (await ledger.getMigration(ids[0] ?? ''))?.outcome === 'migrated';
      if (what === 'again') ids.push(await this.migrate(request, { ...input, approval: 'given' }));
      else if (migrated) await this.follow(ids[0] ?? '', what);
      await this.settle(ids);
    }
  }

  async sweep({ request, commands }: SweepInput, { accounts }: Scenario): Promise<void> {
    const { sweeping, clock, ids } = this.backend;
    if (!sweeping) throw new Error('The deployment has no sweeps.');
    const parts = { sweeps: sweeping.sweeps, executions: executionsOf(this.backend), clock, ids };
    const selection = { accounts: accounts.map(({ id }) => id), regions: ['eu-west-1'] };
    const { sweepId } = await startSweep(sweepRequest.parse({ ...request, selection }), 'conformance', parts);
    for (const { afterSeconds, command } of commands) {
      await clock.sleep(afterSeconds * 1000);
      // A sweep that has ended refuses commands.
      await commandSweep(sweepId, command, { by: 'conformance' }, parts).catch(() => undefined);
    }
    for (let poll = 0; poll < POLLS && this.running() > 0; poll += 1) await clock.sleep(POLL_MS);
    // A paused sweep waits for days.
    for (const execution of this.backend.sandbox.executions.running())
      execution.stop('Conformance', 'The input has ended.');
    await this.settle([]);
  }

  over(): void {
    this.isOver = true;
  }

  private running(): number {
    return this.backend.sandbox.executions.running().length;
  }

  private async start(stateMachineArn: string, name: string, input: object): Promise<void> {
    await this.backend.stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
  }

  private async migrate(request: MigrationRequest, { approval }: Pick<MigrationInput, 'approval'>): Promise<string> {
    const migrationId = this.backend.ids.ulid();
    await this.start(this.backend.stateMachineArn, migrationId, { migrationId, request });
    if (request.approval === 'required' && approval !== 'nobody')
      void this.backend.clock.spawn(() => this.approve(migrationId, approval === 'rejected' ? 'reject' : 'approve'));
    return migrationId;
  }

  private async follow(migrationId: string, what: 'rollback' | 'retire' | 'reinstate'): Promise<void> {
    const { recoverStateMachineArn, retireStateMachineArn = '' } = this.backend;
    const requestedBy = 'conformance';
    const name = `${migrationId}-${what}`;
    if (what === 'rollback')
      await this.start(recoverStateMachineArn, name, { migrationId, cause: 'requested', requestedBy });
    else
      await this.start(retireStateMachineArn, name, {
        migrationId,
        action: what,
        dryRun: false,
        soakDays: 0,
        requestedBy,
      });
  }

  /** Decides about each plan that waits for an approval. */
  private async approve(migrationId: string, decision: 'approve' | 'reject'): Promise<void> {
    const { clock, ledger } = this.backend;
    const executions = executionsOf(this.backend);
    while (!this.isOver) {
      await clock.sleep(2 * POLL_MS);
      const record = await ledger.getMigration(migrationId);
      if (this.isOver || record?.status === 'ended' || (!record && this.running() === 0)) return;
      const pending = pendingApproval(record?.approvals ?? []);
      if (pending)
        await decideApproval(migrationId, { decision, planHash: pending.planHash }, APPROVER, {
          ledger,
          executions,
          clock,
          settings: ANYONE,
        });
    }
  }

  private async cancelAfter(migrationId: string, invocations: number): Promise<void> {
    const { clock, ledger } = this.backend;
    while (!this.isOver && this.running() > 0) {
      if (this.invocations >= invocations) {
        const requestedAt = new Date(clock.now()).toISOString();
        await ledger.requestCancel(migrationId, { requestedAt, requestedBy: 'conformance' });
        return;
      }
      await clock.sleep(1000);
    }
  }

  /** Waits until nothing runs and the ledger knows how each migration ended, or nothing more will happen. */
  private async settle(migrationIds: readonly string[]): Promise<void> {
    const { clock, ledger, sandbox } = this.backend;
    for (let poll = 0; poll < POLLS; poll += 1) {
      const running = sandbox.executions.running();
      if (running.length > 0) await sandbox.clock.park(Promise.all(running.map(({ ended }) => ended)));
      const records = await Promise.all(migrationIds.map((id) => ledger.getMigration(id)));
      const isOpen = records.some((record) => record !== undefined && record.status !== 'ended');
      if (!isOpen && this.running() === 0 && (await ledger.listHeldLocks()).length === 0) return;
      await clock.sleep(POLL_MS);
    }
  }
}

/** All executions of a sandbox, those of distributed Maps too, in the order in which they started. */
const executionsIn = ({ sandbox: { executions } }: SandboxBackend): ChildExecution[] =>
  executions.stateMachines().flatMap(({ arn }) =>
    executions
      .list(arn)
      .toReversed()
      .flatMap((execution): ChildExecution[] => [
        execution,
        ...executions.mapRuns.of(execution.arn).flatMap(({ children }) => children.map((child) => child.execution)),
      ]),
  );

/** What a world ran. */
export interface Carried {
  executions: ChildExecution[];
  machines: StateMachine[];
}

/** Carries out an input, and returns every execution. Throws if the sandbox's own services failed. */
export const carryOutInput = async (
  input: Input,
  scenario: Scenario,
  { interpret, ...options }: Engine,
): Promise<Carried> => {
  const answers = new Answers(input.answers, (invocations) => (world.invocations = invocations));
  const backend = await openSandboxBackend(structuredClone(scenario), {
    seed: input.seed,
    interpret: answers.around(interpret),
    ...options,
  });
  const world = new World(backend);
  const { faults } = backend.sandbox.world;
  for (const fault of input.faults) faults.add(fault);
  try {
    await backend.clock.spawn(async () => {
      if (input.kind === 'migration') await world.migrations(input, scenario);
      else await world.sweep(input, scenario);
      world.over();
    });
    const { failures } = backend.sandbox;
    if (failures.length > 0) throw new Error(`The sandbox's own services failed: ${JSON.stringify(failures)}`);
    return { executions: executionsIn(backend), machines: backend.sandbox.executions.stateMachines() };
  } finally {
    world.over();
    await backend.close();
  }
};
