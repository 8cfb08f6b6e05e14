import type { Catcher, Retrier } from './definition.ts';

/** Limits of the Step Functions API: ExecutionFailedEventDetails. */
const MAX_ERROR = 256;
const MAX_CAUSE = 32_768;

/** A failure in Step Functions' terms: what Retry, Catch and the execution's end see. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure';
  /** Absent for a Fail state without an error. */
  readonly error: string | undefined;
  readonly failureCause: string | undefined;
  /** Another name under which a Retry or Catch may match it. */
  readonly alias: string | undefined;

  constructor(error: string | undefined, failureCause?: string, alias?: string) {
    super(`${error ?? 'failure'}: ${failureCause ?? ''}`);
    this.error = error?.slice(0, MAX_ERROR);
    this.failureCause = failureCause?.slice(0, MAX_CAUSE);
    this.alias = alias;
  }

  /** Returns `$states.errorOutput`: the `error` and `cause` of events under other names. */
  output(): { Error?: string; Cause?: string } {
    return {
      ...(this.error === undefined ? {} : { Error: this.error }),
      ...(this.failureCause === undefined ? {} : { Cause: this.failureCause }),
    };
  }

  details(): { error?: string; cause?: string } {
    return {
      ...(this.error === undefined ? {} : { error: this.error }),
      ...(this.failureCause === undefined ? {} : { cause: this.failureCause }),
    };
  }
}

/** The cause that Step Functions reports for a timeout: the scenario's knob `timeoutCause`. */
export type TimeoutCause = 'empty' | 'absent' | 'text';

/** A task timed out. The failure has no cause in the history, except with `text`, even if a Catch gets one. */
export class TimedOut extends StateFailure {
  private readonly given: TimeoutCause;

  constructor(given: TimeoutCause, alias?: string) {
    super('States.Timeout', given === 'text' ? 'The task did not end in time.' : undefined, alias);
    this.given = given;
  }

  override output(): { Error?: string; Cause?: string } {
    return { ...super.output(), ...(this.given === 'empty' ? { Cause: '' } : {}) };
  }
}

/** Unwinds a branch that is no longer needed: its execution has ended or a sibling has failed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Returns whether a Retry or Catch matches the error. Source: Step Functions Developer Guide, "Handling errors":
 * nothing matches States.Runtime, States.ALL excludes States.DataLimitExceeded, and States.TaskFailed excludes
 * States.Timeout.
 */
export const handles = (
  { ErrorEquals: names }: Pick<Retrier | Catcher, 'ErrorEquals'>,
  { error = '', alias }: Pick<StateFailure, 'error' | 'alias'>,
): boolean => {
  if (error === 'States.Runtime') return false;
  if (names.includes(error) || (alias !== undefined && names.includes(alias))) return true;
  if (error === 'States.DataLimitExceeded') return false;
  return names.includes('States.ALL') || (names.includes('States.TaskFailed') && error !== 'States.Timeout');
};
