/**
 * The environment of a running state: its execution, its scope's variables, and the operations to wait, evaluate and
 * produce results.
 */
import type { RoleObjects } from '../s3/as-role.ts';
import type { InvokingExecution } from '../lambda/invocation.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { ParkOptions, SandboxClock } from '../clock/clock.ts';
import type { Random } from '../random.ts';
import { Cancellation } from './cancellation.ts';
import type { MapState, StateResults, StateSet } from './definition.ts';
import { StateFailure, type TimeoutCause } from './failure.ts';
import type { ChildExecution } from './child-execution.ts';
import type { EventDetails, History } from './history.ts';
import { functionsAt } from './jsonata-functions.ts';
import { evaluate, EvaluationFailure } from './jsonata.ts';
import { bytesOf, MAX_PAYLOAD_BYTES, MAX_VARIABLES_BYTES } from './limits.ts';
import type { MapRun, MapRunOptions } from './map-run.ts';
import type { TaskTokens } from './task-tokens.ts';

/** The operations that a distributed Map of one execution uses. */
export interface DistributedMaps {
  open(stateName: string, state: MapState, options: Pick<MapRunOptions, 'maxConcurrency' | 'tolerance'>): MapRun;
  /** Throws States.Permissions if the state machine's role may not start executions of the state machine itself. */
  authorize(): void;
  /** `input` is JSON text. */
  start(run: MapRun, state: MapState, input: string): ChildExecution;
  /** Returns access to S3 as the state machine's role. */
  objects(): RoleObjects;
}

/** State shared by all scopes of one execution. */
export interface Run {
  clock: SandboxClock;
  history: History;
  random: Random;
  lambda: LambdaRuntime;
  tokens: TaskTokens;
  maps: DistributedMaps;
  region: string;
  machineArn: string;
  roleArn: string;
  execution: InvokingExecution;
  /** `Execution` and `StateMachine` of the context object. */
  context: Record<string, unknown>;
  timeoutCause: TimeoutCause;
  /** Size of all variables in the execution's scopes. */
  variableBytes: number;
  /** Runs states to their end; passed down because states contain states. */
  runStates(states: StateSet, scope: Scope, input: unknown): Promise<unknown>;
}

/**
 * The top level of a state machine, an iteration of a Map or a branch of a Parallel: it has its own variables and its
 * own sequence of events.
 */
export class Scope {
  readonly run: Run;
  readonly cancellation: Cancellation;
  private readonly outer: Scope | undefined;
  private readonly variables = new Map<string, unknown>();
  /** Size of each of its own variables. */
  private readonly bytes = new Map<string, number>();
  /** `Map` of the context object. */
  readonly mapContext: Record<string, unknown>;
  previousEventId: number;

  constructor(
    run: Run,
    cancellation: Cancellation,
    options: { outer?: Scope; previousEventId: number; mapContext?: Record<string, unknown> },
  ) {
    this.run = run;
    this.cancellation = cancellation;
    this.outer = options.outer;
    this.previousEventId = options.previousEventId;
    this.mapContext = options.mapContext ?? options.outer?.mapContext ?? {};
  }

  add(type: string, details: EventDetails = {}): number {
    this.previousEventId = this.run.history.add(type, this.previousEventId, details);
    return this.previousEventId;
  }

  /**
   * Adds an event that no later one names as its predecessor. Which events these are: localstack/localstack,
   * test_base_scenarios.snapshot.json, recorded from AWS.
   */
  addAside(type: string, details: EventDetails = {}): void {
    this.run.history.add(type, this.previousEventId, details);
  }

  /** Returns the value of a variable of this scope or an outer one; undefined if there is none. */
  variable(name: string): unknown {
    return this.variables.has(name) ? this.variables.get(name) : this.outer?.variable(name);
  }

  /** Returns all variables that are readable here, including those of outer scopes. */
  readable(): Record<string, unknown> {
    return { ...this.outer?.readable(), ...Object.fromEntries(this.variables) };
  }

  /** Throws States.DataLimitExceeded if the execution's variables then exceed the limit. */
  assign(values: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(values)) {
      this.run.variableBytes += bytesOf(value) - (this.bytes.get(name) ?? 0);
      this.bytes.set(name, bytesOf(value));
      this.variables.set(name, value);
    }
    // The error name in AWS is not known.
    if (this.run.variableBytes > MAX_VARIABLES_BYTES)
      throw new StateFailure(
        'States.DataLimitExceeded',
        `The variables of the execution exceed the maximum of ${MAX_VARIABLES_BYTES} bytes.`,
      );
  }

  /** Ends the scope: its variables are out of scope. */
  leave(): void {
    for (const bytes of this.bytes.values()) this.run.variableBytes -= bytes;
    this.bytes.clear();
    this.variables.clear();
  }

  /** Waits for a promise of another thread or a timer. Throws Interrupted on cancellation. */
  interruptible<T>(promise: Promise<T>, options?: ParkOptions): Promise<T> {
    return this.run.clock.park(Promise.race([promise, this.cancellation.interrupted]), options);
  }

  async sleep(milliseconds: number): Promise<void> {
    const timer = this.run.clock.timer(milliseconds);
    try {
      await this.interruptible(timer.elapsed);
    } finally {
      timer.cancel();
    }
  }
}

