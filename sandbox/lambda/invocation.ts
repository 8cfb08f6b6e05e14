/** Tracks which invocation of a function makes a call, through all promises of its handler. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../lambdas/ports/runtime.ts';

/** An invocation that runs in this process. */
export interface RunningInvocation {
  /** Its request id. */
  readonly id: string;
  /** The first part of the function's handler: `plan` for `plan.handler`. */
  readonly step: string;
  /** The execution whose state invokes the function; absent for other callers. */
  readonly execution?: InvokingExecution;
  /** Milliseconds of the world's time until the timeout; 0 after it. */
  remainingMilliseconds(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Whether its process has exited: nothing that it does after that has any effect. */
  readonly exited: boolean;
  /**
   * Makes its process exit; the caller of the function sees Runtime.ExitError, or Runtime.OutOfMemory if the process is
   * killed for lack of memory.
   */
  exit(why?: 'memory'): void;
  /** The memory of the function. */
  readonly memoryMb: number;
}

export interface InvokingExecution {
  arn: string;
  /** Stops the execution like StopExecution. */
  stop(): void;
}

/** Thrown by every call and every wait of code that continues after its process has exited. */
export class ProcessExited extends Error {
  override readonly name = 'ProcessExited';
}

const running = new AsyncLocalStorage<RunningInvocation>();

export const runInvocation = <T>(invocation: RunningInvocation, run: () => T): T => running.run(invocation, run);

/** Returns undefined outside of functions. */
export const currentInvocation = (): RunningInvocation | undefined => running.getStore();

/** Throws ProcessExited if the caller's process has exited. */
export const assertRunning = (): void => {
  if (currentInvocation()?.exited === true) throw new ProcessExited('The process of this invocation has exited.');
};

/** A clock's sleep for functions: an exited process does not wait. */
export const sleepWhileRunning =
  (clock: Pick<Clock, 'sleep'>): Clock['sleep'] =>
  async (milliseconds) => {
    assertRunning();
    await clock.sleep(milliseconds);
    assertRunning();
  };
