/** The contract of faults over whole migrations: with any single fault they end as they would have without. */
import { expect } from 'vitest';
import type { Outcome } from '../../../lambdas/domain/migration/model.ts';
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

/**
 * Checks that the migration comes to its end with a fault at each of its calls, or at those that `choose` returns.
 * Resolves to the number of faults.
 */
export const strikeWorkflow = async (
  kind: When,
  { prepare, request, outcome, strikes, expectEnd }: Workflow,
  choose: (faults: FaultCase<When>[]) => FaultCase<When>[] = (faults) => faults,
): Promise<number> => {
  const tasks: { name: StepName; from: number }[] = [];
  let length = 0;
  let struck = 0;
  await strikeEachCall({
    prepare,
    work: async (fakes) => {
      const { calls } = fakes.journal;
      await migrate({ ...fakes, onTask: (name) => void tasks.push({ name, from: calls.length }) }, request);
      ({ length } = calls);
    },
    kinds: [kind],
    nameOf: (call, position) => `${tasks.findLast(({ from }) => from <= position)?.name} ${call}`,
    strikes: (fault) => strikes(fault, length),
    choose: (faults) => {
      const chosen = choose(faults);
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
