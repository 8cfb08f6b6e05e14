/** Parses external JSON as strictly as policies: a duplicate key is an error. */
import { type JsonProblem, readJson } from '../policy/index.ts';

/** Returns plain data, as JSON.parse does, or the problem and its position. Never throws. */
export function parseJson(text: string): { ok: true; value: unknown } | JsonProblem {
  const read = readJson(text);
  return read.ok ? { ok: true, value: JSON.parse(text) as unknown } : read;
}
