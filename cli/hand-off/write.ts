/** Writes changed files, each of them whole or not at all. */
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { printable } from '../../lambdas/domain/text/text.ts';
import { CliError, reasonOf } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { type CodeOnDisk, readDirectory } from './directory.ts';

/** A file with the text that it becomes. */
export interface Change {
  code: CodeOnDisk;
  text: string;
}

/** Throws for a link: a rename would replace it, and the file that it points to may be shared. */
const assertNoLinks = (changes: readonly Change[]): void => {
  const link = changes.find(({ code }) => code.isLink)?.code;
  if (link === undefined) return;
  throw new CliError(
    'LinkedCode',
    `${printable(link.file)} is a symbolic link, which --write does not follow; nothing was written`,
    'Name the directory of the file that it points to, or apply the printed diff yourself',
  );
};

/** Throws unless the directory has the same files, with the same bytes, as when it was read. */
const assertUnchanged = (directory: string, before: readonly CodeOnDisk[]): void => {
  const now = readDirectory(directory);
  const changed = [...before, ...now].find(({ path }) => {
    const [was, is] = [before, now].map((files) => files.find((one) => one.path === path)?.bytes);
    return was === undefined || is === undefined || !was.equals(is);
  });
  if (changed === undefined) return;
  throw new CliError(
    'CodeChanged',
    `${printable(changed.file)} was changed by another program after it was read; nothing was written`,
    'Run the same command again: it starts from the current files',
    EXIT_CODES.blocked,
  );
};

/** Writes the text to a new file in the same directory, from where it can be renamed. Returns its path. */
const prepare = ({ code: { file, mode }, text }: Change): string => {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, 'wx', 0o600);
    writeFileSync(descriptor, text);
    fchmodSync(descriptor, mode);
    fsyncSync(descriptor);
    return temporary;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
};

const notWritten = ({ code }: Change, written: readonly Change[], error: unknown): CliError =>
  new CliError(
    'CodeNotWritten',
    `${printable(code.file)} cannot be written: ${printable(reasonOf(error))}; ${
      written.length === 0
        ? 'nothing was written'
        : `these were written before: ${written.map((one) => printable(one.code.file)).join(', ')}`
    }`,
    'Check the permissions of its directory, then run the same command again: it continues from the current files',
    EXIT_CODES.unexpected,
    { cause: error },
  );

/**
 * Replaces each file by a rename, so that a reader finds the former or the new content. Nothing is written if any file
 * has changed since it was read. Throws a CliError that names what was written, if not all of it was.
 */
export const writeChanges = (directory: string, before: readonly CodeOnDisk[], changes: readonly Change[]): void => {
  assertNoLinks(changes);
  const prepared: { change: Change; temporary: string }[] = [];
  const written: Change[] = [];
  let current: Change | undefined;
  try {
    for (const change of changes) {
      current = change;
      prepared.push({ change, temporary: prepare(change) });
    }
    assertUnchanged(directory, before);
    for (const { change, temporary } of prepared) {
      current = change;
      renameSync(temporary, change.code.file);
      written.push(change);
    }
  } catch (error) {
    throw error instanceof CliError || current === undefined ? error : notWritten(current, written, error);
  } finally {
    for (const { temporary } of prepared) rmSync(temporary, { force: true });
  }
};
