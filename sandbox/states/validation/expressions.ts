/** Finds problems in a definition's expressions. */
import type { State } from '../definition.ts';
import { FUNCTIONS } from '../jsonata-functions.ts';
import { compile, isExpression, reasonWithoutCode, sourceOf } from '../jsonata.ts';
import { type Diagnostic, errorAt, warningAt } from './diagnostics.ts';
import { type Field, fieldsOf, textsIn } from './fields.ts';
import { type Level, statesOf } from './levels.ts';
import { membersOfStates, type Node, readsOfContext, variablesOf } from './syntax-tree.ts';

/** A parsed expression and its position. */
export interface Located {
  tree: Node;
  field: Field;
  at: string;
}

/**
 * "The string must start with {% with no leading spaces, and must end with %} with no trailing spaces. Improperly
 * opening or closing the expression will result in a validation error." (Step Functions Developer Guide, "Transforming
 * data with JSONata"; the error code is not known.)
 */
const halfDelimited = (text: string): boolean => {
  const trimmed = text.trim();
  return !isExpression(text) && (trimmed.startsWith('{%') || trimmed.endsWith('%}'));
};

const problemsOf = ({ tree, field, at }: Located): Diagnostic[] => [
  ...readsOfContext(tree).map((name) =>
    errorAt(
      'UNSUPPORTED_JSONATA_EXPRESSION',
      name === '$$'
        ? "Reference to '$$' is not supported."
        : `Reference to '${name}' at the top level is not supported.`,
      at,
    ),
  ),
  ...membersOfStates(tree).flatMap((member) => {
    if (member === 'input' || member === 'context' || field.has.some((has) => has === member)) return [];
    const text = `Field '$states.${member}' does not exist.`;
    // AWS accepts any other name (floci-io/floci, JsonataTopLevelReferencesTest), but it never has a value.
    return member === 'result' || member === 'errorOutput'
      ? [errorAt('UNSUPPORTED_JSONATA_EXPRESSION', text, at)]
      : [warningAt('FAILS_AT_RUN_TIME_HERE', text, at)];
  }),
  ...(variablesOf(tree).has('eval')
    ? [warningAt('FAILS_AT_RUN_TIME_HERE', 'Step Functions does not support $eval. Use $parse.', at)]
    : []),
];

/** Returns the variables that the expressions of a state read, without the dollar sign. */
export const variablesReadBy = (state: State): Set<string> =>
  new Set(
    fieldsOf(state, '')
      .flatMap(({ template }) => textsIn(template, ''))
      .filter(({ text }) => isExpression(text))
      .flatMap(({ text }) => [...variablesOf(compile(sourceOf(text)).ast() as Node)])
      .filter((name) => name !== 'states' && !FUNCTIONS.has(name)),
  );

/** Returns all expressions of the given levels, and their problems. */
export const readExpressions = (
  levels: readonly Level[],
): { expressions: (Located & { level: Level })[]; diagnostics: Diagnostic[] } => {
  const expressions: (Located & { level: Level })[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { level, state, at: stateAt } of statesOf(levels)) {
    for (const field of fieldsOf(state, stateAt)) {
      for (const { text, at } of textsIn(field.template, field.at)) {
        if (halfDelimited(text))
          diagnostics.push(
            errorAt(
              'SCHEMA_VALIDATION_FAILED',
              'An expression must begin with {% and end with %}, without spaces.',
              at,
            ),
          );
        if (!isExpression(text)) continue;
        try {
          const located = { tree: compile(sourceOf(text)).ast() as Node, field, at };
          expressions.push({ ...located, level });
          diagnostics.push(...problemsOf(located));
        } catch (thrown) {
          diagnostics.push(errorAt('INVALID_JSONATA_EXPRESSION', reasonWithoutCode(thrown), at));
        }
      }
    }
  }
  return { expressions, diagnostics };
};
