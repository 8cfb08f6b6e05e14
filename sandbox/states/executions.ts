/** The state machines of a sandbox and what runs or has run of them. */
import type { AssemblyStateMachine } from '../assembly/assembly.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { Buckets } from '../s3/buckets.ts';
import type { SandboxClock } from '../world/clock.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { Cancellation } from './cancellation.ts';
import { parseDefinition, type Runnable } from './definition.ts';
import { Interrupted, StateFailure } from './failure.ts';
import { type EventDetails, History, HISTORY_FULL, payload } from './history.ts';
import { runStates } from './interpreter.ts';
import type { MapRun } from './map-run.ts';
import { type Child, MapRuns } from './map-runs.ts';
import { type DistributedMaps, MAX_PAYLOAD_BYTES, Scope } from './scope.ts';
import { TaskTokens } from './task-tokens.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** A refusal of the API, by the name that its model has. */
export class StatesError extends Error {
  override readonly name: string;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface StateMachine extends AssemblyStateMachine {
  parsed: Runnable;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface ExecutionsOptions {
  world: World;
  clock: SandboxClock;
  stateMachines: AssemblyStateMachine[];
  lambda: LambdaRuntime;
  /**
   * Judges the state machines' roles where they start children and use S3; default: one of its own, by the world's
   * roles.
   */
  authorizer?: Authorizer;
  /** Where distributed Maps read and write; default: none. */
  buckets?: Buckets;
  /** Whether those that have ended let go of their histories, but for the last event. */
  forgetHistories?: boolean;
  /** Called when an execution has begun and when it has ended. */
  onStatus?: (execution: Execution) => void;
}

const EVENTS: Record<Exclude<ExecutionStatus, 'RUNNING'>, [type: string, details: `${string}EventDetails`]> = {
  SUCCEEDED: ['ExecutionSucceeded', 'executionSucceededEventDetails'],
  FAILED: ['ExecutionFailed', 'executionFailedEventDetails'],
  TIMED_OUT: ['ExecutionTimedOut', 'executionTimedOutEventDetails'],
  ABORTED: ['ExecutionAborted', 'executionAbortedEventDetails'],
};

const arnOf = (machine: StateMachine, name: string): string =>
  `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;

/** What an execution is made of. */
interface ExecutionOptions extends Pick<ExecutionsOptions, 'clock' | 'lambda' | 'forgetHistories'> {
  random: Random;
  tokens: TaskTokens;
  maps: DistributedMaps;
  onStatus: ExecutionsOptions['onStatus'];
}

type Started = Omit<Child, 'mapRunArn' | 'isExpress'> & Partial<Pick<Child, 'mapRunArn'>>;

/** One execution: runs in a thread of its own from the moment it is made. */
export class Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: StateMachine;
  /** Of a child: the run of a distributed Map that has started it. */
  readonly mapRunArn: string | undefined;
  /** JSON text, as it was given. */
  readonly input: string;
  readonly startedAt: number;
  readonly history: History;
  /** Resolves when it has ended, however that was; never rejects. Park on it where time may be virtual. */
  readonly ended: Promise<void>;
  status: ExecutionStatus = 'RUNNING';
  stoppedAt: number | undefined;
  /** JSON text; of a succeeded one. */
  output: string | undefined;
  error: string | undefined;
  cause: string | undefined;

  private readonly clock: SandboxClock;
  private readonly onStatus: ExecutionsOptions['onStatus'];
  private readonly forgetHistories: boolean;
  /** Until it has ended: thousands that have would keep what called them off. */
  private cancellation: Cancellation | undefined;
  private readonly timer: { cancel(): void } | undefined;

  constructor({ arn, name, machine, input, mapRunArn }: Started, options: ExecutionOptions) {
    const { clock, lambda, random, tokens, maps, onStatus, forgetHistories = false } = options;
    const [, , , region = ''] = machine.arn.split(':');
    this.clock = clock;
    this.onStatus = onStatus;
    this.forgetHistories = forgetHistories;
    this.name = name;
    this.machine = machine;
    this.mapRunArn = mapRunArn;
    this.input = input;
    this.arn = arn;
    this.startedAt = clock.now();
    this.history = new History(
      () => clock.now(),
      () => this.end('FAILED', new StateFailure('States.Runtime', HISTORY_FULL)),
    );
    const parsedInput = JSON.parse(input) as unknown;
    const startedEventId = this.history.add('ExecutionStarted', 0, {
      executionStartedEventDetails: { ...payload('input', parsedInput), input, roleArn: machine.roleArn },
    });
    this.timer = this.startTimer(machine.parsed.TimeoutSeconds);
    const context = {
      Execution: {
        Id: this.arn,
        Input: parsedInput,
        Name: name,
        RoleArn: machine.roleArn,
        StartTime: new Date(this.startedAt).toISOString(),
        RedriveCount: 0,
      },
      StateMachine: { Id: machine.arn, Name: machine.name },
    };
    const run = {
      clock,
      lambda,
      random,
      tokens,
      maps,
      region,
      machineArn: machine.arn,
      roleArn: machine.roleArn,
      execution: { arn: this.arn, stop: () => this.stop() },
      history: this.history,
      context,
      runStates,
    };
    // Two events begin a history, and the second has no predecessor either.
    const cancellation = new Cancellation();
    this.cancellation = cancellation;
    const scope = new Scope(run, cancellation, { previousEventId: startedEventId - 1 });
    onStatus?.(this);
    this.ended = clock.spawn(() => this.run(scope, parsedInput));
  }

  private startTimer(timeoutSeconds: number | undefined): { cancel(): void } | undefined {
    if (timeoutSeconds === undefined) return undefined;
    const timer = this.clock.timer(timeoutSeconds * 1000);
    void timer.elapsed.then(() => this.end('TIMED_OUT', new StateFailure('States.Timeout')));
    return timer;
  }

  private async run(scope: Scope, input: unknown): Promise<void> {
    try {
      const output = await runStates(this.machine.parsed, scope, input);
      this.end('SUCCEEDED', output);
    } catch (error) {
      if (error instanceof Interrupted) return;
      // Anything else is a defect of the sandbox or of what runs in it: the run ends, and says so.
      const text = error instanceof Error ? error.message : String(error);
      this.end(
        'FAILED',
        error instanceof StateFailure
          ? error
          : new StateFailure('States.Runtime', `The sandbox could not go on with this execution: ${text}`),
      );
    }
  }

  /** Ends it from outside, as StopExecution does; no Catch runs. One that has ended stays as it is. */
  stop(error?: string, cause?: string): void {
    this.end('ABORTED', new StateFailure(error, cause));
  }

  private end(status: Exclude<ExecutionStatus, 'RUNNING'>, result: unknown): void {
    if (this.status !== 'RUNNING') return;
    const [type, detailsName] = EVENTS[status];
    const details: EventDetails = {
      [detailsName]: result instanceof StateFailure ? result.details() : payload('output', result),
    };
    this.status = status;
    this.stoppedAt = this.clock.now();
    if (result instanceof StateFailure) Object.assign(this, result.details());
    else this.output = JSON.stringify(result);
    this.history.end(type, details);
    if (this.forgetHistories) this.history.forget();
    this.timer?.cancel();
    this.cancellation?.cancel();
    this.cancellation = undefined;
    this.onStatus?.(this);
  }
}

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
  /** Those of all executions. */
  readonly tokens: TaskTokens;
  /** Of distributed Maps. */
  readonly mapRuns: MapRuns;
  private readonly options: ExecutionsOptions;
  private readonly random: Random;
  private readonly machines = new Map<string, StateMachine>();
  private readonly executions = new Map<string, Execution>();

  /** Throws an Error for a definition that the sandbox can't run. */
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
        parsed: parseDefinition(machine.name, machine.definition),
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
      `State Machine Does Not Exist: '${arn}'. The sandbox has: ${known}.`,
    );
  }

  /** Throws ExecutionDoesNotExist. */
  execution(arn: string): Execution {
    const execution = this.executions.get(arn);
    if (!execution) throw new StatesError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }

  /** Of all state machines, oldest first. */
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
   * State transitions so far, by the name of the state machine; a Map's children are those of one of its own. Express
   * ones are not billed by them.
   */
  transitions(): Map<string, number> {
    const made = new Map<string, number>();
    for (const { machine, history } of this.executions.values())
      made.set(machine.name, (made.get(machine.name) ?? 0) + history.transitions);
    return made;
  }

  /** Throws ResourceNotFound. */
  mapRun(arn: string): MapRun {
    const run = this.mapRuns.find(arn);
    if (!run) throw new StatesError('ResourceNotFound', `Resource not found: '${arn}'`);
    return run;
  }

  /**
   * Starts an execution and answers at once. The same name with the same input is the same execution while that is
   * running. Throws StateMachineDoesNotExist, InvalidName, InvalidExecutionInput, ExecutionAlreadyExists.
   */
  start(machineArn: string, input = '{}', name = this.random.uuid()): Execution {
    const machine = this.stateMachine(machineArn);
    if (name.length === 0 || name.length > 80 || ILLEGAL_IN_NAMES.test(name))
      throw new StatesError('InvalidName', `Invalid Name: '${name}'`);
    checkInput(input);
    const known = this.executions.get(arnOf(machine, name));
    if (known) {
      if (known.status === 'RUNNING' && known.input === input) return known;
      throw new StatesError('ExecutionAlreadyExists', `Execution Already Exists: '${known.arn}'`);
    }
    return this.open({ arn: arnOf(machine, name), name, machine, input }, this.options.onStatus);
  }

  /**
   * "Express Workflows do not emit events to EventBridge", nor can anybody look at their executions (Step Functions
   * Developer Guide, "Choosing workflow type").
   */
  private startChild(child: Child): Execution {
    return child.isExpress ? this.make(child, undefined) : this.open(child, this.options.onStatus);
  }

  private open(started: Started, onStatus: ExecutionsOptions['onStatus']): Execution {
    const execution = this.make(started, onStatus);
    this.executions.set(execution.arn, execution);
    return execution;
  }

  private make(started: Started, onStatus: ExecutionsOptions['onStatus']): Execution {
    return new Execution(started, {
      ...this.options,
      onStatus,
      random: this.random.fork(),
      tokens: this.tokens,
      maps: this.mapRuns.for(started.arn, started.machine),
    });
  }
}