/** A state's outcome: the next state (none at the scope's end), the output, and the assigned variables. */
export interface Outcome {
  next?: string | undefined;
  output: unknown;
  assigned: Record<string, unknown>;
}

/** Members of `$states` in addition to input and context. */
export type Extra = { result?: unknown; errorOutput?: unknown };

/** One visit of one state. */
export class Visit {
  readonly name: string;
  readonly input: unknown;
  readonly scope: Scope;
  /** Id of the event that records the entry into the state. */
  readonly enteredEventId: number;
  private readonly enteredAt: string;
  /** Id of the event before the entry into the state. */
  private readonly beforeEventId: number;
  retryCount = 0;

  constructor(scope: Scope, name: string, type: string, input: unknown) {
    this.scope = scope;
    this.name = name;
    this.input = input;
    this.enteredAt = new Date(scope.run.clock.now()).toISOString();
    this.beforeEventId = scope.previousEventId;
    this.enteredEventId = scope.add(`${type}StateEntered`, {
      stateEnteredEventDetails: { name, input: JSON.stringify(input), inputDetails: { truncated: false } },
    });
  }

  /** Returns a failure with the beginning of AWS's text. */
  failure(error: string, text: string): StateFailure {
    return new StateFailure(
      error,
      `An error occurred while executing the state '${this.name}' (entered at the event id #${this.enteredEventId}). ${text}`,
    );
  }

  /**
   * Evaluates a field. `ownContext` is added to the context object. Throws States.QueryEvaluationError and records it
   * in the history.
   */
  async evaluate(
    template: unknown,
    field: string,
    extra: Extra = {},
    ownContext = this.scope.mapContext,
  ): Promise<unknown> {
    const { run } = this.scope;
    const context = {
      ...run.context,
      ...ownContext,
      State: { EnteredTime: this.enteredAt, Name: this.name, RetryCount: this.retryCount },
    };
    const states = { input: this.input, context, ...extra };
    try {
      return await evaluate(template, field, {
        lookUp: (name) => (name === 'states' ? states : this.scope.variable(name)),
        bindings: () => ({ ...this.scope.readable(), states, ...functionsAt(run.clock.now(), run.random) }),
      });
    } catch (error) {
      if (!(error instanceof EvaluationFailure)) throw error;
      // An expression that fails before the state has done anything follows what was before the state:
      // localstack/localstack, test_undefined_reference and test_map_catch_error, recorded from AWS.
      if (this.scope.previousEventId === this.enteredEventId) this.scope.previousEventId = this.beforeEventId;
      throw this.evaluationFailed(error.location, error.message);
    }
  }

  /** Also used for a value that does not fit its field. */
  evaluationFailed(location: string, text: string): StateFailure {
    const failure = this.failure('States.QueryEvaluationError', text);
    this.scope.add('EvaluationFailed', {
      evaluationFailedEventDetails: { state: this.name, location, ...failure.details() },
    });
    return failure;
  }

  /** Evaluates a field that must have a certain type; `expected` describes it in the error. */
  async evaluateAs<T>(
    template: unknown,
    field: string,
    expected: string,
    is: (value: unknown) => value is T,
  ): Promise<T> {
    const value = await this.evaluate(template, field);
    if (is(value)) return value;
    throw this.evaluationFailed(
      field,
      `The value of the field '${field}' must be ${expected}, but was ${JSON.stringify(value).slice(0, 200)}.`,
    );
  }

  /** Throws States.DataLimitExceeded. */
  checkSize(value: unknown, what: string): void {
    if (bytesOf(value) > MAX_PAYLOAD_BYTES) {
      throw new StateFailure(
        'States.DataLimitExceeded',
        `The state/task '${this.name}' ${what} with a size exceeding the maximum number of bytes service limit.`,
      );
    }
  }

  /** Returns output and variables of a state, a Catch or a choice rule: both see the variables' previous values. */
  async settle(
    results: StateResults,
    defaultOutput: unknown,
    extra: Extra = {},
    at = '',
  ): Promise<Omit<Outcome, 'next'>> {
    const assigned = (await this.evaluate(results.Assign ?? {}, `${at}Assign`, extra)) as Record<string, unknown>;
    const output =
      results.Output === undefined ? defaultOutput : await this.evaluate(results.Output, `${at}Output`, extra);
    this.checkSize(output, 'returned a result');
    this.checkSize(assigned, 'assigned variables');
    return { output, assigned };
  }
}

/** Runs one type of state. Throws StateFailure and Interrupted. */
export type StateRunner<S> = (state: S, visit: Visit) => Promise<Outcome>;
