import { type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import type { Backend } from '../../cli/backend.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';

export const machine = (name: string): string => `arn:aws:states:eu-west-1:111122223333:stateMachine:${name}`;

/** A deployment with that ledger, at that moment; sleeps take no time. */
export const aBackend = (ledger: Partial<Ledger>, now = 0, change: Partial<Backend> = {}): Backend => ({
  stepFunctions: new SFNClient({ region: 'eu-west-1' }),
  ledger: ledger as Ledger,
  clock: { now: () => now, sleep: () => Promise.resolve(), spawn: (run) => run() },
  ids: { ulid: () => '2' },
  stateMachineArn: machine('MigrateAddon'),
  recoverStateMachineArn: machine('Recover'),
  simulated: false,
  close: () => Promise.resolve(),
  ...change,
});

/** The events of an execution of one step, newest first: it succeeds, or fails with that error. */
export const historyOf = (step: string, error?: string): HistoryEvent[] => {
  const at = (id: number, event: Omit<HistoryEvent, 'id' | 'timestamp'>): HistoryEvent => ({
    ...event,
    id,
    timestamp: new Date(0),
  });
  return [
    at(1, { type: 'ExecutionStarted' }),
    at(2, { type: 'TaskStateEntered', stateEnteredEventDetails: { name: step } }),
    at(3, { type: 'TaskScheduled' }),
    at(
      4,
      error === undefined
        ? { type: 'TaskSucceeded' }
        : { type: 'TaskFailed', taskFailedEventDetails: { resourceType: 'lambda', resource: 'invoke', error } },
    ),
    at(5, { type: error === undefined ? 'ExecutionSucceeded' : 'ExecutionFailed' }),
  ].toReversed();
};
