/** Reads the configuration file as YAML, which includes JSON. No error repeats content of the file. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument, visit } from 'yaml';
import { hasProtoKey } from '../lambdas/domain/text/problems.ts';
import { printable } from '../lambdas/domain/text/text.ts';
import { ConfigurationError, WHERE_TO_LOOK } from './config-error.ts';

const NAMES = ['pod-identity-migrator.yaml', 'pod-identity-migrator.json'];
/** Maximum size of the file: far more than any configuration needs. */
const MOST_BYTES = 1_000_000;

const refuse = (file: string, problem: string, options?: ErrorOptions): never => {
  throw new ConfigurationError(`The configuration file ${printable(file)} ${problem}. ${WHERE_TO_LOOK}.`, options);
};

/** Returns the default configuration file in the folder, if it exists. Throws `ConfigurationError` if there are two. */
export function defaultFile(folder: string): string | undefined {
  const [file, other] = NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
  if (file !== undefined && other !== undefined)
    throw new ConfigurationError(
      `There are two configuration files, ${NAMES.join(' and ')}. Remove one, or name the one to use with -c config=FILE.`,
    );
  return file;
}

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'does not exist. Pass its path relative to the current directory: -c config=FILE',
  ENOTDIR: 'does not exist. Pass its path relative to the current directory: -c config=FILE',
  EACCES: 'cannot be read by this user. Change its permissions',
};

function textOf(file: string): string {
  try {
    const found = statSync(file);
    if (!found.isFile()) return refuse(file, 'is not a regular file. Pass the path of a JSON or YAML file');
    if (found.size > MOST_BYTES) return refuse(file, `is larger than ${MOST_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof TypeError && !('path' in error) && !file.includes('\0'))
      return refuse(file, 'is not text in UTF-8');
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return refuse(file, READ_ERRORS[code] ?? `cannot be read (${code})`, { cause: error });
  }
}

const SYNTAX: Record<string, string> = {
  DUPLICATE_KEY: 'repeats a setting. Remove one of the two',
  NON_STRING_KEY: 'has a key that is not the name of a setting',
  MULTIPLE_DOCS: 'begins a second document. Remove it, or the line --- before it',
  TAG_RESOLVE_FAILED: 'has a tag (!), which is not supported. Remove it',
  ALIAS: 'has an alias (*), which is not supported. Write out its value',
};

/** Returns the content of the file; an empty file has no settings. Throws `ConfigurationError` if it cannot be read. */
export function readConfigFile(file: string): Record<string, unknown> {
  const text = textOf(file);
  const lines = new LineCounter();
  const wrongAt = (offset: number, code: string): never => {
    const { line, col } = lines.linePos(offset);
    return refuse(
      file,
      `${SYNTAX[code] === undefined ? 'is neither JSON nor YAML' : 'is not valid'}: line ${line}, column ${col} ${SYNTAX[code] ?? `cannot be read (${code})`}`,
    );
  };
  let value: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, stringKeys: true });
    // The parser reports an unknown tag only as a warning.
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
      `must have settings by name, such as passableRoleArns, but ${basename(file)} has ${Array.isArray(value) ? 'a list' : 'a single value'}`,
    );
  if (hasProtoKey(value)) return refuse(file, 'has a key __proto__, which is not a setting. Remove it');
  return value as Record<string, unknown>;
}
