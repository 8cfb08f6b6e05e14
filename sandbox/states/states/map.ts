import type { MapState } from '../definition.ts';
import { Interrupted, StateFailure } from '../failure.ts';
import { withRetryAndCatch } from '../retry.ts';
import { Scope, type StateRunner, type Visit } from '../scope.ts';
import { runBranches } from './branches.ts';

/** Step Functions Service Quotas: iterations of an inline Map that run at once. */
const MAX_INLINE_CONCURRENCY = 40;

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isConcurrency = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

const attempt = async (state: MapState, visit: Visit): Promise<unknown[]> => {
  const { scope, name } = visit;
  const { run } = scope;
  const items = state.Items === undefined ? visit.input : await visit.evaluate(state.Items, 'Items');
  if (!isList(items)) throw visit.evaluationFailed('Items', `The value of the field 'Items' must be an array, but was ${JSON.stringify(items).slice(0, 200)}.`);
  // 0 is no limit of the definition's own.
  const limit = (await visit.evaluateAs(state.MaxConcurrency ?? 0, 'MaxConcurrency', 'a whole number, 0 or more', isConcurrency)) || MAX_INLINE_CONCURRENCY;
  const startedEventId = scope.add('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });

  const iterate = async (index: number, cancellation: Scope['cancellation']): Promise<unknown> => {
    const mapContext = { Map: { Item: { Index: index, Value: items[index] } } };
    const input = state.ItemSelector === undefined ? items[index] : await visit.evaluate(state.ItemSelector, 'ItemSelector', {}, mapContext);
    visit.checkSize(input, 'was given an item');
    const inner = new Scope(run, cancellation, { outer: scope, previousEventId: startedEventId, mapContext });
    inner.add('MapIterationStarted', { mapIterationStartedEventDetails: { name, index } });
    try {
      const result = await run.runStates(state.ItemProcessor, inner, input);
      inner.add('MapIterationSucceeded', { mapIterationSucceededEventDetails: { name, index } });
      return result;
    } catch (failure) {
      if (failure instanceof StateFailure) inner.add('MapIterationFailed', { mapIterationFailedEventDetails: { name, index } });
      if (failure instanceof Interrupted) inner.add('MapIterationAborted', { mapIterationAbortedEventDetails: { name, index } });
      throw failure;
    } finally {
      scope.previousEventId = inner.previousEventId;
    }
  };

  try {
    const results = await runBranches(scope, items.length, Math.min(limit, MAX_INLINE_CONCURRENCY), iterate);
    visit.checkSize(results, 'returned a result');
    scope.add('MapStateSucceeded');
    return results;
  } catch (failure) {
    if (failure instanceof StateFailure) scope.add('MapStateFailed');
    throw failure;
  }
};

export const runMap: StateRunner<MapState> = (state, visit) =>
  withRetryAndCatch(state, visit, async () => {
    const result = await attempt(state, visit);
    return { next: state.Next, ...(await visit.settle(state, result, { result })) };
  });
