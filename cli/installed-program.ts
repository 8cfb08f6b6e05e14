/** Recognises how the published package was started, so that the commands that it prints can be pasted. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import manifest from '../package.json' with { type: 'json' };
import { shellCommand } from '../lambdas/domain/text/shell.ts';

const COMMAND = 'pod-identity';
/** The project in npm's cache into which `npx` installs what it runs. */
const OF_NPX = /^.*[/\\]_npx[/\\][^/\\]+(?=[/\\]node_modules[/\\])/;
const installed = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Returns the archive or folder from which `npx` has installed the package; undefined if it did so from elsewhere. */
const archiveOf = (started: string): string | undefined => {
  const [project] = OF_NPX.exec(started) ?? [];
  if (project === undefined) return undefined;
  try {
    const written: unknown = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const [, file] = /^file:(.+)$/.exec(installed.parse(written).dependencies[manifest.name] ?? '') ?? [];
    const archive = file === undefined ? undefined : resolve(project, file);
    return archive !== undefined && existsSync(archive) ? archive : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Returns the command that runs the program again. npm sets `npm_lifecycle_event` for everything that it starts: `npx`
 * for `npx` and `npm exec`, and otherwise the name of the script. `npm_package_name` is that of the package in the
 * working directory. Other programs that run packages set neither, and have the command in their PATH.
 *
 * The command never makes npm look a name up in a registry, where anyone may have published a package of that name: after
 * `npx`, it names the archive, or the program itself. `started` is the path of the program, as Node was given it.
 */
export const programOf = (environment: Record<string, string | undefined>, started: string): string => {
  const { npm_command: command, npm_lifecycle_event: event, npm_package_name: name } = environment;
  if (command === 'exec' && event === 'npx') {
    const archive = archiveOf(started);
    if (archive !== undefined) return shellCommand(['npx', '--yes', `--package=${archive}`, COMMAND]);
    return shellCommand([started]);
  }
  // A checkout of the project, on a Node that does not run its sources.
  if (name === manifest.name && (event === COMMAND || event === 'demo')) return 'npm run --silent pod-identity --';
  return COMMAND;
};
