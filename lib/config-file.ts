/**
 * Reads the configuration file: JSON or YAML, of which JSON is a part. None of its errors repeats what stands in it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument, visit } from 'yaml';
import { hasProtoKey } from '../lambdas/domain/text/problems.ts';
import { printable } from '../lambdas/domain/text/text.ts';

/** A configuration that can't be used. The message is meant for whoever wrote it, and is all that they need. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export const WHERE_TO_LOOK = 'docs/configuration.md says what each setting may be';
const NAMES = ['pod-identity-migrator.yaml', 'pod-identity-migrator.json'];
/** Far more than any configuration needs. */
const MOST_BYTES = 1_000_000;

const refuse = (file: string, problem: string, options?: ErrorOptions): never => {
  throw new ConfigurationError(`The configuration file ${printable(file)} ${problem}. ${WHERE_TO_LOOK}.`, options);
};

/**
 * The file in that folder that is taken where none is named, if there is one. Throws ConfigurationError where there are
 * two.
 */
export function defaultFile(folder: string): string | undefined {
  const [file, other] = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  if (file !== undefined && other !== undefined)
    throw new ConfigurationError(
      `There are two configuration files, ${NAMES.join(' and ')}: remove one, or name the one that counts with -c config=FILE.`,
    );
  return file;
}

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'does not exist. Give its path in -c config=FILE as it is from the current directory',
  ENOTDIR: 'does not exist. Give its path in -c config=FILE as it is from the current directory',
  EACCES: "can't be read by this user. Change its permissions",
};

function textOf(file: string): string {
  try {
    const found = statSync(file);
    if (!found.isFile()) return refuse(file, 'is no file. Give the path of a JSON or YAML file');
    if (found.size > MOST_BYTES) return refuse(file, `is larger than ${MOST_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof TypeError && !('path' in error) && !file.includes('\0'))
      return refuse(file, 'is not text in UTF-8');
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return refuse(file, READ_ERRORS[code] ?? `can't be read (${code})`, { cause: error });
  }
}

const SYNTAX: Record<string, string> = {
  DUPLICATE_KEY: 'names a setting that stands there already. Remove one of the two',
  NON_STRING_KEY: 'has a key that is no name of a setting',
  MULTIPLE_DOCS: 'begins a second document. Remove it, or the line --- before it',
  TAG_RESOLVE_FAILED: 'has a tag (!), which means nothing here. Remove it',
  ALIAS: 'has an alias (*), which is not resolved here. Write its value out',
};

/** As the file has it; an empty one has no settings. Throws ConfigurationError. */
export function readConfigFile(file: string): Record<string, unknown> {
  const text = textOf(file);
  const lines = new LineCounter();
  const wrongAt = (offset: number, code: string): never => {
    const { line, col } = lines.linePos(offset);
    return refuse(
      file,
      `${SYNTAX[code] === undefined ? 'is neither JSON nor YAML' : "can't be taken"}: line ${line}, column ${col} ${SYNTAX[code] ?? `can't be read (${code})`}`,
    );
  };
  let value: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, stringKeys: true });
    // A tag that is not known is a warning there.
    for (const { pos, code } of [...document.errors, ...document.warnings]) wrongAt(pos[0], code);
    visit(document, { Alias: (_, { range }) => wrongAt(range?.[0] ?? 0, 'ALIAS') });
    value = document.toJS() as unknown;
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse(file, 'is nested too deeply to be read', { cause: error });
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    return refuse(
      file,
      `must hold settings by their names, such as passableRoleArns; ${basename(file)} holds ${Array.isArray(value) ? 'a list' : 'one value'}`,
    );
  if (hasProtoKey(value)) return refuse(file, 'has a key __proto__, which is no setting. Remove it');
  return value as Record<string, unknown>;
}
