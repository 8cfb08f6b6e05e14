/** What a build requires of Go, how it is called, and what its output and its failures mean. Pure. */
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { type Program, ROOT } from './program.ts';

/** A failure that is explained to its reader in full. */
export class BuildError extends Error {
  override name = 'BuildError';
}

const RELEASE = /^(?:go)?(\d+)\.(\d+)/;

const compare = (left: string, right: string): number => {
  const [a, b] = [left, right].map((text) => RELEASE.exec(text)?.slice(1, 3).map(Number) ?? [0, 0]);
  return (a?.[0] ?? 0) - (b?.[0] ?? 0) || (a?.[1] ?? 0) - (b?.[1] ?? 0);
};

/** Returns the newest Go that one of these `go.mod` files requires, such as "1.26". */
export const requiredGo = (goMods: string[]): string => {
  const versions = goMods.map((text) => /^go (\d+\.\d+)/m.exec(text)?.[1] ?? '1.26');
  return versions.toSorted(compare).at(-1) ?? '1.26';
};

/** Returns the reason why this Go cannot build the programs, or undefined if it can. `found` is what GOVERSION prints. */
export const problemWithGo = (found: string | undefined, required: string): string | undefined => {
  const install = `Install it from https://go.dev/dl, put it first in PATH, and run the command again.`;
  if (found === undefined)
    return `Go ${required} or newer builds what is compared from source, and there is no program "go" in PATH.\n${install}`;
  // A development version of Go ("devel go1.27-…") is newer than any that is required.
  if (!RELEASE.test(found) || compare(found, required) >= 0) return undefined;
  return `Go ${required} or newer builds what is compared from source, and "go" in PATH is ${found.replace(/^go/, '')}.\n${install}`;
};

/** Returns the arguments of `go` that build a program to `output`. */
export const argumentsOf = ({ package: packagePath, variables }: Program, output: string): string[] => [
  'build',
  // Prints each package that is compiled.
  '-v',
  '-mod=readonly',
  '-buildvcs=false',
  '-trimpath',
  '-ldflags',
  ['-s', '-w', ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(' '),
  '-o',
  output,
  packagePath,
];

/**
 * Variables of a build. Without cgo no C compiler is needed. Toolchains are not downloaded: the one that was checked is
 * the one that builds.
 */
export const BUILD_ENVIRONMENT = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };

/** Returns a key of everything on which the built program depends, except for Go itself. */
export const keyOf = (program: Program, goMod: string, goSum: string, sources: readonly string[] = []): string =>
  createHash('sha256')
    .update(JSON.stringify([goMod, goSum, argumentsOf(program, ''), BUILD_ENVIRONMENT, ...sources]))
    .digest('hex');

const DOWNLOADING = /^go: downloading (\S+) (\S+)/;
const PACKAGE = /^[\w.~/-]+$/;

export interface Progress {
  downloaded: number;
  compiled: number;
  /** The last lines that are neither packages nor downloads: what failed, if something did. */
  messages: string[];
}

/** How many lines of a failed build are shown. */
const KEPT_MESSAGES = 15;

export const NO_PROGRESS: Progress = { downloaded: 0, compiled: 0, messages: [] };

/** Returns the progress after another line of the output of `go build -v`. */
export const withLine = (progress: Progress, line: string): Progress => {
  if (line.trim() === '') return progress;
  if (DOWNLOADING.test(line)) return { ...progress, downloaded: progress.downloaded + 1 };
  if (PACKAGE.test(line)) return { ...progress, compiled: progress.compiled + 1 };
  return { ...progress, messages: [...progress.messages, line].slice(-KEPT_MESSAGES) };
};

const REMEDIES: [RegExp, string][] = [
  [
    /no space left on device/i,
    'Free about 8 GB where Go keeps its caches (`go env GOCACHE GOMODCACHE`) and in the temporary directory, and run the command again; what has been compiled is kept.',
  ],
  [
    /signal: killed|out of memory|cannot allocate memory/i,
    'The compiler or the linker ran out of memory, of which they need about 4 GB: end other programs, and run the command again; what has been compiled is kept.',
  ],
  [
    /dial tcp|no such host|i\/o timeout|connection refused|proxyconnect|TLS handshake|\b(?:403|404|407|410|5\d\d) [A-Z]|module lookup disabled/,
    'Modules are downloaded from the proxy that `go env GOPROXY` prints: check that this machine can reach it, and run the command again.',
  ],
  [
    /SECURITY ERROR|checksum mismatch/,
    'A downloaded module is not the one whose checksum the project keeps: do not use it, and check what `go env GOPROXY` prints.',
  ],
];

/** Returns the text for a build that failed: the command, its last lines, and what to do next. */
export const failureText = (program: Program, output: string, end: string, { messages }: Progress): string => {
  const text = messages.join('\n');
  const remedy =
    REMEDIES.find(([pattern]) => pattern.test(text))?.[1] ??
    'Run this command to see all of its output; what has been compiled is kept.';
  const environment = Object.entries(BUILD_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
  const command = [...environment, 'go', ...argumentsOf(program, output).map(shellWord)].join(' ');
  return [
    `Building ${program.name} ${program.release} failed: go build ${end}.`,
    ...(text === '' ? [] : [text]),
    '',
    `  cd ${shellWord(relative(ROOT, program.module))} && ${command}`,
    '',
    remedy,
  ].join('\n');
};
