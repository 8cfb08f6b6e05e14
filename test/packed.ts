/** The published package as its users get it: packed once in a run of the tests, and installed without a registry. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { oncePerRun } from './once-per-run.ts';

const ROOT = join(import.meta.dirname, '..');
export const PACKAGE_NAME = manifest.name;
/** Folder in the package with everything that is built. */
export const PARTS = 'dist/package';

/** The environment without the variables by which npm would tell the program how it was started. */
export const withoutNpm = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Throws only if it cannot be started. */
export const run = (
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = withoutNpm,
): Ran => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  return { status, stdout, stderr };
};

/** Runs a program to its end and returns what it printed on stdout. Throws with its output if it fails. */
export const succeed = (command: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): string => {
  const { status, stdout, stderr } = run(command, args, cwd, env);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${status}:\n${stderr}\n${stdout}`);
  return stdout;
};

/** Packs the project into a folder, which is created, and returns the archive. */
export const pack = (folder: string): string => {
  mkdirSync(folder, { recursive: true });
  succeed('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
  return join(folder, readdirSync(folder)[0]!);
};

/** Returns the archive, which is packed at the first call in a run of the tests. */
export const archive = (): string => {
  const folder = oncePerRun('packed', pack);
  return join(folder, readdirSync(folder)[0]!);
};

/** Installs the package into a folder, which is created, as a user would. No registry is asked. */
export const installAlone = (project: string): void => {
  mkdirSync(project, { recursive: true });
  // Without one, npm would install into a parent folder that has one.
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  succeed('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', archive()], project);
};

/**
 * Puts the package into the project in a folder, and this project's own copies of the packages that the project's code
 * needs in addition.
 */
export const installInto = (project: string, packages: readonly string[]): void => {
  const modules = join(project, 'node_modules');
  const folder = join(modules, PACKAGE_NAME);
  mkdirSync(folder, { recursive: true });
  succeed('tar', ['--extract', '--gzip', '--strip-components=1', '--file', archive()], folder);
  for (const name of packages) {
    const [scope = '', inScope] = name.split('/');
    if (inScope !== undefined) mkdirSync(join(modules, scope), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
};
