import type { Failure } from '../domain/terms/outcome.ts';
import { printable } from '../domain/text/text.ts';

/** The message of a failure that came without a cause, such as a time-out of Step Functions. */
export const NO_CAUSE = 'Step Functions gave no cause: the history of the execution shows the state that failed.';

/** Reads an errorOutput of Step Functions, which has Lambda's errors as JSON in Cause, and its own as plain text. */
export function caughtFailure(output: { Error: string; Cause: string }): Failure {
  try {
    const cause: unknown = JSON.parse(output.Cause);
    if (typeof cause === 'object' && cause !== null && 'errorMessage' in cause)
      return { name: output.Error, message: printable(String(cause.errorMessage)) };
  } catch {
    // Plain text, or cut off JSON, is kept as it is.
  }
  return { name: output.Error, message: printable(output.Cause) || NO_CAUSE };
}
