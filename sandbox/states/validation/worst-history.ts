/**
 * How many events the history of an execution may come to: Step Functions Developer Guide, "Avoid reaching the history
 * quota". Events as `sandbox/states/states` writes them, which is as AWS shows them in GetExecutionHistory.
 */
import { isDistributed, type Retrier, type State, type StateSet, waitsForToken } from '../definition.ts';
import { longestWalks, type Loop } from './longest-walk.ts';
import { isEnd, nextOf } from './transitions.ts';

/** Retriers that can't be used up at every visit of their state: what they come to in the whole execution. */
export interface RetryBound {
  state: string;
  /** Those that have that error; left out: all of the state. */
  error?: string;
  /** Most retries by them in one execution. */
  retries: number;
}

/**
 * States that lead back to the one that they were entered from, which so is entered once more: a detour, and no loop. Or
 * else they lead where that state's own catches do, so that no walk is longer for them but by a passage.
 */
export interface Detour {
  /** The states of one passage, in their order. */
  states: readonly string[];
  /** Most of them in one execution. */
  passages: number;
}

export interface Bounds {
  loops: readonly Loop[];
  retries?: readonly RetryBound[];
  detours?: readonly Detour[];
}

/** What the visits of one state come to. */
export interface Row {
  state: string;
  type: State['Type'];
  visits: number;
  /** Of each visit: with all retries that its retriers allow, but for those that are counted for the whole execution. */
  events: number;
  /** Retries that are within these. */
  retries: number;
}

export interface WorstHistory {
  /** Of the walk with the most events, in the order of the definition. */
  rows: Row[];
  /** What is counted for the whole execution, and its events. */
  bounded: (RetryBound & { events: number })[];
  /** Passages of detours, and the dearest visit of a state that leads there. */
  detours: (Detour & { events: number; eventsOfEach: number })[];
  events: number;
}

/** Scheduled, started, and succeeded, failed or timed out; a task that waits for its token is submitted in between. */
const attemptEvents = (state: State): number => {
  if (state.Type === 'Task') return state.Resource.includes(':::') && waitsForToken(state) ? 4 : 3;
  // The state, and its Map Run, begin and end.
  if (state.Type === 'Map') return 4;
  return 0;
};

const retriersOf = (state: State): Retrier[] => ('Retry' in state && state.Retry ? state.Retry : []);

const isOf = ({ state, error }: RetryBound, name: string, { ErrorEquals: errors }: Retrier): boolean =>
  state === name && (error === undefined || errors.includes(error));

/** Entered and exited, and what is between. */
const rowOf = (name: string, state: State, bounded: readonly RetryBound[]): Omit<Row, 'visits'> => {
  if (state.Type === 'Parallel' || (state.Type === 'Map' && !isDistributed(state)))
    throw new Error(
      `The events of ${state.Type} ${name} depend on what runs within: worstHistory does not count them.`,
    );
  const retries = retriersOf(state)
    .filter((retrier) => !bounded.some((bound) => isOf(bound, name, retrier)))
    .reduce((sum, { MaxAttempts: attempts }) => sum + attempts, 0);
  const own = state.Type === 'Fail' ? 1 : 2;
  return { state: name, type: state.Type, events: own + attemptEvents(state) * (1 + retries), retries };
};

/** Begun and ended. */
const EXECUTION_EVENTS = 2;
const END = 'the end';

/** What one passage comes to: its own states, and one more visit of the dearest state that leads to it. */
function passageOf(states: StateSet['States'], { states: own }: Detour, costOf: (name: string) => number): number {
  const [first = ''] = own;
  const entries = Object.entries(states).flatMap(([name, state]) => (nextOf(state).includes(first) ? [name] : []));
  if (entries.length === 0) throw new Error(`A detour is declared through ${first}, and no state leads there.`);
  return own.reduce((sum, name) => sum + costOf(name), Math.max(...entries.map(costOf)));
}

/**
 * The most events that an execution of these states can have, and what they are made of: each loop as often as its
 * bound says, each retrier used up at each visit. What a distributed Map starts has histories of its own. Throws
 * UnboundedLoop for a loop that no bound is declared for, and an Error for a bound of what is not there.
 */
export const worstHistory = (
  { StartAt, States }: StateSet,
  { loops, retries = [], detours = [] }: Bounds,
): WorstHistory => {
  const eventsOf = new Map(Object.entries(States).map(([name, state]) => [name, attemptEvents(state)]));
  for (const bound of retries)
    if (
      !States[bound.state] ||
      !retriersOf(States[bound.state] as State).some((each) => isOf(bound, bound.state, each))
    )
      throw new Error(`A bound is declared for retries of ${bound.state}, and there are none of that kind.`);
  for (const { state } of loops)
    if (!States[state])
      throw new Error(`A bound is declared for the loop through ${state}, and there is no such state.`);
  const rows = new Map(Object.entries(States).map(([name, state]) => [name, rowOf(name, state, retries)]));
  const costOf = (name: string): number => rows.get(name)?.events ?? 0;
  const next = new Map(
    Object.entries(States).map(([name, state]) => [
      name,
      [
        ...nextOf(state).filter((to) => !detours.some(({ states }) => states[0] === to)),
        ...(isEnd(state) ? [END] : []),
      ],
    ]),
  );
  const walk = longestWalks({ next, costOf }, loops, StartAt).get(END);
  if (!walk) throw new Error(`No end can be reached from ${StartAt}.`);
  const passed = detours.map((detour) => {
    const eventsOfEach = passageOf(States, detour, costOf);
    return { ...detour, eventsOfEach, events: detour.passages * eventsOfEach };
  });
  const bounded = retries.map((bound) => ({ ...bound, events: bound.retries * (eventsOf.get(bound.state) ?? 0) }));
  return {
    rows: [...rows.values()].flatMap((row) => {
      const visits = walk.visits.get(row.state) ?? 0;
      return visits === 0 ? [] : [{ ...row, visits }];
    }),
    bounded,
    detours: passed,
    events: EXECUTION_EVENTS + walk.cost + [...bounded, ...passed].reduce((sum, { events }) => sum + events, 0),
  };
};
