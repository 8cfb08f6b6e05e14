/**
 * Checks the scopes of variables. Source: Step Functions Developer Guide, "Passing data between states with variables":
 * "A variable exists in a scope if any state in the scope assigns a value to it […] a variable assigned in an inner
 * scope cannot have the same name as one assigned in an outer scope."
 */
import type { State } from '../definition.ts';
import { FUNCTIONS } from '../jsonata-functions.ts';
import { type Diagnostic, errorAt, warningAt } from './diagnostics.ts';
import type { Located } from './expressions.ts';
import { type Level, statesOf } from './levels.ts';
import { variablesOf } from './syntax-tree.ts';

const assignsIn = (state: State, at: string): [name: string, at: string][] => {
  const namesIn = (owner: object, where: string): [string, string][] => {
    const { Assign } = owner as { Assign?: Record<string, unknown> };
    return Object.keys(Assign ?? {}).map((name) => [name, `${where}/Assign/${name}`]);
  };
  return [
    ...namesIn(state, at),
    ...(state.Type === 'Choice' ? state.Choices : []).flatMap((rule, index) =>
      namesIn(rule, `${at}/Choices[${index}]`),
    ),
    ...('Catch' in state && state.Catch ? state.Catch : []).flatMap((catcher, index) =>
      namesIn(catcher, `${at}/Catch[${index}]`),
    ),
  ];
};

/** The locations that assign each variable of a level. */
type Assigned = Map<string, string[]>;

const assignedIn = (level: Level): Assigned => {
  const assigned: Assigned = new Map();
  for (const { state, at } of statesOf([level]))
    for (const [name, where] of assignsIn(state, at)) assigned.set(name, [...(assigned.get(name) ?? []), where]);
  return assigned;
};

const outsideOf = ({ outer }: Level): Level[] => (outer ? [outer, ...outsideOf(outer)] : []);
/** Returns the outer levels whose variables can be read. */
const readableFrom = ({ outer, readsOuter }: Level): Level[] =>
  outer && readsOuter ? [outer, ...readableFrom(outer)] : [];

/** "The first character of a variable name must be a Unicode ID_Start character, […] The maximum length is 80." */
const NAME = /^\p{ID_Start}\p{ID_Continue}{0,79}$/u;

const nameProblem = (name: string, at: string): Diagnostic[] => {
  if (name === 'states')
    return [
      errorAt('SCHEMA_VALIDATION_FAILED', "The name 'states' is reserved by Step Functions. Use another name.", at),
    ];
  if (FUNCTIONS.has(name))
    return [
      warningAt(
        'HIDES_FUNCTION_HERE',
        `The variable '${name}' has the name of a function. Whether it hides the function in AWS is not known. Use another name.`,
        at,
      ),
    ];
  if (NAME.test(name)) return [];
  return [
    errorAt(
      'SCHEMA_VALIDATION_FAILED',
      `'${name}' is not a valid variable name. Use a name that begins with a letter and has at most 80 letters, digits and underscores.`,
      at,
    ),
  ];
};

export const variableProblems = (
  levels: readonly Level[],
  expressions: readonly (Located & { level: Level })[],
): Diagnostic[] => {
  const assigned = new Map(levels.map((level) => [level, assignedIn(level)]));
  const locationIn = (level: Level, name: string): string | undefined => assigned.get(level)?.get(name)?.[0];

  const names = levels.flatMap((level) =>
    [...(assigned.get(level) ?? [])].flatMap(([name, locations]) => {
      const outer = outsideOf(level).flatMap((each) => locationIn(each, name) ?? [])[0];
      return locations.flatMap((at) => [
        ...nameProblem(name, at),
        ...(outer === undefined
          ? []
          : [
              errorAt(
                'DUPLICATE_VARIABLE_NAME',
                `The variable '${name}' is also assigned in an outer scope, at ${outer}, so an inner scope must not assign it. Use another name here`,
                at,
              ),
            ]),
      ]);
    }),
  );

  const reads = expressions.flatMap(({ tree, at, level }) =>
    [...variablesOf(tree)].flatMap((name) => {
      const isKnown = [level, ...readableFrom(level)].some((each) => locationIn(each, name) !== undefined);
      if (name === 'states' || FUNCTIONS.has(name) || isKnown) return [];
      const outer = outsideOf(level).flatMap((each) => locationIn(each, name) ?? [])[0];
      const reason =
        outer === undefined
          ? 'No earlier state assigns it.'
          : `It is assigned at ${outer}, outside of a distributed Map, whose children cannot read it. Pass it in ItemSelector.`;
      return [warningAt('POSSIBLY_UNDEFINED_VARIABLE', `Variable '${name}' is possibly not defined. ${reason}`, at)];
    }),
  );
  return [...names, ...reads];
};
