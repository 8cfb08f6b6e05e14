/** Names failures in logs, in the ledger and in metrics. */
import { isMigrationError } from '../domain/failures/errors.ts';
import { failureMetric } from '../domain/events/metrics.ts';
import { shown } from '../domain/text/text.ts';
import type { Telemetry } from '../ports/index.ts';

/** The most characters of a message that are logged and thrown; the service's own messages are not longer. */
const LONGEST_MESSAGE = 4000;

/**
 * Returns the name and message of an error. An error without one of the service's names is a defect or unexpected: it keeps
 * its own name, and the state machine treats it as terminal. JSON.parse repeats a part of what it can't read, which may be
 * confidential and is not shown.
 */
export function failureOf(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: 'Error', message: shown(String(error), LONGEST_MESSAGE) };
  if (error instanceof SyntaxError)
    return { name: error.name, message: 'A text could not be parsed. It is not shown, since it may be confidential.' };
  return { name: error.name, message: shown(error.message, LONGEST_MESSAGE) };
}

/** Logs and counts a failure once, under its name. A polling step's "not yet" is not an error. `step` is the step's name. */
export function reportFailure(step: string, error: unknown, telemetry: Telemetry): void {
  const { name, message } = failureOf(error);
  if (isMigrationError(error)) telemetry.log.warn(`${step}: ${name}`, { error: name, message });
  else telemetry.log.error(`${step}: ${name}`, { error: name, message });
  telemetry.count(name);
  const failure = failureMetric(name, isMigrationError(error));
  if (failure !== undefined) telemetry.count(failure);
}
