/** The contract of faults over whole migrations: with any single fault they end as they would have without. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import { isRead as isReadOf, type Kind, PORT_KINDS } from '../../../lambdas/ports/kinds.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { type FaultCase, strikeEachCall, uncovered } from '../../faults/contract.ts';
import type { Fakes, When } from '../fakes.ts';
import { migrate } from './machine.ts';

export interface Workflow {
  prepare: () => Fakes;
  request: object | undefined;
  outcome: Outcome;
  /** Returns whether a fault is of interest, by the number of calls of the whole workflow. */
  strikes: (fault: FaultCase<When>, length: number) => boolean;
  expectEnd: (fakes: Fakes) => Promise<void>;
}

const KINDS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = PORT_KINDS;

/** Returns whether a call, which may follow the name of its step, only reads: a lost reply is a read that did not happen. */
export const isRead = ({ call }: Pick<FaultCase<When>, 'call'>): boolean => {
  const [port = '', method = ''] = call.slice(call.lastIndexOf(' ') + 1).split('.');
  return isReadOf(KINDS[port] ?? {}, method);
};

/** Returns a hash of all calls from the start of the undisturbed workflow to the end of the task that a fault strikes. */
type HistoryOf = (fault: FaultCase<When>) => string;
type Choose = (faults: FaultCase<When>[], historyOf: HistoryOf) => FaultCase<When>[];

/**
 * Returns a choice of the faults that no workflow has met before: after the same calls up to the end of the same task, a
 * fault in that task has the same effect on each of them.
 */
export const inNewHistories = (): Choose => {
  const met = new Set<string>();
  return (faults, historyOf) => {
    const chosen = faults.map((fault) => ({ fault, at: `${fault.kind} ${fault.position} ${historyOf(fault)}` }));
    const unmet = chosen.filter(({ at }) => !met.has(at));
    for (const { at } of unmet) met.add(at);
    return unmet.map(({ fault }) => fault);
  };
};

/**
 * Checks that the migration comes to its end with a fault at each of its calls, or at those that `choose` returns.
 * Resolves to the number of faults.
 */
export const strikeWorkflow = async (
  kind: When,
  { prepare, request, outcome, strikes, expectEnd }: Workflow,
  choose: Choose = (faults) => faults,
): Promise<number> => {
  const tasks: { name: StepName; from: number }[] = [];
  let made: Fakes['journal']['calls'] = [];
  const historyOf: HistoryOf = ({ position }) =>
    createHash('sha256')
      .update(JSON.stringify(made.slice(0, tasks.find(({ from }) => from > position)?.from)))
      .digest('hex');
  let struck = 0;
  await strikeEachCall({
    prepare,
    work: async (fakes) => {
      const { calls } = fakes.journal;
      await migrate({ ...fakes, onTask: (name) => void tasks.push({ name, from: calls.length }) }, request);
      made = [...calls];
    },
    kinds: [kind],
    nameOf: (call, position) => `${tasks.findLast(({ from }) => from <= position)?.name} ${call}`,
    strikes: (fault) => strikes(fault, made.length),
    choose: (faults) => {
      const chosen = choose(faults, historyOf);
      struck = chosen.length;
      return chosen;
    },
    expectation: async (fakes) => {
      expect(await migrate(fakes, request)).toBe(outcome);
      await expectEnd(fakes);
    },
  });
  return struck;
};

/**
 * Strikes each call of each step once, in the first of the migrations in which the step makes it: a read before its
 * effect, a change after it, which is the harder of both. Resolves to the number of faults. The grids strike each call
 * at both moments.
 */
export const strikeFirst = async (kind: When, workflows: readonly Workflow[]): Promise<number> => {
  const covered = new Set<string>();
  let faults = 0;
  const choose = (all: FaultCase<When>[]): FaultCase<When>[] =>
    uncovered(
      all.filter((fault) => isRead(fault) === (kind === 'before')),
      covered,
    );
  for (const workflow of workflows) faults += await strikeWorkflow(kind, workflow, choose);
  return faults;
};
