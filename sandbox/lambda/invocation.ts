/** Which invocation of a function makes a call: known wherever its handler's promises lead. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../lambdas/ports/runtime.ts';

/** An invocation that runs in this process. */
export interface RunningInvocation {
  /** Its request id. */
  readonly id: string;
  /** The first part of the function's handler: `plan` for `plan.handler`. */
  readonly step: string;
  /** Of the execution whose state invokes it; absent where something else does. */
  readonly execution?: InvokingExecution;
  /** Milliseconds of the world's time until the time-out; 0 after it. */
  remainingMilliseconds(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Whether its process has died: nothing that it still does has any effect. */
  readonly exited: boolean;
  /** Lets its process die; whoever invoked it sees Runtime.ExitError. */
  exit(): void;
}

export interface InvokingExecution {
  arn: string;
  /** As StopExecution does it. */
  stop(): void;
}

/** What code that goes on after its process has died gets of every call and every wait. */
export class ProcessExited extends Error {
  override readonly name = 'ProcessExited';
}

const running = new AsyncLocalStorage<RunningInvocation>();

export const runInvocation = <T>(invocation: RunningInvocation, run: () => T): T => running.run(invocation, run);

/** Undefined outside of functions. */
export const currentInvocation = (): RunningInvocation | undefined => running.getStore();

/** Throws ProcessExited where the caller's process has died. */
export const assertRunning = (): void => {
  if (currentInvocation()?.exited === true) throw new ProcessExited('The process of this invocation has exited.');
};

/** A clock's sleep for what functions do: a process that has died does not wait either. */
export const sleepWhileRunning =
  (clock: Pick<Clock, 'sleep'>): Clock['sleep'] =>
  async (milliseconds) => {
    assertRunning();
    await clock.sleep(milliseconds);
    assertRunning();
  };
