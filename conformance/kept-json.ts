/** The form of the kept results: JSON with a record a line, so that a difference between two runs can be read. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is longer is written member by member. */
const WIDTH = 120;
const INDENT = '  ';

/** Returns the JSON of a value: short ones, and those at `depth`, in one line; the others with a member a line. */
const textOf = (value: unknown, depth: number, indent: string): string => {
  const line = JSON.stringify(value ?? null);
  if (depth === 0 || typeof value !== 'object' || value === null || line.length <= WIDTH) return line;
  const inner = indent + INDENT;
  const members = Array.isArray(value)
    ? value.map((member) => textOf(member, depth - 1, inner))
    : Object.entries(value)
        // JSON leaves out what is undefined.
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => `${JSON.stringify(name)}: ${textOf(member, depth - 1, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open ?? ''}\n${members.map((member) => inner + member).join(',\n')}\n${indent}${close ?? ''}`;
};

/** Returns the JSON of a value. `depth`: how deep the records are that have a line each. */
export const keptText = (value: unknown, depth: number): string => `${textOf(value, depth, '')}\n`;

/** Writes a value as `keptText` does. */
export const writeJson = (file: string, value: unknown, depth: number): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, keptText(value, depth));
};

/** Returns the value in a file. */
export const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
