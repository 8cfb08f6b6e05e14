/** Counts how much of each definition the executions went through. Pure. */
import type { Runnable, State, StateSet } from '../../sandbox/states/definition.ts';
import { detailsOf } from './compare.ts';
import type { PlainEvent } from './events.ts';

/** Transitions as `from → to`, of a state machine or of what a Map runs for each item. */
export interface Graph {
  name: string;
  states: string[];
  transitions: string[];
  expressions: string[];
}

const arrow = (from: string, to: string): string => `${from} → ${to}`;

const targetsOf = (state: State): string[] => [
  ...('Next' in state && state.Next !== undefined ? [state.Next] : []),
  ...('Catch' in state ? (state.Catch ?? []).map(({ Next }) => Next) : []),
  ...(state.Type === 'Choice' ? [...state.Choices.map(({ Next }) => Next), state.Default ?? ''] : []),
];

const expressionsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return value.startsWith('{%') ? [value.slice(2, -2).trim()] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(expressionsIn);
};

const graphOf = (name: string, { StartAt, States }: StateSet): Graph => ({
  name,
  states: Object.keys(States),
  transitions: [
    ...new Set([
      arrow('start', StartAt),
      ...Object.entries(States).flatMap(([from, state]) =>
        targetsOf(state)
          .filter((to) => to !== '')
          .map((to) => arrow(from, to)),
      ),
    ]),
  ],
  expressions: [...new Set(expressionsIn(States))],
});

/** Returns the graphs of a definition: its own, and that of each Map. */
export const graphsOf = (name: string, definition: Runnable): Graph[] => [
  graphOf(name, definition),
  ...Object.entries(definition.States).flatMap(([state, { Type, ...rest }]) =>
    Type === 'Map' && 'ItemProcessor' in rest ? [graphOf(`${name}/${state}`, rest.ItemProcessor)] : [],
  ),
];

/** What executions of one graph went through. */
export interface Visited {
  executions: number;
  states: Set<string>;
  transitions: Set<string>;
}

export const nothingVisited = (): Visited => ({ executions: 0, states: new Set(), transitions: new Set() });

/** Adds the history of one execution. */
export const visit = (visited: Visited, history: readonly PlainEvent[]): void => {
  visited.executions += 1;
  let from = 'start';
  for (const event of history) {
    if (!event.type.endsWith('StateEntered')) continue;
    const to = String(detailsOf(event)['name']);
    visited.states.add(to);
    visited.transitions.add(arrow(from, to));
    from = to;
  }
};
