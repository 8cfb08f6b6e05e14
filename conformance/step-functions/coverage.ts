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
  ...Object.entries(definition.States).flatMap(([key, state]) =>
    state.Type === 'Map' ? [graphOf(`${name}/${state.Label ?? key}`, state.ItemProcessor)] : [],
  ),
];

/** What executions went through, by the name of their graph. */
export type Visits = Record<string, { executions: number; states: string[]; transitions: string[] }>;

/** Adds the history of one execution. */
export const visit = (visits: Visits, graph: string, history: readonly PlainEvent[]): void => {
  const visited = (visits[graph] ??= { executions: 0, states: [], transitions: [] });
  visited.executions += 1;
  let from = 'start';
  for (const event of history) {
    if (!event.type.endsWith('StateEntered')) continue;
    const to = String(detailsOf(event)['name']);
    visited.states.push(to);
    visited.transitions.push(arrow(from, to));
    from = to;
  }
};

/** Adds what others went through. */
export const addVisits = (visits: Visits, more: Visits): void => {
  for (const [graph, { executions, states, transitions }] of Object.entries(more)) {
    const visited = visits[graph];
    visits[graph] = {
      executions: (visited?.executions ?? 0) + executions,
      states: [...new Set([...(visited?.states ?? []), ...states])],
      transitions: [...new Set([...(visited?.transitions ?? []), ...transitions])],
    };
  }
};

/** How much of a graph was visited. */
export interface Covered {
  name: string;
  executions: number;
  states: { visited: number; all: number; missing: string[] };
  transitions: { visited: number; all: number; missing: string[] };
  expressions: { visited: number; all: number };
}

const share = (all: readonly string[], visited: ReadonlySet<string>): Covered['states'] => {
  const missing = all.filter((one) => !visited.has(one));
  return { visited: all.length - missing.length, all: all.length, missing };
};

export const coveredOf = (graph: Graph, visits: Visits, evaluated: ReadonlySet<string>): Covered => {
  const { executions = 0, states = [], transitions = [] } = visits[graph.name] ?? {};
  const { visited, all } = share(graph.expressions, evaluated);
  return {
    name: graph.name,
    executions,
    states: share(graph.states, new Set(states)),
    transitions: share(graph.transitions, new Set(transitions)),
    expressions: { visited, all },
  };
};
