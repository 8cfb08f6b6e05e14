/** Converts the history of a Step Functions execution to the steps of a migration. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { isPerAttempt, type LineName, lineName, NEXT_ATTEMPT, stepOfState } from './step-names.ts';
import { notedPauseOf } from '../lambdas/domain/waiting/noted-pause.ts';
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

/** A step that has noted its pause fails with that, and its message has the step's own error. */
const errorOf = (event: HistoryEvent): string =>
  printable(
    notedPauseOf(event.taskFailedEventDetails ?? {})?.error ??
      event.taskFailedEventDetails?.error ??
      event.lambdaFunctionFailedEventDetails?.error ??
      (event.type?.includes('TimedOut') ? 'time-out' : 'error'),
  );

/** The states of a pause: the step that failed continues and is entered again. */
const PAUSE_STATES: ReadonlySet<string> = new Set(['Pause', 'WaitForPause', 'WaitForLedger', 'WhereToResume']);

/** Reads an execution's steps from its history, as far as it is known. */
export class StepReader {
  /** In the order in which they were entered. */
  readonly steps: StepProgress[] = [];
  /** Id of the newest event: events are numbered from 1 without gaps. */
  newest = 0;
  hasEnded = false;
  private current: StepProgress | undefined;
  private isPaused = false;
  private attempt = 1;
  private readonly rounds = new Map<string, number>();

  /** Reads more of the history. `events` may be unordered, and contain duplicates and events that it knows. */
  read(events: readonly HistoryEvent[]): void {
    const ordered = events.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0));
    for (const event of ordered) {
      const { id = 0 } = event;
      if (id <= this.newest) continue;
      this.newest = id;
      this.add(event);
    }
  }

  private add(event: HistoryEvent): void {
    const at = event.timestamp ?? new Date(0);
    const type = event.type ?? '';
    const { current } = this;
    if (type.endsWith('StateEntered')) this.enter(event.stateEnteredEventDetails?.name ?? '', event.id ?? 0, at);
    else if (EXECUTION_ENDED.has(type)) {
      this.hasEnded = true;
      this.end(at);
    } else if (this.isPaused) return;
    else if (type === 'TaskStateExited') this.end(at);
    else if (type === 'TaskScheduled' || type === 'LambdaFunctionScheduled') {
      if (current) current.tries += 1;
    } else if (type === 'TaskSucceeded' || type === 'LambdaFunctionSucceeded') {
      if (current) delete current.error;
    } else if (ATTEMPT_FAILED.has(type) && current) current.error = errorOf(event);
  }

  private enter(state: string, id: number, at: Date): void {
    this.isPaused = PAUSE_STATES.has(state);
    if (this.isPaused) {
      this.current ??= this.steps.at(-1);
      if (this.current) delete this.current.endedAt;
      return;
    }
    if (state === NEXT_ATTEMPT) this.attempt += 1;
    const step = stepOfState(state);
    // A Wait state before a poll belongs to the same step.
    if (step && this.current?.step === step) return;
    this.end(at);
    if (!step) return;
    const ofAttempt = { attempt: isPerAttempt(step) ? this.attempt : 1 };
    const first = lineName(step, { ...ofAttempt, round: 1 });
    const round = (this.rounds.get(first) ?? 0) + 1;
    this.rounds.set(first, round);
    this.current = { id, step, name: lineName(step, { ...ofAttempt, round }), startedAt: at, tries: 0 };
    this.steps.push(this.current);
  }

  private end(at: Date): void {
    if (this.current) this.current.endedAt = at;
    this.current = undefined;
  }
}
