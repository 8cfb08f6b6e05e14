/**
 * A pause that a failing step has decided and noted itself (ADR 120). The step fails with `PauseNoted`, whose message
 * has the seconds to wait and the name of the step's own error, and quotes no text: what AWS or an API server says
 * cannot be part of it.
 */
import type { ErrorName } from '../failures/errors.ts';

export const PAUSE_NOTED = 'PauseNoted';

/**
 * The form of the whole message, as a regular expression that JavaScript and Step Functions read in the same way. A Wait
 * state accepts up to eight digits.
 */
export const NOTED_PAUSE_FORM = String.raw`\{"seconds":([1-9][0-9]{0,7}),"error":"([A-Za-z]+)"\}`;
const MESSAGE = new RegExp(`^${NOTED_PAUSE_FORM}$`);

/** The error of a step that has noted the pause after which its state is entered again. */
export class PauseNoted extends Error {
  override readonly name = PAUSE_NOTED;
  constructor(pause: { seconds: number; error: ErrorName }) {
    super(JSON.stringify({ seconds: pause.seconds, error: pause.error }));
    // The history of an execution keeps the stack of every error; that of the step's own error is in the log.
    this.stack = PAUSE_NOTED;
  }
}

/** Returns the pause that a failed invocation has noted, from the error of a Task; undefined if it has noted none. */
export function notedPauseOf({
  error,
  cause = '',
}: {
  error?: string | undefined;
  cause?: string | undefined;
}): { seconds: number; error: string } | undefined {
  if (error !== PAUSE_NOTED) return undefined;
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    const [, seconds, name] = MESSAGE.exec(String(errorMessage)) ?? [];
    return seconds === undefined || name === undefined ? undefined : { seconds: Number(seconds), error: name };
  } catch {
    return undefined;
  }
}
