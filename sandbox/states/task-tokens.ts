/**
 * The tokens of tasks that wait for a callback (`.waitForTaskToken`): Step Functions Developer Guide, "Wait for a
 * Callback with Task Token"; Step Functions API Reference, SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat.
 */
import { createHash } from 'node:crypto';
import type { StateFailure } from './failure.ts';

/** What ends the wait: the task's result, a failure that somebody reports, or a time-out. */
export type Verdict = { kind: 'succeeded'; output: unknown } | { kind: 'failed' | 'timed-out'; failure: StateFailure };

export interface WaitingTaskOptions {
  token: string;
  machineArn: string;
  /** Whether the execution, or the branch that the task is in, has ended. */
  isOver: () => boolean;
}

/** One attempt of a task that waits. The first verdict stands; from then on the token is of no use. */
export class WaitingTask {
  readonly token: string;
  /** ARN of the state machine: rights to use the token are rights on that. */
  readonly machineArn: string;
  /** Never rejects. Park on it where time may be virtual. */
  readonly decided: Promise<Verdict>;
  /** Called at each heartbeat that counts. */
  onHeartbeat: () => void = () => {};
  private readonly resolve: (verdict: Verdict) => void;
  private readonly isOver: () => boolean;
  private isClosed = false;

  constructor({ token, machineArn, isOver }: WaitingTaskOptions) {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.token = token;
    this.machineArn = machineArn;
    this.isOver = isOver;
    this.decided = promise;
    this.resolve = resolve;
  }

  /** An execution that was stopped goes on for a moment to unwind: nothing counts in it any more. */
  get closed(): boolean {
    return this.isClosed || this.isOver();
  }

  /** Answers whether that is what has decided. */
  decide(verdict: Verdict): boolean {
    if (this.closed) return false;
    this.isClosed = true;
    this.resolve(verdict);
    return true;
  }

  /** Answers whether the task still waits. */
  heartbeat(): boolean {
    if (this.closed) return false;
    this.onHeartbeat();
    return true;
  }

  /** The attempt is over, whatever became of it. */
  close(): void {
    this.isClosed = true;
  }
}

/** Every token that was ever handed out in a sandbox: an old one is told from one that never was. */
export class TaskTokens {
  private readonly seed: number;
  private readonly tasks = new Map<string, WaitingTask>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /**
   * A token for the attempt that these parts tell from every other. It is made of them, not drawn: a draw would shift
   * all that is drawn after it. It has the characters of AWS's, some of which a URL must escape.
   */
  open(
    attempt: { executionArn: string; enteredEventId: number; retryCount: number },
    options: Omit<WaitingTaskOptions, 'token'>,
  ): WaitingTask {
    const { executionArn, enteredEventId, retryCount } = attempt;
    const token = createHash('sha512')
      .update(JSON.stringify([this.seed, executionArn, enteredEventId, retryCount]))
      .digest('base64');
    const task = new WaitingTask({ token, ...options });
    this.tasks.set(token, task);
    return task;
  }

  find(token: string): WaitingTask | undefined {
    return this.tasks.get(token);
  }
}
