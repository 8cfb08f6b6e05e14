/** Reads JSON from outside as strictly as policies are read: a key that occurs twice is an error. */
import { type JsonProblem, readJson } from '../policy/index.ts';

/** Returns plain data, as JSON.parse does, or what is wrong with the text and where. Never throws. */
export function parseJson(text: string): { ok: true; value: unknown } | JsonProblem {
  const read = readJson(text);
  return read.ok ? { ok: true, value: JSON.parse(text) as unknown } : read;
}
