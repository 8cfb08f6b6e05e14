/** Reads the Terraform files of a directory, byte for byte, with the files that set its variables and versions. */
import { readdirSync, readFileSync, realpathSync, statSync, lstatSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { isPrintable, printable } from '../../lambdas/domain/text/text.ts';
import { CliError, reasonOf } from '../errors.ts';
import { isTerraformFile, LOCK_FILE } from './terraform/code.ts';
import { namedFiles } from './terraform/file-calls.ts';
import type { CodeFile } from './terraform/model.ts';

/** A file as it was read. */
export interface CodeOnDisk extends CodeFile {
  /** The path to open. */
  file: string;
  bytes: Buffer;
  /** Permissions. */
  mode: number;
  /** Whether it, or a directory between it and the named one, is a symbolic link. */
  isLink: boolean;
}

/** Limits that code written by people never reaches: a larger file is generated, or something else. */
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_FILES = 1000;

/** Terraform ignores hidden files, except for its lock file, and those of editors. */
const isRead = (name: string): boolean => isTerraformFile(name) && (name === LOCK_FILE || !/^[.#]/.test(name));
/** Returns whether the file has code, rather than what decides its meaning. */
const isCode = (path: string): boolean => /\.(?:tf|tofu)(?:\.json)?$/.test(path);
/** The `source` of a module in a directory below the one that names it. */
const LOCAL_SOURCE = /["']?\bsource["']?\s*[=:]\s*"(\.\/[^"$%]*)"/g;

const bad = (message: string, hint: string, cause?: unknown): CliError =>
  new CliError('CodeDirectory', message, hint, undefined, { cause });

const unreadable = (what: string, error: unknown): CliError =>
  bad(
    `${what} cannot be read: ${printable(reasonOf(error))}`,
    'Check its permissions, then run the same command again',
    error,
  );

const ROOT_HINT = 'Name the directory of the Terraform code that defines the add-on: the one with its *.tf files';

const textOf = (shown: string, bytes: Buffer): string => {
  try {
    // The byte order mark is a part of the text, so that it is written again.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw bad(
      `${shown} is not UTF-8, which Terraform requires; nothing was changed`,
      'Save the file as UTF-8, or move it out of the directory',
      error,
    );
  }
};

const readCode = (file: string, path: string): CodeOnDisk | undefined => {
  const shown = printable(file);
  let bytes: Buffer;
  let mode: number;
  let isLink: boolean;
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile())
      throw bad(`${shown} is not a regular file; nothing was changed`, 'Move it out of the directory');
    if (stats.size > MOST_BYTES)
      throw bad(
        `${shown} is too large: it has ${stats.size} bytes, and at most ${MOST_BYTES} are read; nothing was changed`,
        'Move the file out of the directory if it is not code, or change it by hand',
      );
    mode = stats.mode & 0o7777;
    isLink = lstatSync(file).isSymbolicLink();
    bytes = readFileSync(file);
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(shown, error);
  }
  return { path, file, bytes, mode, isLink, text: textOf(shown, bytes) };
};

const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory).filter(isRead).toSorted();
  } catch (error) {
    throw unreadable(printable(directory), error);
  }
};

/** Throws for a name that would change the meaning of a diff, or of a terminal's line. */
const assertShown = (path: string): void => {
  if (!isPrintable(path))
    throw bad(
      `${printable(path)} has a character in its name that cannot be printed; nothing was changed`,
      'Rename it, then run the same command again',
    );
};

/** Returns the directory without links. Throws if the code names it by another path, too. */
const realDirectory = (folder: string, real: Map<string, string>): string => {
  let path: string;
  try {
    path = realpathSync(folder);
  } catch (error) {
    throw unreadable(printable(folder), error);
  }
  const other = real.get(path);
  if (other !== undefined)
    throw bad(
      `${printable(folder)} and ${printable(other)} are the same directory by a symbolic link; nothing was changed`,
      'Name it by one path in the code, then run the same command again',
    );
  real.set(path, folder);
  return path;
};

const assertDirectory = (directory: string): void => {
  const shown = printable(directory);
  let isDirectory: boolean;
  try {
    isDirectory = statSync(directory).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw bad(`--terraform ${shown} does not exist`, ROOT_HINT, error);
    throw unreadable(`--terraform ${shown}`, error);
  }
  if (!isDirectory) throw bad(`--terraform ${shown} is not a directory`, ROOT_HINT);
};

/** Returns the paths of the modules below this one that a file names. */
const localModules = ({ path, text }: CodeFile): string[] =>
  [...text.matchAll(LOCAL_SOURCE)].flatMap(([, source = '']) => {
    const module = posix.join(posix.dirname(path), source).replace(/\/+$/, '');
    return module.startsWith('..') || module.split('/').includes('.terraform') ? [] : [module];
  });

/**
 * Returns the files below the directory that its code reads with `file("…")`, such as a trust policy. A file that does
 * not exist, is too large or is no text is left out: nothing is known of it then.
 */
const readNamed = (directory: string, files: readonly CodeOnDisk[]): CodeOnDisk[] => {
  const known = new Set(files.map(({ path }) => path));
  const paths = new Set(files.filter(({ path }) => isCode(path)).flatMap(namedFiles));
  return [...paths].flatMap((path): CodeOnDisk[] => {
    if (known.has(path) || !isPrintable(path)) return [];
    try {
      const found = readCode(join(directory, path), path);
      return found && realpathSync(found.file).startsWith(realpathSync(directory) + sep) ? [found] : [];
    } catch {
      return [];
    }
  });
};

/**
 * Returns the code of a module, and of the modules below it that it names by `./`. Throws a CliError with exit code 2 for
 * a directory without code, and for a file that cannot be read as code.
 */
export const readDirectory = (directory: string): CodeOnDisk[] => {
  assertDirectory(directory);
  const files: CodeOnDisk[] = [];
  const seen = new Set<string>();
  const real = new Map<string, string>();
  const modules = ['.'];
  for (let module = modules.shift(); module !== undefined; module = modules.shift()) {
    if (seen.has(module)) continue;
    seen.add(module);
    const folder = join(directory, module);
    // A module that does not exist is an error of `terraform init`, not of this command.
    if (module !== '.' && !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const isLinked = realDirectory(folder, real) !== join(realpathSync(directory), module);
    for (const name of namesIn(folder)) {
      assertShown(posix.join(module, name));
      const code = readCode(join(folder, name), posix.join(module, name));
      if (!code) continue;
      files.push(isLinked ? { ...code, isLink: true } : code);
      if (files.length > MOST_FILES)
        throw bad(
          `--terraform ${printable(directory)} has more than ${MOST_FILES} Terraform files; nothing was changed`,
          'Name the directory of the module that defines the add-on',
        );
      modules.push(...localModules(code));
    }
  }
  if (!files.some(({ path }) => isCode(path)))
    throw bad(`--terraform ${printable(directory)} has no *.tf or *.tf.json file`, ROOT_HINT);
  return [...files, ...readNamed(directory, files)];
};
