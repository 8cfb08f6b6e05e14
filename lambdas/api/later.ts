/** The header Retry-After: when to read the state of work in progress again. */
import { isOpenRetirement, type Retirement } from '../domain/record/retirement.ts';

/** Seconds while steps are running; a step takes a few seconds. */
const AT_WORK = 5;
/** Seconds while the migration waits for a person, a change window or the end of an outage. */
const WAITING = 30;

/** Value for a request that was accepted and is now being carried out. */
export const AFTER_ACCEPTED = String(AT_WORK);

/** Returns no header for a migration that has ended and is not being retired. */
export const retryLater = ({
  status,
  waitingFor,
  retirement,
}: {
  status: string;
  waitingFor?: object | undefined;
  retirement?: Pick<Retirement, 'state'> | undefined;
}): Record<string, string> =>
  status === 'ended' && !isOpenRetirement(retirement)
    ? {}
    : { 'retry-after': String(waitingFor === undefined ? AT_WORK : WAITING) };
