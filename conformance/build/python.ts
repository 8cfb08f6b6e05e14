/** Python environments: packages of PyPI, each in the version that a list names, in a folder that git ignores. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { duration } from '../../cli/text/duration.ts';
import type { Print } from './build.ts';
import { BuildError } from './go.ts';
import { BUILDS, ROOT } from './program.ts';

/** The oldest Python with which the packages work. */
const LEAST_PYTHON = '3.11';

/** Programs that may be Python, in the order in which they are tried. */
const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11'];

export interface PythonRequirements {
  /** Name of the environment: one for each list. */
  name: string;
  /** Path of the list, a `requirements.txt` that names every package with its exact version. */
  requirements: string;
}

export interface PythonEnvironment {
  /** Path of the environment's Python. */
  python: string;
  /** Version of that Python, such as 3.11.7. */
  version: string;
  /** Returns the path of a program that a package brings. */
  bin: (program: string) => string;
  /** Returns the version of a package in the list. Throws an Error if it is not in it. */
  versionOf: (name: string) => string;
}

const isOldEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = LEAST_PYTHON.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
};

const versionOf = (python: string): string | undefined => {
  try {
    const code = 'import ensurepip, platform, venv; print(platform.python_version())';
    return execFileSync(python, ['-c', code], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
};

/** Returns the text for a machine on which no candidate is recent enough. `found`: the versions that there are. */
export const problemWithPython = (found: readonly (string | undefined)[]): string => {
  const versions = [...new Set(found.filter((version) => version !== undefined))];
  return [
    `Python ${LEAST_PYTHON} or newer, with venv, runs what is compared, and ${
      versions.length === 0
        ? `there is none in PATH (${CANDIDATES.join(', ')})`
        : `the newest in PATH is ${versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? ''}`
    }.`,
    'Install it (on Debian: apt-get install python3 python3-venv), and run the command again.',
  ].join('\n');
};

/** Returns the packages of a list with their versions. Throws an Error for a line that is not `name==version`. */
export const packagesOf = (requirements: string): Map<string, string> =>
  new Map(
    requirements
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '')
      .map((line) => {
        const match = /^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+?)(?:\s*;.*)?$/.exec(line);
        if (!match) throw new Error(`${JSON.stringify(line)} is not a package with its exact version (name==version).`);
        const [, name = '', version = ''] = match;
        return [name.toLowerCase(), version];
      }),
  );

/** Runs a command, and resolves when it has ended with success. Throws a BuildError with its last lines otherwise. */
const run = (command: string, args: string[], what: string, onLine: (line: string) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const last: string[] = [];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        last.push(line);
        last.splice(0, last.length - 12);
        onLine(line);
      });
    const fail = (end: string): void =>
      reject(
        new BuildError(
          [
            `${what} ${end}.`,
            ...last,
            'Check that this machine reaches the package index that pip uses (pip config list), and run the command again.',
          ].join('\n'),
        ),
      );
    child.on('error', (error) => fail(`could not be started (${error.message})`));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else fail(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  });

/**
 * Returns an environment with the packages of the list, installed now if it is not there yet or the list has changed.
 * Throws a `BuildError` if there is no recent Python, or if a package cannot be installed.
 */
export const pythonEnvironment = async (
  { name, requirements }: PythonRequirements,
  print: Print,
  builds: string = BUILDS,
): Promise<PythonEnvironment> => {
  mkdirSync(builds, { recursive: true });
  // A planted run shares the folder by a link, and programs of an environment contain its path.
  const folder = join(realpathSync(builds), `python-${name}`);
  const list = readFileSync(requirements, 'utf8');
  const packages = packagesOf(list);
  const found = CANDIDATES.map((candidate) => [candidate, versionOf(candidate)] as const);
  const [base, version] = found.find(([, one]) => one !== undefined && isOldEnough(one)) ?? [];
  if (base === undefined || version === undefined) throw new BuildError(problemWithPython(found.map(([, one]) => one)));
  const key = `${version}\n${list}`;
  const keyFile = join(folder, '.installed');
  const environment: PythonEnvironment = {
    python: join(folder, 'bin', 'python'),
    version,
    bin: (program) => join(folder, 'bin', program),
    versionOf: (wanted) => {
      const pinned = packages.get(wanted.toLowerCase());
      if (pinned === undefined) throw new Error(`${relative(ROOT, requirements)} does not name ${wanted}.`);
      return pinned;
    },
  };
  if (existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key) return environment;
  const started = Date.now();
  const what = `Installing ${packages.size} Python packages for ${name}`;
  print(what);
  mkdirSync(builds, { recursive: true });
  await run(
    base,
    ['-m', 'venv', '--clear', folder],
    `Creating the Python environment ${relative(ROOT, folder)}`,
    () => {},
  );
  await run(
    environment.python,
    ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--requirement', requirements],
    what,
    (line) => print(`${what}: ${line.trim().slice(0, 100)}`, true),
  );
  writeFileSync(keyFile, key);
  print(`Installed ${packages.size} Python packages for ${name} in ${duration(Date.now() - started)}`);
  return environment;
};
