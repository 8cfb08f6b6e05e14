/** Builds programs from the Go module proxy, once, into a folder that git ignores. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { duration } from '../../cli/text/duration.ts';
import {
  argumentsOf,
  BUILD_ENVIRONMENT,
  BuildError,
  failureText,
  keyOf,
  NO_PROGRESS,
  problemWithGo,
  requiredGo,
  withLine,
  type Progress,
} from './go.ts';
import type { Program } from './program.ts';

/** Prints a line. A transient one is replaced by the next, where the output can do that, and left out elsewhere. */
export type Print = (line: string, transient?: boolean) => void;

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, ...BUILD_ENVIRONMENT });

const goModOf = ({ module }: Program): string => readFileSync(join(module, 'go.mod'), 'utf8');
/** Returns the texts of the project's own sources in the module's directory, which a tool of another module has not. */
const ownSourcesOf = ({ module }: Program): string[] =>
  readdirSync(module)
    .filter((name) => name.endsWith('.go'))
    .toSorted()
    .map((name) => readFileSync(join(module, name), 'utf8'));
const currentKeyOf = (program: Program): string =>
  keyOf(program, goModOf(program), readFileSync(join(program.module, 'go.sum'), 'utf8'), ownSourcesOf(program));

/** The file that is written after a program, and says from what it was built. Without it the program does not count. */
const keyFileOf = ({ path }: Program): string => `${path}.key`;

/** Returns whether the program exists and was built from the module as it is now. */
export const isBuilt = (program: Program): boolean =>
  existsSync(program.path) &&
  existsSync(keyFileOf(program)) &&
  readFileSync(keyFileOf(program), 'utf8').trim() === currentKeyOf(program);

const installedGo = (): string | undefined => {
  try {
    return execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: environment(), stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Deletes what interrupted builds of this program have left. */
const cleanUp = ({ path }: Program): void => {
  const prefix = `${basename(path)}.building-`;
  for (const name of readdirSync(dirname(path)))
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length))))
      rmSync(join(dirname(path), name), { force: true });
};

const statusOf = ({ downloaded, compiled }: Progress): string =>
  [
    ...(downloaded > 0 ? [`${downloaded} module${downloaded === 1 ? '' : 's'} downloaded`] : []),
    ...(compiled > 0 ? [`${compiled.toLocaleString('en-US')} package${compiled === 1 ? '' : 's'} compiled`] : []),
  ].join(', ') || 'reading modules';

/** Runs `go build`, and resolves when it has ended with success. */
const runGo = (program: Program, output: string, onProgress: (progress: Progress) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    let progress = NO_PROGRESS;
    const child = spawn('go', argumentsOf(program, output), {
      cwd: program.module,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment(),
    });
    const timer = setInterval(() => onProgress(progress), 1000);
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      progress = withLine(progress, line);
    });
    const fail = (end: string): void => reject(new BuildError(failureText(program, output, end, progress)));
    child.on('error', (error) => {
      clearInterval(timer);
      fail(`could not be started (${error.message})`);
    });
    child.on('close', (code, signal) => {
      clearInterval(timer);
      if (code === 0) resolve();
      else fail(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  });

const buildProgram = async (program: Program, label: string, print: Print): Promise<void> => {
  const started = Date.now();
  const output = `${program.path}.building-${process.pid}`;
  mkdirSync(dirname(program.path), { recursive: true });
  cleanUp(program);
  print(`${label}: building ${program.name} ${program.release}`);
  const key = currentKeyOf(program);
  await runGo(program, output, (progress) =>
    print(
      `${label}: building ${program.name} ${program.release}, ${statusOf(progress)}, ${duration(Date.now() - started)}`,
      true,
    ),
  );
  rmSync(keyFileOf(program), { force: true });
  renameSync(output, program.path);
  writeFileSync(keyFileOf(program), `${key}\n`);
  const megabytes = Math.round(statSync(program.path).size / 1e6);
  print(`${label}: built ${program.name} ${program.release} in ${duration(Date.now() - started)} (${megabytes} MB)`);
};

/**
 * Builds those of the programs that are not built yet, one after the other: each build uses all processors. Throws a
 * `BuildError` if Go is missing or too old, before anything else, or if a build fails.
 */
export const buildPrograms = async (programs: readonly Program[], print: Print): Promise<void> => {
  const missing = programs.filter((program) => !isBuilt(program));
  if (missing.length === 0) return;
  const problem = problemWithGo(installedGo(), requiredGo(missing.map(goModOf)));
  if (problem !== undefined) throw new BuildError(problem);
  print(
    `Building ${missing.map(({ name }) => name).join(', ')} from source. The first time may take ten minutes on two processors; later, what Go has compiled is used again.`,
  );
  for (const [index, program] of missing.entries())
    await buildProgram(program, `${index + 1} of ${missing.length}`, print);
};
