/** What a failure is called, in logs, in the ledger and in what is measured. */
import { isMigrationError } from '../domain/failures/errors.ts';
import { failureMetric } from '../domain/events/metrics.ts';
import { shown } from '../domain/text/text.ts';
import type { Telemetry } from '../ports/index.ts';

/** Characters of a message that are logged and thrown on; one of ours is no longer. */
const LONGEST_MESSAGE = 4000;

/**
 * Anything without one of our names is a defect or a surprise: it keeps its own name, and the state machine treats it
 * as terminal. JSON.parse repeats a piece of what it can't read, which may be anybody's.
 */
export function failureOf(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: 'Error', message: shown(String(error), LONGEST_MESSAGE) };
  if (error instanceof SyntaxError)
    return { name: error.name, message: 'A text could not be read; it is not shown here.' };
  return { name: error.name, message: shown(error.message, LONGEST_MESSAGE) };
}

/** A polling step's "not yet" is no event; a failure is told once, with its name. `step`: whose it is. */
export function reportFailure(step: string, error: unknown, telemetry: Telemetry): void {
  const { name, message } = failureOf(error);
  if (isMigrationError(error)) telemetry.log.warn(`${step}: ${name}`, { error: name, message });
  else telemetry.log.error(`${step}: ${name}`, { error: name, message });
  telemetry.count(name);
  const failure = failureMetric(name, isMigrationError(error));
  if (failure !== undefined) telemetry.count(failure);
}
