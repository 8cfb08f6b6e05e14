/**
 * The tokens of tasks that wait for a callback (`.waitForTaskToken`): Step Functions Developer Guide, "Wait for a
 * Callback with Task Token"; Step Functions API Reference, SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat.
 */
import { createHash } from 'node:crypto';
import type { StateFailure } from './failure.ts';

/** The end of the wait: the task's result, a failure that the token's holder reports, or a timeout. */
export type Verdict = { kind: 'succeeded'; output: unknown } | { kind: 'failed' | 'timed-out'; failure: StateFailure };

export interface WaitingTaskOptions {
  token: string;
  machineArn: string;
  /** Returns whether the execution, or the branch that contains the task, has ended. */
  isOver: () => boolean;
}

/** One attempt of a waiting task. The first verdict counts; from then on the token is invalid. */
export class WaitingTask {
  readonly token: string;
  /** ARN of the state machine: permissions to use the token are permissions on it. */
  readonly machineArn: string;
  /** Never rejects. In virtual time, park on it. */
  readonly decided: Promise<Verdict>;
  /** Called at each accepted heartbeat. */
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

  /** A stopped execution continues for a moment to unwind: it accepts no verdict any more. */
  get closed(): boolean {
    return this.isClosed || this.isOver();
  }

  /** Returns whether this verdict was the first. */
  decide(verdict: Verdict): boolean {
    if (this.closed) return false;
    this.isClosed = true;
    this.resolve(verdict);
    return true;
  }

  /** Returns whether the task still waits. */
  heartbeat(): boolean {
    if (this.closed) return false;
    this.onHeartbeat();
    return true;
  }

  /** Ends the attempt, with any result. */
  close(): void {
    this.isClosed = true;
  }
}

/**
 * Every token that was ever issued in a sandbox, so that an expired token can be distinguished from one that never
 * existed.
 */
export class TaskTokens {
  private readonly seed: number;
  private readonly tasks = new Map<string, WaitingTask>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /**
   * Opens a token for one attempt, which these parts identify. The token is derived from them rather than drawn: a draw
   * would shift the random sequence. It has the characters of AWS's tokens, some of which must be escaped in URLs.
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
