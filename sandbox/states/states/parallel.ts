import type { ParallelState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import { withRetryAndCatch } from '../retry.ts';
import { Scope, type StateRunner, type Visit } from '../scope.ts';
import { runBranches } from './branches.ts';

const attempt = async (state: ParallelState, visit: Visit): Promise<unknown[]> => {
  const { scope } = visit;
  const { run } = scope;
  const input = state.Arguments === undefined ? visit.input : await visit.evaluate(state.Arguments, 'Arguments');
  visit.checkSize(input, 'was given arguments');
  const startedEventId = scope.add('ParallelStateStarted');
  try {
    const results = await runBranches(
      scope,
      state.Branches.length,
      state.Branches.length,
      async (index, cancellation) => {
        const branch = state.Branches[index];
        if (!branch) throw new Error(`The branch ${index} does not exist.`);
        const inner = new Scope(run, cancellation, { outer: scope, previousEventId: startedEventId });
        try {
          const result = await run.runStates(branch, inner, input);
          scope.previousEventId = inner.previousEventId;
          return result;
        } finally {
          inner.leave();
        }
      },
    );
    visit.checkSize(results, 'returned a result');
    scope.addAside('ParallelStateSucceeded');
    return results;
  } catch (failure) {
    if (failure instanceof StateFailure) scope.add('ParallelStateFailed');
    throw failure;
  }
};

export const runParallel: StateRunner<ParallelState> = (state, visit) =>
  withRetryAndCatch(state, visit, async () => {
    const result = await attempt(state, visit);
    return { next: state.Next, ...(await visit.settle(state, result, { result })) };
  });
