import type { FailState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import type { StateRunner } from '../scope.ts';

const isString = (value: unknown): value is string => typeof value === 'string';

export const runFail: StateRunner<FailState> = async (state, visit) => {
  const textOf = async (field: 'Error' | 'Cause'): Promise<string | undefined> =>
    state[field] === undefined ? undefined : visit.evaluateAs(state[field], field, 'a string', isString);
  const error = await textOf('Error');
  throw new StateFailure(error, await textOf('Cause'));
};
