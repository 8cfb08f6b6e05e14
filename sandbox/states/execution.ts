/** One execution of a state machine, from start to end. */
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { Random } from '../random.ts';
import { Cancellation } from './cancellation.ts';
import type { ChildExecution, ExecutionStatus, StateMachine } from './child-execution.ts';
import { Interrupted, StateFailure, type TimeoutCause } from './failure.ts';
import { type EventDetails, History, HISTORY_FULL, payload } from './history.ts';
import { type Interpret, interpretStates, runStates } from './interpreter.ts';
import type { Child } from './map-runs.ts';
import { type DistributedMaps, Scope } from './scope.ts';
import type { TaskTokens } from './task-tokens.ts';

const EVENTS: Record<Exclude<ExecutionStatus, 'RUNNING'>, [type: string, details: `${string}EventDetails`]> = {
  SUCCEEDED: ['ExecutionSucceeded', 'executionSucceededEventDetails'],
  FAILED: ['ExecutionFailed', 'executionFailedEventDetails'],
  TIMED_OUT: ['ExecutionTimedOut', 'executionTimedOutEventDetails'],
  ABORTED: ['ExecutionAborted', 'executionAbortedEventDetails'],
};

/** The dependencies and settings of an execution. */
export interface ExecutionOptions {
  clock: SandboxClock;
  lambda: LambdaRuntime;
  /** Whether an ended execution drops its history, except for the last event. */
  forgetHistories?: boolean;
  random: Random;
  tokens: TaskTokens;
  maps: DistributedMaps;
  timeoutCause: TimeoutCause;
  /** Takes the place of the sandbox's own interpreter. */
  interpret?: Interpret;
  /** Called when the execution has started and when it has ended. */
  onStatus: ((execution: Execution) => void) | undefined;
}

export type Started = Omit<Child, 'mapRunArn' | 'isExpress'> & Partial<Pick<Child, 'mapRunArn'>>;

/** An execution; runs on a thread of its own from its creation. */
export class Execution implements ChildExecution {
  readonly arn: string;
  readonly name: string;
  readonly machine: StateMachine;
  /** For a child execution: the Map Run that started it. */
  readonly mapRunArn: string | undefined;
  /** JSON text, as given. */
  readonly input: string;
  readonly startedAt: number;
  readonly history: History;
  /** Resolves when the execution has ended, with any status; never rejects. In virtual time, park on it. */
  readonly ended: Promise<void>;
  status: ExecutionStatus = 'RUNNING';
  stoppedAt: number | undefined;
  /** JSON text; set if the execution succeeded. */
  output: string | undefined;
  error: string | undefined;
  cause: string | undefined;

  private readonly clock: SandboxClock;
  private readonly onStatus: ExecutionOptions['onStatus'];
  private readonly forgetHistories: boolean;
  /** Cleared at the end: thousands of ended executions would otherwise keep their cancellations in memory. */
  private cancellation: Cancellation | undefined;
  private readonly timer: { cancel(): void } | undefined;

  constructor({ arn, name, machine, input, mapRunArn }: Started, options: ExecutionOptions) {
    const { clock, lambda, random, tokens, maps, timeoutCause, onStatus, forgetHistories = false } = options;
    const { interpret = interpretStates } = options;
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
      timeoutCause,
      region,
      machineArn: machine.arn,
      roleArn: machine.roleArn,
      execution: { arn: this.arn, stop: () => this.stop() },
      history: this.history,
      context,
      variableBytes: 0,
      runStates,
    };
    // A history begins with two events, and the second has no predecessor either.
    const cancellation = new Cancellation();
    this.cancellation = cancellation;
    const scope = new Scope(run, cancellation, { previousEventId: startedEventId - 1 });
    onStatus?.(this);
    this.ended = clock.spawn(() => this.run(() => interpret(this, scope, parsedInput)));
  }

  private startTimer(timeoutSeconds: number | undefined): { cancel(): void } | undefined {
    if (timeoutSeconds === undefined) return undefined;
    const timer = this.clock.timer(timeoutSeconds * 1000);
    void timer.elapsed.then(() => this.end('TIMED_OUT', new StateFailure('States.Timeout')));
    return timer;
  }

  private async run(interpret: () => Promise<unknown>): Promise<void> {
    try {
      this.end('SUCCEEDED', await interpret());
    } catch (error) {
      if (error instanceof Interrupted) return;
      // Any other error is a defect of the sandbox or of the code in it: the execution ends and reports it.
      const text = error instanceof Error ? error.message : String(error);
      this.end(
        'FAILED',
        error instanceof StateFailure
          ? error
          : new StateFailure('States.Runtime', `The sandbox could not continue this execution: ${text}`),
      );
    }
  }

  /** Ends the execution from outside, like StopExecution; no Catch runs. An ended execution is unchanged. */
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
