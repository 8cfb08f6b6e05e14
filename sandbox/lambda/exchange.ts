/** Runs one invocation in a function's process, which runs no other at that time. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import type { SandboxClock } from '../clock/clock.ts';
import type { HostRequest, HostResponse, Sleeping, Slept } from './host.ts';
import { runtimeFailure } from './runtime.ts';

/** Parks the thread that creates it while the function's process sleeps; the sandbox's clock determines how long. */
const createSleeper = (clock: SandboxClock, child: ChildProcess) => {
  // The process's messages arrive outside of any thread.
  const inThread = AsyncLocalStorage.snapshot();
  let wake = (): void => undefined;
  const sleep = (milliseconds: number): void => {
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    const timer = clock.timer(milliseconds);
    wake = () => {
      timer.cancel();
      resolve();
    };
    const reported = async (): Promise<void> => {
      await timer.elapsed;
      const slept: Slept = { slept: milliseconds };
      // If the process has died, its exit event follows.
      child.send(slept, () => undefined);
    };
    void inThread(() => clock.park(Promise.race([reported(), woken])));
  };
  return {
    set: (milliseconds: number | null): void => {
      wake();
      if (milliseconds !== null) sleep(milliseconds);
    },
    end: () => wake(),
  };
};

/** Runs on a thread of the clock, which works until the process answers, except while the process sleeps. */
export const exchange = (clock: SandboxClock, child: ChildProcess, request: HostRequest): Promise<HostResponse> =>
  new Promise((resolve, reject) => {
    const sleeper = createSleeper(clock, child);
    const end = (): void => {
      child.off('exit', onExit);
      child.off('message', onMessage);
      sleeper.end();
    };
    const onMessage = (message: HostResponse | Sleeping): void => {
      if ('sleeping' in message) return sleeper.set(message.sleeping);
      if (message.id !== request.id) return;
      end();
      resolve(message);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      end();
      const how = code === null ? `signal: ${signal ?? 'unknown'}` : `exit status ${code}`;
      reject(runtimeFailure('Runtime.ExitError', `RequestId: ${request.id} Error: Runtime exited with error: ${how}`));
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
    child.send(request, (error) => {
      // The process died while idle: its exit event follows and carries more information.
      if (error && child.exitCode === null && child.signalCode === null)
        reject(runtimeFailure('Runtime.ExitError', `RequestId: ${request.id} Error: ${error.message}`));
    });
  });
