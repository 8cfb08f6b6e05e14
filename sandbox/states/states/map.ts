import { isDistributed, type MapState } from '../definition.ts';
import { Interrupted, StateFailure } from '../failure.ts';
import { withRetryAndCatch } from '../retry.ts';
import { Scope, type StateRunner, type Visit } from '../scope.ts';
import { runBranches } from './branches.ts';
import { attemptDistributed } from './distributed-map.ts';
import { isWhole, itemsOf } from './map-items.ts';

/** Step Functions Service Quotas: maximum concurrency of an inline Map. */
const MAX_INLINE_CONCURRENCY = 40;

const attempt = async (state: MapState, visit: Visit): Promise<unknown[]> => {
  const { scope, name } = visit;
  const { run } = scope;
  const items = await itemsOf(state, visit);
  // 0 means that the definition sets no limit.
  const limit =
    (await visit.evaluateAs(state.MaxConcurrency ?? 0, 'MaxConcurrency', 'a whole number, 0 or more', isWhole(0))) ||
    MAX_INLINE_CONCURRENCY;
  const startedEventId = scope.add('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });

  const iterate = async (index: number, cancellation: Scope['cancellation']): Promise<unknown> => {
    const mapContext = { Map: { Item: { Index: index, Value: items[index] } } };
    const input =
      state.ItemSelector === undefined
        ? items[index]
        : await visit.evaluate(state.ItemSelector, 'ItemSelector', {}, mapContext);
    visit.checkSize(input, 'was given an item');
    const inner = new Scope(run, cancellation, { outer: scope, previousEventId: startedEventId, mapContext });
    inner.add('MapIterationStarted', { mapIterationStartedEventDetails: { name, index } });
    try {
      const result = await run.runStates(state.ItemProcessor, inner, input);
      inner.add('MapIterationSucceeded', { mapIterationSucceededEventDetails: { name, index } });
      return result;
    } catch (failure) {
      if (failure instanceof StateFailure)
        inner.addAside('MapIterationFailed', { mapIterationFailedEventDetails: { name, index } });
      if (failure instanceof Interrupted)
        inner.add('MapIterationAborted', { mapIterationAbortedEventDetails: { name, index } });
      throw failure;
    } finally {
      inner.leave();
      scope.previousEventId = inner.previousEventId;
    }
  };

  try {
    const results = await runBranches(scope, items.length, Math.min(limit, MAX_INLINE_CONCURRENCY), iterate);
    visit.checkSize(results, 'returned a result');
    scope.addAside('MapStateSucceeded');
    return results;
  } catch (failure) {
    if (failure instanceof StateFailure) scope.add('MapStateFailed');
    throw failure;
  }
};

export const runMap: StateRunner<MapState> = (state, visit) =>
  withRetryAndCatch(state, visit, async () => {
    const result = await (isDistributed(state) ? attemptDistributed : attempt)(state, visit);
    return { next: state.Next, ...(await visit.settle(state, result, { result })) };
  });
