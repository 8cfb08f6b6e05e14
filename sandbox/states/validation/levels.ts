/** The levels of a definition: its own states, and those within each Map and Parallel, where variable scopes begin. */
import { isDistributed, type State, type StateSet } from '../definition.ts';

export interface Level {
  /** Location of the object that has `States`; empty for the definition itself. */
  at: string;
  set: StateSet;
  outer?: Level;
  /** Whether expressions here can read the variables of outer levels. */
  readsOuter: boolean;
}

/** Returns a state's location in AWS's form, in which names are not escaped. */
export const stateAt = ({ at }: Level, name: string): string => `${at}/States/${name}`;

const within = (outer: Level, name: string, state: State): Level[] => {
  const at = stateAt(outer, name);
  if (state.Type === 'Map')
    // "Distributed Map states cannot currently reference variables in outer scopes": Step Functions Developer Guide,
    // "Passing data between states with variables".
    return [{ at: `${at}/ItemProcessor`, set: state.ItemProcessor, outer, readsOuter: !isDistributed(state) }];
  if (state.Type === 'Parallel')
    return state.Branches.map((set, index) => ({ at: `${at}/Branches[${index}]`, set, outer, readsOuter: true }));
  return [];
};

const from = (level: Level): Level[] => [
  level,
  ...Object.entries(level.set.States).flatMap(([name, state]) => within(level, name, state).flatMap(from)),
];

/** Returns all levels, outer levels first. */
export const levelsOf = (set: StateSet): Level[] => from({ at: '', set, readsOuter: false });

/** Each state with its level and its location. */
export const statesOf = (levels: readonly Level[]): { level: Level; name: string; state: State; at: string }[] =>
  levels.flatMap((level) =>
    Object.entries(level.set.States).map(([name, state]) => ({ level, name, state, at: stateAt(level, name) })),
  );
