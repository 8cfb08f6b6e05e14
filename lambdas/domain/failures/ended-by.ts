/** The failure that has ended a rollback, and the earlier one that it was for: the state machine keeps both in one text. */
import type { ErrorName } from './errors.ts';
import type { Check, Failure } from '../migration/model.ts';

/** Comes between the two (`lib/migration/rollback.ts`). */
export const NOT_PUT_BACK_TEXT = 'Putting it back failed too';

export interface EndedBy {
  /** What has ended it. */
  last: Failure;
  /** What it was put back for; absent where one failure is all. */
  earlier?: Failure;
}

/** Returns the parts of a failure. Whoever writes the same words into an error's text can have it divided, and no more. */
export function endedBy({ name, message }: Failure): EndedBy {
  const at = message.lastIndexOf(` ${NOT_PUT_BACK_TEXT}: `);
  const [, ended, text] = /^ [^:]+: ([\w.]+): ([^]*)$/.exec(at < 0 ? '' : message.slice(at)) ?? [];
  if (ended === undefined || text === undefined) return { last: { name, message } };
  return { last: { name: ended, message: text }, earlier: { name, message: message.slice(0, at) } };
}

/** Whether that error of ours has ended it. */
export const isEndedBy = (failure: Failure | undefined, error: ErrorName): boolean =>
  failure !== undefined && endedBy(failure).last.name === error;

/** The warning with what has ended the latest rollback on demand, where the record's failure is of an earlier end. */
export const LAST_ROLLBACK = 'last-rollback';

const failureText = ({ name, message }: Failure): string => `${name}: ${message}`;

/** Returns why a migration ended as it did, the latest failure first, and then those that came before it. */
export function whyEnded(failure: Failure | undefined, warnings: readonly Check[]): string[] {
  const latest = warnings.filter(({ id }) => id === LAST_ROLLBACK).map(({ message }) => message);
  if (!failure) return latest;
  const { last, earlier } = endedBy(failure);
  return [...latest, failureText(last), ...(earlier ? [failureText(earlier)] : [])];
}
