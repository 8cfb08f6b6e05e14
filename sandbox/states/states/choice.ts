import type { ChoiceState } from '../definition.ts';
import type { StateRunner } from '../scope.ts';

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

/** Takes the first rule whose condition is true, with its Output and Assign; the state's own apply only to Default. */
export const runChoice: StateRunner<ChoiceState> = async (state, visit) => {
  for (const [index, rule] of state.Choices.entries()) {
    const at = `Choices[${index}]/`;
    if (await visit.evaluateAs(rule.Condition, `${at}Condition`, 'true or false', isBoolean)) {
      return { next: rule.Next, ...(await visit.settle(rule, visit.input, {}, at)) };
    }
  }
  if (state.Default === undefined) {
    throw visit.failure(
      'States.NoChoiceMatched',
      'Failed to transition out of the state. The state does not point to a next state.',
    );
  }
  return { next: state.Default, ...(await visit.settle(state, visit.input)) };
};
