/** Checks the names of states and their reachability. `parseDefinition` has already refused missing targets. */
import type { State, StateSet } from '../definition.ts';
import { type Diagnostic, errorAt } from './diagnostics.ts';
import { type Level, stateAt, statesOf } from './levels.ts';

/** Returns the names of the states that may follow directly. */
export const nextOf = (state: State): string[] => [
  ...('Next' in state && state.Next !== undefined ? [state.Next] : []),
  ...(state.Type === 'Choice' ? state.Choices.map(({ Next }) => Next) : []),
  ...(state.Type === 'Choice' && state.Default !== undefined ? [state.Default] : []),
  ...('Catch' in state && state.Catch ? state.Catch.map(({ Next }) => Next) : []),
];

export const isEnd = (state: State): boolean =>
  state.Type === 'Succeed' || state.Type === 'Fail' || ('End' in state && state.End === true);

/** Returns the names of the states that are reachable from the first one, itself included. */
export const reachedIn = ({ StartAt, States }: StateSet): Set<string> => {
  const reached = new Set([StartAt]);
  for (const name of reached) for (const next of States[name] ? nextOf(States[name]) : []) reached.add(next);
  return reached;
};

/** "State names must be unique within the scope of the whole state machine" (states-language.net). */
const repeatedNames = (levels: readonly Level[]): Diagnostic[] => {
  const first = new Map<string, string>();
  return statesOf(levels).flatMap(({ name, at }) => {
    const earlier = first.get(name);
    first.set(name, earlier ?? at);
    return earlier === undefined
      ? []
      : [errorAt('DUPLICATE_STATE_NAME', `State name '${name}' is used at ${earlier} too`, at)];
  });
};

/**
 * AWS requires an end only at the outermost level, and does not report unreachable states if there is none
 * (floci-io/floci#2786).
 */
export const transitionProblems = (levels: readonly Level[]): Diagnostic[] => {
  const [whole] = levels;
  const isEndless = whole !== undefined && !Object.values(whole.set.States).some(isEnd);
  return [
    ...repeatedNames(levels),
    ...(isEndless ? [errorAt('MISSING_END_STATE', 'Workflow has no terminal state')] : []),
    ...levels.flatMap((level) => {
      if (level === whole && isEndless) return [];
      const reached = reachedIn(level.set);
      return Object.keys(level.set.States)
        .filter((name) => !reached.has(name))
        .map((name) => errorAt('MISSING_TRANSITION_TARGET', `State "${name}" is not reachable.`, stateAt(level, name)));
    }),
  ];
};

/** "The reserved name States.ALL […] must appear alone, and in the last Retrier or Catcher" (states-language.net). */
export const wideErrorProblems = (levels: readonly Level[]): Diagnostic[] =>
  statesOf(levels).flatMap(({ state, at }) =>
    (['Retry', 'Catch'] as const).flatMap((field) => {
      const entries = (field in state ? (state as Extract<State, { Type: 'Task' }>)[field] : undefined) ?? [];
      return entries.flatMap(({ ErrorEquals: errors }, index) =>
        errors.includes('States.ALL') && (errors.length > 1 || index < entries.length - 1)
          ? [
              errorAt(
                'SCHEMA_VALIDATION_FAILED',
                'States.ALL must appear alone, and in the last entry',
                `${at}/${field}[${index}]/ErrorEquals`,
              ),
            ]
          : [],
      );
    }),
  );
