/** The failure that has ended a rollback, and the earlier one that it was for: the state machine keeps both in one text. */
import type { ErrorName } from './errors.ts';
import type { Failure } from './model.ts';

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
