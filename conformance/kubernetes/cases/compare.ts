/** Compares the traces of a case on both API servers. */
import { isDeepStrictEqual } from 'node:util';
import type { Trace } from './case.ts';
import type { AcceptedFact } from './reasons.ts';

export interface Difference {
  fact: string;
  sandbox: unknown;
  real: unknown;
  /** Why it is accepted; undefined if it is not. */
  reason?: string;
}

export interface Result {
  name: string;
  shows: string;
  verdict: 'equal' | 'accepted' | 'different';
  /** Number of facts of either trace. */
  facts: number;
  differences: Difference[];
  seconds: number;
}

/** Returns whether an accepted difference is about a fact of a case. */
export const isAbout = (accepted: AcceptedFact, name: string, fact: string, version: string): boolean =>
  accepted.case === name &&
  (accepted.versions?.includes(version) ?? true) &&
  (accepted.fact.endsWith('*') ? fact.startsWith(accepted.fact.slice(0, -1)) : accepted.fact === fact);

/** Returns the facts that differ. A fact that only one trace has differs, too. */
export const compareTraces = (sandbox: Trace, real: Trace): Difference[] =>
  [...new Set([...Object.keys(sandbox), ...Object.keys(real)])]
    .filter((fact) => !isDeepStrictEqual(sandbox[fact], real[fact]))
    .map((fact) => ({ fact, sandbox: sandbox[fact], real: real[fact] }));

/** Judges a case by its differences. */
export const judge = (
  of: { name: string; shows: string; seconds: number; version: string },
  traces: { sandbox: Trace; real: Trace },
  accepted: readonly AcceptedFact[],
): Result => {
  const differences = compareTraces(traces.sandbox, traces.real).map((difference): Difference => {
    const found = accepted.find((one) => isAbout(one, of.name, difference.fact, of.version));
    return found ? { ...difference, reason: found.reason } : difference;
  });
  const verdict =
    differences.length === 0
      ? 'equal'
      : differences.every(({ reason }) => reason !== undefined)
        ? 'accepted'
        : 'different';
  const { name, shows, seconds } = of;
  const facts = new Set([...Object.keys(traces.sandbox), ...Object.keys(traces.real)]).size;
  return { name, shows, verdict, facts, differences, seconds };
};

/** Returns the accepted differences of the cases that ran which no longer occur. */
export const unusedOf = (
  results: readonly Pick<Result, 'name' | 'differences'>[],
  accepted: readonly AcceptedFact[],
  version: string,
): AcceptedFact[] =>
  accepted
    .filter(({ versions }) => versions?.includes(version) ?? true)
    .filter((one) => results.some(({ name }) => name === one.case))
    .filter(
      (one) =>
        !results.some(({ name, differences }) => differences.some(({ fact }) => isAbout(one, name, fact, version))),
    );
