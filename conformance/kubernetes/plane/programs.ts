/** Runs the programs of a control plane, and ends them, whatever happens to this process. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

export interface RunningProgram {
  name: string;
  /** Rejects with the last lines of the log when the program ends; never resolves. */
  failed: Promise<never>;
  /** Returns the last lines of the log. */
  lastLines: (count: number) => string;
}

export interface ProgramGroup {
  start: (name: string, path: string, flags: string[], argv0?: string) => RunningProgram;
  /** Ends all programs at once. Their data is not kept, so none gets time to clean up. */
  stop: () => Promise<void>;
}

/**
 * Ends the programs whose process ids it has read, and deletes the directory, as soon as its input ends: also when this
 * process is killed and can do nothing more.
 */
const WATCHDOG = 'pids=; while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null; rm -rf -- "$0"';

/** How many lines of a log an error shows. */
const SHOWN_LINES = 15;

const lastLinesOf = (log: string, count: number): string => {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
};

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.on('exit', () => resolve());
  });

/** Creates a group of programs with their logs in `directory`, which disappears with this process. */
export const createProgramGroup = (directory: string): ProgramGroup => {
  const children = new Set<ChildProcess>();
  let stopping = false;
  const watchdog = spawn('sh', ['-c', WATCHDOG, directory], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
  watchdog.stdin.on('error', () => {});
  const start = (name: string, path: string, flags: string[], argv0 = path): RunningProgram => {
    const log = join(directory, `${name}.log`);
    const output = openSync(log, 'a', 0o600);
    // In a process group of its own, Ctrl-C reaches only this process, whose end the watchdog notices.
    const child = spawn(path, flags, {
      argv0,
      detached: true,
      stdio: ['ignore', output, output],
      env: { PATH: process.env['PATH'], HOME: directory, TMPDIR: directory },
    });
    closeSync(output);
    child.unref();
    children.add(child);
    if (child.pid !== undefined) watchdog.stdin.write(`${child.pid}\n`);
    const failed = new Promise<never>((_, reject) => {
      const fail = (how: string): void => {
        children.delete(child);
        if (!stopping)
          reject(new Error(`${name} ${how}. The last lines of its log:\n${lastLinesOf(log, SHOWN_LINES)}`));
      };
      child.on('error', (error) => fail(`could not be started: ${error.message}`));
      child.on('exit', (code, signal) => fail(`ended with ${signal ?? `exit code ${code}`}`));
    });
    // Whoever waits for the plane gets this error, and nobody has to.
    failed.catch(() => {});
    return { name, failed, lastLines: (count) => lastLinesOf(log, count) };
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    const all = [...children, watchdog];
    for (const child of all) {
      child.ref();
      child.kill('SIGKILL');
    }
    await Promise.all(all.map(ended));
  };
  return { start, stop };
};
