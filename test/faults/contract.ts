/**
 * The contract of faults: whichever call fails once, the work ends with the same result. Finds the calls that an
 * undisturbed run makes, creates a case for each call and each kind of fault, and runs the test's own work and
 * expectation with each case.
 */
import { expect } from 'vitest';
import type { FaultInput, FaultKind } from '../../sandbox/calls/faults.ts';
import type { Journal, When } from '../lambdas/fakes.ts';

export { TRANSIENT_KINDS, type TransientKind } from './kinds.ts';

/** Faults of a fake: the connection is lost before the call's effect, or with the reply after it. */
export const MOMENTS = ['before', 'after'] as const satisfies readonly When[];

/** One fault at one call. */
export interface FaultCase<Kind extends string> {
  kind: Kind;
  /** The call's name. */
  call: string;
  /** The call's index among all calls of the undisturbed run. */
  position: number;
}

/** Returns each kind at each call, except the faults that `strikes` leaves out. */
export const faultCases = <Kind extends string>(
  kinds: readonly Kind[],
  calls: readonly string[],
  strikes: (fault: FaultCase<Kind>) => boolean = () => true,
): FaultCase<Kind>[] =>
  calls.flatMap((call, position) => kinds.map((kind): FaultCase<Kind> => ({ kind, call, position }))).filter(strikes);

/** Returns the cases whose kind at a call of that name is not in `covered` yet, and adds them to it. */
export const uncovered = <Kind extends string>(
  cases: readonly FaultCase<Kind>[],
  covered: Set<string> = new Set(),
): FaultCase<Kind>[] =>
  cases.filter(({ kind, call }) => {
    const location = `${kind} ${call}`;
    return !covered.has(location) && covered.add(location);
  });

/** Returns a few of the cases that together cover every kind, and every call by name. */
export const sampleOf = <Kind extends string>(cases: readonly FaultCase<Kind>[]): FaultCase<Kind>[] => {
  const used = new Map(cases.map(({ kind }) => [kind, 0]));
  const sample: FaultCase<Kind>[] = [];
  const pick = (candidates: readonly FaultCase<Kind>[]): void => {
    const [fault] = candidates.toSorted((a, b) => used.get(a.kind)! - used.get(b.kind)!);
    if (!fault) return;
    used.set(fault.kind, used.get(fault.kind)! + 1);
    sample.push(fault);
  };
  for (const same of Map.groupBy(cases, ({ call }) => call).values()) pick(same);
  for (const [kind, times] of used) if (times === 0) pick(cases.filter((fault) => fault.kind === kind));
  return sample;
};

/** Runs the check with each case. An error names the case in which it was thrown. */
export const withEachFault = async <Kind extends string>(
  cases: readonly FaultCase<Kind>[],
  check: (fault: FaultCase<Kind>) => Promise<void>,
): Promise<void> => {
  for (const fault of cases) {
    try {
      await check(fault);
    } catch (error) {
      const where = `With the fault ${fault.kind} at call ${fault.position + 1}, ${fault.call}`;
      if (error instanceof Error) error.message = `${where}: ${error.message}`;
      throw error;
    }
  }
};

/** Returns the fault of a scenario that strikes that call, counted over the calls of the step. */
export const faultAt = (step: string, { kind, position }: FaultCase<FaultKind>): FaultInput => ({
  kind,
  step,
  call: position + 1,
});

interface Faked {
  journal: Journal;
}

/** A contract over the fakes of the ports. */
export interface StepContract<Fakes extends Faked> {
  /**
   * Returns separate fakes for each fault, in the state before the work. The calls of this function are not struck.
   */
  prepare: () => Promise<Fakes> | Fakes;
  work: (fakes: Fakes) => Promise<unknown>;
  /** Default: both moments of all calls. */
  kinds?: readonly When[];
  /** Which of the faults are relevant; default: all. */
  strikes?: (fault: FaultCase<When>) => boolean;
  /** Which of these faults are tried; default: all. */
  choose?: (cases: FaultCase<When>[]) => FaultCase<When>[];
  /** The name of a call; default: the port and the method. */
  nameOf?: (call: string, position: number, fakes: Fakes) => string;
  /**
   * Does the work in fakes with the fault, and expects what must hold; `smooth` has had the same work without a fault.
   */
  expectation: (fakes: Fakes, smooth: Fakes, fault: FaultCase<When>) => Promise<void>;
}

/**
 * Checks a contract over fakes at each call that the work makes. Fails if the work makes no call that could be struck.
 */
export const strikeEachCall = async <Fakes extends Faked>({
  prepare,
  work,
  kinds = MOMENTS,
  strikes,
  choose = (cases) => cases,
  nameOf = (call) => call,
  expectation,
}: StepContract<Fakes>): Promise<void> => {
  const smooth = await prepare();
  const before = smooth.journal.calls.length;
  await work(smooth);
  const calls = smooth.journal.names().map((call, position) => nameOf(call, position, smooth));
  const cases = faultCases(kinds, calls, (fault) => fault.position >= before && (strikes?.(fault) ?? true));
  expect(cases.length).toBeGreaterThan(0);
  await withEachFault(choose(cases), async (fault) => {
    const fakes = await prepare();
    fakes.journal.failAt(fault.position, fault.kind);
    await expectation(fakes, smooth, fault);
  });
};

/** Does work that a lost connection interrupts, and repeats it; resolves to the second answer. */
export const interruptedOnce = async <T>(work: () => Promise<T>): Promise<T> => {
  await expect(work()).rejects.toMatchObject({ name: 'ConnectionLost' });
  return work();
};
