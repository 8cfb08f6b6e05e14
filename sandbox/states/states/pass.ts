import type { PassState } from '../definition.ts';
import type { StateRunner } from '../scope.ts';

export const runPass: StateRunner<PassState> = async (state, visit) => ({
  next: state.Next,
  ...(await visit.settle(state, visit.input)),
});
