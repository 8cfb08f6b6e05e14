/** The files of results: JSON with a record a line, so that a difference between two runs can be read. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { jsonText } from '../scripts/json-text.ts';

/** Writes a value. `depth`: how deep the records are that have a line each. */
export const writeJson = (file: string, value: unknown, depth: number): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, jsonText(value, depth));
};

/** Returns the value in a file. */
export const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
