/**
 * Computes the maximum number of events in an execution's history: Step Functions Developer Guide, "Avoid reaching the
 * history quota". Events are those that `sandbox/states/states` writes, as AWS shows them in GetExecutionHistory.
 */
import { isDistributed, type Retrier, type State, type StateSet, waitsForToken } from '../definition.ts';
import { longestWalks, type Loop } from './longest-walk.ts';
import { isEnd, nextOf } from './transitions.ts';

/** A bound on retries in the whole execution, for retriers that cannot be exhausted at every visit of their state. */
export interface RetryBound {
  state: string;
  /** Retriers with that error; omitted: all retriers of the state. */
  error?: string;
  /** Maximum retries by these retriers in one execution. */
  retries: number;
}

/**
 * States that lead back to the state that they were entered from, which is then entered once more: a detour rather than
 * a loop. Alternatively they lead where that state's own catches lead, so that each walk grows only by the passages.
 */
export interface Detour {
  /** The states of one passage, in order. It may be entered at any of them. */
  states: readonly string[];
  /** Maximum passages in one execution. */
  passages: number;
}

export interface Bounds {
  loops: readonly Loop[];
  retries?: readonly RetryBound[];
  detours?: readonly Detour[];
}

/** The events of one state's visits. */
export interface Row {
  state: string;
  type: State['Type'];
  visits: number;
  /**
   * Events of each visit: with all retries that its retriers allow, except those that are bounded for the whole
   * execution.
   */
  events: number;
  /** Retries included in these events. */
  retries: number;
}

export interface WorstHistory {
  /** The states of the walk with the most events, in the order of the definition. */
  rows: Row[];
  /** Bounds for the whole execution, and their events. */
  bounded: (RetryBound & { events: number })[];
  /** Passages of detours, including the most expensive visit of a state that leads there. */
  detours: (Detour & { events: number; eventsOfEach: number })[];
  events: number;
}

/**
 * Scheduled, started, and succeeded, failed or timed out; a task that waits for its token also has a submitted event.
 */
const attemptEvents = (state: State): number => {
  if (state.Type === 'Task') return state.Resource.includes(':::') && waitsForToken(state) ? 4 : 3;
  // The state and its Map Run start and end.
  if (state.Type === 'Map') return 4;
  return 0;
};

const retriersOf = (state: State): Retrier[] => ('Retry' in state && state.Retry ? state.Retry : []);

const isOf = ({ state, error }: RetryBound, name: string, { ErrorEquals: errors }: Retrier): boolean =>
  state === name && (error === undefined || errors.includes(error));

/** Counts the events for entering and exiting, and those in between. */
const rowOf = (name: string, state: State, bounded: readonly RetryBound[]): Omit<Row, 'visits'> => {
  if (state.Type === 'Parallel' || (state.Type === 'Map' && !isDistributed(state)))
    throw new Error(
      `The events of ${state.Type} ${name} depend on the states within, which worstHistory does not count. Use a distributed Map.`,
    );
  const retries = retriersOf(state)
    .filter((retrier) => !bounded.some((bound) => isOf(bound, name, retrier)))
    .reduce((sum, { MaxAttempts: attempts }) => sum + attempts, 0);
  const own = state.Type === 'Fail' ? 1 : 2;
  return { state: name, type: state.Type, events: own + attemptEvents(state) * (1 + retries), retries };
};

/** The start and the end of the execution. */
const EXECUTION_EVENTS = 2;
const END = 'the end';

/**
 * Returns the events of one passage: all of its own states, and one more visit of the most expensive state that leads to
 * it.
 */
function passageOf(states: StateSet['States'], { states: own }: Detour, costOf: (name: string) => number): number {
  const entries = Object.entries(states).flatMap(([name, state]) =>
    !own.includes(name) && nextOf(state).some((to) => own.includes(to)) ? [name] : [],
  );
  if (entries.length === 0) throw new Error(`A detour is declared through ${own[0] ?? ''}, but no state leads there.`);
  return own.reduce((sum, name) => sum + costOf(name), Math.max(...entries.map(costOf)));
}

/**
 * Returns the maximum number of events of an execution of these states, and their composition: each loop at its bound,
 * each retrier exhausted at each visit. A distributed Map's children have histories of their own. Throws UnboundedLoop
 * for a loop without a declared bound, and an Error for a bound of something that does not exist.
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
      throw new Error(`A bound is declared for retries of ${bound.state}, which has no such retriers.`);
  for (const { state } of loops)
    if (!States[state]) throw new Error(`A bound is declared for the loop through ${state}, which does not exist.`);
  const rows = new Map(Object.entries(States).map(([name, state]) => [name, rowOf(name, state, retries)]));
  const costOf = (name: string): number => rows.get(name)?.events ?? 0;
  const next = new Map(
    Object.entries(States).map(([name, state]) => [
      name,
      [
        ...nextOf(state).filter((to) => !detours.some(({ states }) => states.includes(to))),
        ...(isEnd(state) ? [END] : []),
      ],
    ]),
  );
  const walk = longestWalks({ next, costOf }, loops, StartAt).get(END);
  if (!walk) throw new Error(`No end state can be reached from ${StartAt}.`);
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
