/**
 * How often each loop of the state machines can be gone round, by the constants that bound it: from this follows how
 * many events the history of an execution may come to (docs/histories.md), of which Step Functions allows 25,000.
 */
import { MAX_SETTLINGS } from '../lambdas/domain/rollout/settling.ts';
import { MAX_RESTARTS, MAX_WITNESSES } from '../lambdas/domain/verification/injection-seen.ts';
import { POLLS_PER_EXECUTION, RETRIES_PER_POLL } from '../lambdas/domain/sweep/executions.ts';
import { MOST_PAUSES } from '../lambdas/domain/waiting/pause.ts';
import { MOST_DAYS_BEFORE_BEGIN, MOST_REPLANS } from '../lambdas/domain/waiting/waiting.ts';
import { MAX_RESTORE_ACTIONS } from '../lambdas/steps/assess-rollback/schema.ts';
import { retriersOf } from './migration/errors.ts';

export interface LoopBound {
  /** A state that every round of the loop passes. */
  state: string;
  /** Most visits of that state, each time that the loop is entered. */
  visits: number;
  /** The state of the loop outside, in each round of which this one may be entered again. */
  within?: string;
  why: string;
}

/** Retries that can't be used up at every visit of a state. */
export interface RetryBound {
  state: string;
  /** The retriers that have that error; left out: all of the state. */
  error?: string;
  /** Most of them in one execution. */
  retries: number;
  why: string;
}

/** Pauses: the state that has failed is entered again after them. */
export interface DetourBound {
  states: string[];
  passages: number;
  why: string;
}

export interface HistoryBounds {
  loops: LoopBound[];
  retries: RetryBound[];
  detours?: DetourBound[];
}

/** Number of phases that can end with a pause: the change, the rollback, recording the end. */
const ENDS_BY_PAUSE = 3;
const PAUSES: DetourBound[] = [
  {
    states: ['Pause', 'WaitForPause', 'WhereToResume'],
    passages: MOST_PAUSES.all + ENDS_BY_PAUSE,
    why: `the state machine counts them (\`MOST_PAUSES\`), and ${ENDS_BY_PAUSE} may be the last of the change, of the rollback and of recording the end`,
  },
];

const ROLLBACK: LoopBound[] = [
  {
    state: 'WaitForRestore',
    visits: MAX_RESTORE_ACTIONS,
    why: 'the actions of a rollback, after which a person decides (`MAX_RESTORE_ACTIONS`)',
  },
  {
    state: 'RestartRestored',
    visits: MAX_WITNESSES + MAX_RESTARTS,
    why: 'the pods that are replaced one by one, and the restarts after them; then a person decides (`MAX_WITNESSES`, `MAX_RESTARTS`)',
  },
];

/** Polls in the hour before a window opens, one every ten minutes, and one more on either side. */
const POLLS_BEFORE_OPENING = 8;

/** EKS allows 100 clusters in a location, unless the quota was raised. */
const CLUSTERS_PER_LOCATION = 100;

/** Of each state machine, by its name, and of the children of the Map of Sweep. */
export const HISTORY_BOUNDS = {
  MigrateAddon: {
    loops: [
      {
        state: 'PlanAgain',
        visits: MOST_REPLANS,
        why: 'plans after a wait, of which the last may continue; one more ends `blocked`, which takes fewer events (`MOST_REPLANS`)',
      },
      { state: 'NextAttempt', visits: 2, why: 'a plan has at most three attempts (`lambdas/domain/plan/attempts.ts`)' },
      {
        state: 'RestartPods',
        visits: MAX_WITNESSES + MAX_RESTARTS,
        within: 'NextAttempt',
        why: 'the pods that are replaced one by one in each attempt, and the restarts after them (`MAX_WITNESSES`, `MAX_RESTARTS`)',
      },
      {
        state: 'ConfirmReady',
        visits: MAX_SETTLINGS,
        within: 'NextAttempt',
        why: 'the observations of verified pods in each attempt (`MAX_SETTLINGS`)',
      },
      ...ROLLBACK,
    ],
    retries: [
      {
        state: 'AwaitWindow',
        error: 'WindowFarOff',
        retries: MOST_DAYS_BEFORE_BEGIN * 24,
        why: 'one every hour of the days after which no migration waits any more (`MOST_DAYS_BEFORE_BEGIN`)',
      },
      {
        state: 'AwaitWindow',
        error: 'WindowClosed',
        retries: POLLS_BEFORE_OPENING * (MOST_REPLANS + 1),
        why: 'one every ten minutes in the hour before each window',
      },
    ],
    detours: PAUSES,
  },
  Recover: { loops: ROLLBACK, retries: [], detours: PAUSES },
  Retire: { loops: [], retries: [] },
  Sweep: {
    loops: [
      {
        state: 'WaitForNextPoll',
        visits: POLLS_PER_EXECUTION,
        why: 'polls, after which another execution continues (`POLLS_PER_EXECUTION`)',
      },
    ],
    retries: [
      {
        state: 'DispatchSweep',
        retries: retriersOf('dispatch-sweep').reduce((sum, { maxAttempts }) => sum + maxAttempts, 0),
        why: `those of one poll; in earlier polls, ${RETRIES_PER_POLL} retries count as one poll less`,
      },
    ],
  },
  'Sweep, a place': {
    loops: [
      {
        state: 'TakeInventory',
        visits: 2 * CLUSTERS_PER_LOCATION,
        why: 'two calls inspect at least one cluster, of the 100 that EKS allows in a region',
      },
    ],
    retries: [],
  },
} as const satisfies Record<string, HistoryBounds>;
