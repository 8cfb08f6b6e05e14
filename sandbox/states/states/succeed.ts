import type { SucceedState } from '../definition.ts';
import type { StateRunner } from '../scope.ts';

export const runSucceed: StateRunner<SucceedState> = (state, visit) => visit.settle(state, visit.input);
