/** An execution's history, as Step Functions tells it, turned into the steps that a person follows. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { StepName } from '../lambdas/steps/schemas.ts';
import { stepOfState } from './step-names.ts';

export interface StepProgress {
  /** The id of the event that entered it: unique within the execution. */
  id: number;
  step: StepName;
  /** How many times this step has been entered so far, this one included. */
  round: number;
  startedAt: Date;
  endedAt?: Date;
  attempts: number;
  /** The error of the last attempt; of the step itself once it has ended. */
  error?: string;
}

const ATTEMPT_FAILED = new Set(['TaskFailed', 'TaskTimedOut', 'TaskStartFailed', 'TaskSubmitFailed', 'LambdaFunctionFailed', 'LambdaFunctionTimedOut']);
const EXECUTION_ENDED = new Set(['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut']);

const errorOf = (event: HistoryEvent): string =>
  event.taskFailedEventDetails?.error ?? event.lambdaFunctionFailedEventDetails?.error ?? (event.type?.includes('TimedOut') ? 'time-out' : 'error');

/** Steps in the order in which they were entered. `events`: in any order, each once or more. */
export const stepsOf = (events: readonly HistoryEvent[]): StepProgress[] => {
  const ordered = [...new Map(events.map((event) => [event.id ?? 0, event])).values()].sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
  const steps: StepProgress[] = [];
  let current: StepProgress | undefined;
  const end = (at: Date): void => {
    if (current) current.endedAt = at;
    current = undefined;
  };
  for (const event of ordered) {
    const at = event.timestamp ?? new Date(0);
    const type = event.type ?? '';
    if (type.endsWith('StateEntered')) {
      const step = stepOfState(event.stateEnteredEventDetails?.name ?? '');
      // A Wait in front of a poll is part of it: the step goes on.
      if (step && current?.step === step) continue;
      end(at);
      if (step) {
        const round = steps.filter((other) => other.step === step).length + 1;
        current = { id: event.id ?? 0, step, round, startedAt: at, attempts: 0 };
        steps.push(current);
      }
    } else if (type === 'TaskStateExited' || EXECUTION_ENDED.has(type)) end(at);
    else if (type === 'TaskScheduled' || type === 'LambdaFunctionScheduled') {
      if (current) current.attempts += 1;
    } else if (type === 'TaskSucceeded' || type === 'LambdaFunctionSucceeded') {
      if (current) delete current.error;
    } else if (ATTEMPT_FAILED.has(type) && current) current.error = errorOf(event);
  }
  return steps;
};

export const hasEnded = (events: readonly HistoryEvent[]): boolean => events.some((event) => EXECUTION_ENDED.has(event.type ?? ''));
