/**
 * The errors of this service that a state of the state machines pauses for, because they may pass with time. The state
 * machines pause for errors of Lambda in addition (`lib/migration/errors.ts`).
 */
import { type ErrorName, namesOfClass } from '../failures/errors.ts';

/** Errors that are not caused by the migration. A state has one quick retry for them before it pauses. */
export const OUTAGE_ERRORS: readonly ErrorName[] = [
  'Throttled',
  'ServiceUnavailable',
  'ConnectionLost',
  // Too little of the invocation was left to start the change; the next invocation has its full time.
  'OutOfTime',
];

/**
 * Errors for which a state pauses at once: all others that may pass with time, including the answers "not yet" of
 * polls. `AwaitWindow` itself waits for change windows.
 */
const OTHER_ERRORS: readonly ErrorName[] = [
  ...namesOfClass('retryable').filter((error) => !OUTAGE_ERRORS.includes(error)),
  ...namesOfClass('waiting').filter((error) => error !== 'WindowClosed' && error !== 'WindowFarOff'),
];

/**
 * Returns the errors of this service that a state pauses for. A rollback also waits for a missing right (`pause.ts`):
 * the add-on may be deleted, and a person can grant the right again.
 */
export const pausedErrors = ({ back }: { back: boolean }): readonly ErrorName[] => [
  ...OUTAGE_ERRORS,
  ...OTHER_ERRORS,
  ...(back ? (['AccessDenied'] as const) : []),
];
