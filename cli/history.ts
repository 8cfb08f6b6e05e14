/** Converts the history of a Step Functions execution to the steps of a migration. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { isPerAttempt, type LineName, lineName, NEXT_ATTEMPT, stepOfState } from './step-names.ts';
import { printable } from '../lambdas/domain/text/text.ts';

export interface StepProgress {
  /** Id of the event that entered the step: unique within the execution. */
  id: number;
  step: LineName;
  /** Name of the ledger's line: with its attempt and its round (how many times it was entered in that attempt). */
  name: string;
  startedAt: Date;
  endedAt?: Date;
  tries: number;
  /** Error of the last try; of the step itself once it has ended. */
  error?: string;
}

const ATTEMPT_FAILED = new Set([
  'TaskFailed',
  'TaskTimedOut',
  'TaskStartFailed',
  'TaskSubmitFailed',
  'LambdaFunctionFailed',
  'LambdaFunctionTimedOut',
]);
const EXECUTION_ENDED = new Set(['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut']);

const errorOf = (event: HistoryEvent): string =>
  printable(
    event.taskFailedEventDetails?.error ??
      event.lambdaFunctionFailedEventDetails?.error ??
      (event.type?.includes('TimedOut') ? 'time-out' : 'error'),
  );

/** The states of a pause: the step that failed continues and is entered again. */
const PAUSE_STATES: ReadonlySet<string> = new Set(['Pause', 'WaitForPause', 'WaitForLedger', 'WhereToResume']);

/** Returns the steps in the order in which they were entered. `events` may be unordered and contain duplicates. */
export const stepsOf = (events: readonly HistoryEvent[]): StepProgress[] => {
  const ordered = [...new Map(events.map((event) => [event.id ?? 0, event])).values()].sort(
    (a, b) => (a.id ?? 0) - (b.id ?? 0),
  );
  const steps: StepProgress[] = [];
  let current: StepProgress | undefined;
  let isPaused = false;
  let attempt = 1;
  const rounds = new Map<string, number>();
  const end = (at: Date): void => {
    if (current) current.endedAt = at;
    current = undefined;
  };
  for (const event of ordered) {
    const at = event.timestamp ?? new Date(0);
    const type = event.type ?? '';
    if (type.endsWith('StateEntered')) {
      const state = event.stateEnteredEventDetails?.name ?? '';
      isPaused = PAUSE_STATES.has(state);
      if (isPaused) {
        current ??= steps.at(-1);
        if (current) delete current.endedAt;
        continue;
      }
      if (state === NEXT_ATTEMPT) attempt += 1;
      const step = stepOfState(state);
      // A Wait state before a poll belongs to the same step.
      if (step && current?.step === step) continue;
      end(at);
      if (step) {
        const ofAttempt = { attempt: isPerAttempt(step) ? attempt : 1 };
        const first = lineName(step, { ...ofAttempt, round: 1 });
        const round = (rounds.get(first) ?? 0) + 1;
        rounds.set(first, round);
        current = { id: event.id ?? 0, step, name: lineName(step, { ...ofAttempt, round }), startedAt: at, tries: 0 };
        steps.push(current);
      }
    } else if (EXECUTION_ENDED.has(type)) end(at);
    else if (isPaused) continue;
    else if (type === 'TaskStateExited') end(at);
    else if (type === 'TaskScheduled' || type === 'LambdaFunctionScheduled') {
      if (current) current.tries += 1;
    } else if (type === 'TaskSucceeded' || type === 'LambdaFunctionSucceeded') {
      if (current) delete current.error;
    } else if (ATTEMPT_FAILED.has(type) && current) current.error = errorOf(event);
  }
  return steps;
};

export const hasEnded = (events: readonly HistoryEvent[]): boolean =>
  events.some((event) => EXECUTION_ENDED.has(event.type ?? ''));
