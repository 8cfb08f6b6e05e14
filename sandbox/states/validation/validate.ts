/**
 * Validates a definition like CreateStateMachine, as far as that is known: the rules beyond the schema, which
 * `parseDefinition` has already checked.
 */
import type { StateSet } from '../definition.ts';
import type { Diagnostic } from './diagnostics.ts';
import { readExpressions } from './expressions.ts';
import { levelsOf } from './levels.ts';
import { sizeProblems } from './sizes.ts';
import { transitionProblems, wideErrorProblems } from './transitions.ts';
import { variableProblems } from './variables.ts';

/** Returns all errors and warnings. If there is an ERROR, AWS does not create the state machine. */
export const validateDefinition = (definition: StateSet): Diagnostic[] => {
  const levels = levelsOf(definition);
  const { expressions, diagnostics } = readExpressions(levels);
  return [
    ...transitionProblems(levels),
    ...wideErrorProblems(levels),
    ...diagnostics,
    ...variableProblems(levels, expressions),
    ...sizeProblems(levels),
  ];
};
