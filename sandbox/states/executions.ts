/** The state machines of a sandbox with their running and ended executions. */
import type { AssemblyStateMachine } from '../assembly/assembly.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { Buckets } from '../s3/buckets.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { createDefinition } from './create-definition.ts';
import { StatesError } from './error.ts';
import { Execution, type ExecutionOptions, type Started } from './execution.ts';
import type { Interpret } from './interpreter.ts';
import type { StateMachine } from './child-execution.ts';
import type { MapRun } from './map-run.ts';
import { type Child, MapRuns } from './map-runs.ts';
import { MAX_PAYLOAD_BYTES } from './limits.ts';
import { TaskTokens } from './task-tokens.ts';

export type { Execution } from './execution.ts';

export interface ExecutionsOptions {
  world: World;
  clock: SandboxClock;
  stateMachines: AssemblyStateMachine[];
  lambda: LambdaRuntime;
  /**
   * Evaluates the permissions of the state machines' roles to start children and use S3; default: an authorizer for the
   * world's roles.
   */
  authorizer?: Authorizer;
  /** The buckets that distributed Maps read and write; default: none. */
  buckets?: Buckets;
  /** Whether ended executions drop their histories, except for the last event. */
  forgetHistories?: boolean;
  /** Takes the place of the sandbox's own interpreter. */
  interpret?: Interpret;
  /** Called when an execution has started and when it has ended. */
  onStatus?: (execution: Execution) => void;
}

const arnOf = (machine: StateMachine, name: string): string =>
  `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;

/**
 * Step Functions API, StartExecution.name: no white space, brackets, wildcards, other special or control characters.
 */
// oxlint-disable-next-line no-control-regex
const ILLEGAL_IN_NAMES = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001F\u007F-\u009F]/;

const checkInput = (input: string): void => {
  if (Buffer.byteLength(input) > MAX_PAYLOAD_BYTES) {
    throw new StatesError(
      'ValidationException',
      `1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to ${MAX_PAYLOAD_BYTES}`,
    );
  }
  try {
    JSON.parse(input);
  } catch {
    throw new StatesError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: 'The input is not valid JSON: ${input.slice(0, 100)}'`,
    );
  }
};

export class Executions {
  /** Task tokens of all executions. */
  readonly tokens: TaskTokens;
  /** Runs of distributed Maps. */
  readonly mapRuns: MapRuns;
  private readonly options: ExecutionsOptions;
  private readonly random: Random;
  private readonly machines = new Map<string, StateMachine>();
  private readonly executions = new Map<string, Execution>();

  /** Throws the errors of `createDefinition`. */
  constructor(options: ExecutionsOptions) {
    this.options = options;
    this.random = options.world.random.fork();
    this.tokens = new TaskTokens(options.world.seed);
    const {
      world,
      clock,
      authorizer = new Authorizer(world),
      buckets = new Buckets({ world, clock, buckets: [] }),
    } = options;
    this.mapRuns = new MapRuns({
      world,
      clock,
      authorizer,
      buckets,
      random: this.random,
      start: (child) => this.startChild(child),
    });
    for (const machine of options.stateMachines) {
      this.machines.set(machine.arn, {
        ...machine,
        parsed: createDefinition(machine.name, machine.definition),
        createdAt: options.clock.now(),
      });
    }
  }

  stateMachines(): StateMachine[] {
    return [...this.machines.values()];
  }

  /** Throws StateMachineDoesNotExist. */
  stateMachine(arn: string): StateMachine {
    const machine = this.machines.get(arn);
    if (machine) return machine;
    const known = [...this.machines.keys()].join(', ') || 'none';
    throw new StatesError(
      'StateMachineDoesNotExist',
      `State Machine Does Not Exist: '${arn}'. State machines in the sandbox: ${known}.`,
    );
  }

  /** Throws ExecutionDoesNotExist. */
  execution(arn: string): Execution {
    const execution = this.executions.get(arn);
    if (!execution) throw new StatesError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }

  /** Returns the running executions of all state machines, oldest first. */
  running(): Execution[] {
    return [...this.executions.values()].filter(({ status }) => status === 'RUNNING');
  }

  /** Newest first. */
  list(machineArn: string, status?: string): Execution[] {
    this.stateMachine(machineArn);
    return [...this.executions.values()]
      .filter((each) => each.machine.arn === machineArn && (status === undefined || each.status === status))
      .toReversed();
  }

  /**
   * Returns the state transitions so far, by the name of the state machine; a Map's children count for a state machine
   * of their own. Express executions are not billed by transitions.
   */
  transitions(): Map<string, number> {
    const transitions = new Map<string, number>();
    for (const { machine, history } of this.executions.values())
      transitions.set(machine.name, (transitions.get(machine.name) ?? 0) + history.transitions);
    return transitions;
  }

  /** Throws ResourceNotFound. */
  mapRun(arn: string): MapRun {
    const run = this.mapRuns.find(arn);
    if (!run) throw new StatesError('ResourceNotFound', `Resource not found: '${arn}'`);
    return run;
  }

  /**
   * Starts an execution and returns at once. The same name and input return the existing execution while it is running.
   * Throws StateMachineDoesNotExist, InvalidName, InvalidExecutionInput, ExecutionAlreadyExists.
   */
  start(machineArn: string, input = '{}', name = this.random.uuid()): Execution {
    const machine = this.stateMachine(machineArn);
    if (name.length === 0 || name.length > 80 || ILLEGAL_IN_NAMES.test(name))
      throw new StatesError('InvalidName', `Invalid Name: '${name}'`);
    checkInput(input);
    const existing = this.executions.get(arnOf(machine, name));
    if (existing) {
      if (existing.status === 'RUNNING' && existing.input === input) return existing;
      throw new StatesError('ExecutionAlreadyExists', `Execution Already Exists: '${existing.arn}'`);
    }
    return this.open({ arn: arnOf(machine, name), name, machine, input }, this.options.onStatus);
  }

  /**
   * "Express Workflows do not emit events to EventBridge", and their executions cannot be described (Step Functions
   * Developer Guide, "Choosing workflow type").
   */
  private startChild(child: Child): Execution {
    return child.isExpress ? this.make(child, undefined) : this.open(child, this.options.onStatus);
  }

  private open(started: Started, onStatus: ExecutionOptions['onStatus']): Execution {
    const execution = this.make(started, onStatus);
    this.executions.set(execution.arn, execution);
    return execution;
  }

  private make(started: Started, onStatus: ExecutionOptions['onStatus']): Execution {
    return new Execution(started, {
      ...this.options,
      onStatus,
      random: this.random.fork(),
      tokens: this.tokens,
      maps: this.mapRuns.for(started.arn, started.machine),
      timeoutCause: this.options.world.knobs.timeoutCause,
    });
  }
}
