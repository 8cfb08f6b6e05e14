/**
 * Validates a definition as CreateStateMachine does, as far as that is known: what the schema leaves open, which
 * `parseDefinition` has checked before.
 */
import type { StateSet } from '../definition.ts';
import type { Diagnostic } from './diagnostics.ts';
import { readExpressions } from './expressions.ts';
import { levelsOf } from './levels.ts';
import { sizeProblems } from './sizes.ts';
import { transitionProblems, wideErrorProblems } from './transitions.ts';
import { variableProblems } from './variables.ts';

/** All that is wrong, and all that may be. Where there is an ERROR, AWS creates nothing. */
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
