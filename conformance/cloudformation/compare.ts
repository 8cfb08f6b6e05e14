/** Compares two values in depth. */
import { isObject } from '../../sandbox/json.ts';

/** A place where two values differ; a value that one of them lacks is undefined. */
export interface Leaf {
  path: string;
  real: unknown;
  sandbox: unknown;
}

export interface Comparison {
  /** How many single values were compared. */
  facts: number;
  differences: Leaf[];
}

const NOTHING: Comparison = { facts: 0, differences: [] };

export const together = (all: readonly Comparison[]): Comparison => ({
  facts: all.reduce((sum, { facts }) => sum + facts, 0),
  differences: all.flatMap(({ differences }) => differences),
});

/** Returns what a text that is a JSON object or list contains, otherwise undefined. */
const parsedJson = (text: unknown): object | undefined => {
  if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
};

const leaf = (path: string, real: unknown, sandbox: unknown): Comparison => ({
  facts: 1,
  differences: real === sandbox ? [] : [{ path, real, sandbox }],
});

/** Compares values at a path. Objects are compared without the order of their keys; undefined is the same as no key. */
export const compared = (path: string, real: unknown, sandbox: unknown): Comparison => {
  if (Array.isArray(real) && Array.isArray(sandbox))
    return together(
      Array.from({ length: Math.max(real.length, sandbox.length) }, (_, index) =>
        compared(`${path}[${index}]`, real[index], sandbox[index]),
      ),
    );
  if (isObject(real) && isObject(sandbox))
    return together(
      [...new Set([...Object.keys(real), ...Object.keys(sandbox)])].map((key) =>
        compared(`${path}.${key}`, real[key], sandbox[key]),
      ),
    );
  if (real === undefined && sandbox === undefined) return NOTHING;
  const [left, right] = [parsedJson(real), parsedJson(sandbox)];
  // A long text that differs in one name is reported by that name.
  if (left && right) {
    const inside = compared(`${path}(JSON)`, left, right);
    if (real === sandbox || inside.differences.length > 0) return inside;
  }
  return leaf(path, real, sandbox);
};
