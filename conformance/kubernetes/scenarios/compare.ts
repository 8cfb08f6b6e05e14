/** Compares the facts of two runs of the same scenario. */
import type { Difference } from '../../reasons.ts';

/** What was observed, by what it is about: a text, or a list of texts whose order counts. */
export type Facts = ReadonlyMap<string, string | readonly string[]>;

const NOTHING = 'nothing';
/** A longer list is compared line by line, and only what differs is shown. */
const SHORT = 120;

const textOf = (value: string | readonly string[] | undefined): string => {
  if (value === undefined) return NOTHING;
  if (typeof value === 'string') return value;
  return value.length === 0 ? NOTHING : value.join('; ');
};

/** Returns the lines of one list that the other does not have, each as often as it is missing. */
const without = (lines: readonly string[], other: readonly string[]): string[] => {
  const left = [...other];
  return lines.filter((line) => {
    const index = left.indexOf(line);
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
};

const shownPair = (
  sandbox: string | readonly string[] | undefined,
  real: string | readonly string[] | undefined,
): [string, string] => {
  const whole: [string, string] = [textOf(sandbox), textOf(real)];
  if (typeof sandbox === 'string' || typeof real === 'string' || !sandbox || !real) return whole;
  if (Math.max(...whole.map(({ length }) => length)) <= SHORT) return whole;
  const parts: [string, string] = [textOf(without(sandbox, real)), textOf(without(real, sandbox))];
  // The same lines in another order.
  return parts.every((part) => part === NOTHING) ? whole : parts;
};

/** Returns what differs, in the order of the sandbox's facts, then of the facts that only the real run has. */
export const compareFacts = (sandbox: Facts, real: Facts): Difference[] =>
  [...new Set([...sandbox.keys(), ...real.keys()])].flatMap((what): Difference[] => {
    const [one, other] = [sandbox.get(what), real.get(what)];
    if (JSON.stringify(one) === JSON.stringify(other)) return [];
    const [shown, shownReal] = shownPair(one, other);
    return [{ what, sandbox: shown, real: shownReal }];
  });
