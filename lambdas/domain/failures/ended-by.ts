/**
 * Separates the failure that ended a rollback from the one that started it: the state machine keeps both in one text.
 */
import type { ErrorName } from './errors.ts';
import type { Check } from '../terms/check.ts';
import type { Failure } from '../terms/outcome.ts';

/** The text between the two failures (`lib/migration/rollback.ts`). */
export const NOT_PUT_BACK_TEXT = 'Putting it back failed too';

export interface EndedBy {
  /** The failure that ended the migration. */
  last: Failure;
  /** The failure that started the rollback. Absent if there was only one failure. */
  earlier?: Failure;
}

/**
 * Returns the parts of a failure. A third party that writes the separating text into an error's message can make it be
 * split, but nothing more.
 */
export function endedBy({ name, message }: Failure): EndedBy {
  const at = message.lastIndexOf(` ${NOT_PUT_BACK_TEXT}: `);
  const [, ended, text] = /^ [^:]+: ([\w.]+): ([^]*)$/.exec(at < 0 ? '' : message.slice(at)) ?? [];
  if (ended === undefined || text === undefined) return { last: { name, message } };
  return { last: { name: ended, message: text }, earlier: { name, message: message.slice(0, at) } };
}

/** Returns whether a failure was ended by that error. */
export const isEndedBy = (failure: Failure | undefined, error: ErrorName): boolean =>
  failure !== undefined && endedBy(failure).last.name === error;

/**
 * The id of the warning with the failure of the latest rollback on demand, if the record's failure is an earlier one.
 */
export const LAST_ROLLBACK = 'last-rollback';

const failureText = ({ name, message }: Failure): string => `${name}: ${message}`;

/** Returns the failures of a migration as text, the latest first. */
export function whyEnded(failure: Failure | undefined, warnings: readonly Check[]): string[] {
  const latest = warnings.filter(({ id }) => id === LAST_ROLLBACK).map(({ message }) => message);
  if (!failure) return latest;
  const { last, earlier } = endedBy(failure);
  return [...latest, failureText(last), ...(earlier ? [failureText(earlier)] : [])];
}
