/** When it is worth to look again at something that is under way: the header Retry-After. */
import { isOpenRetirement, type Retirement } from '../domain/trust/retirement.ts';

/** Seconds; a step takes some of them. */
const AT_WORK = 5;
/** While a person, a window or the end of an outage is waited for. */
const WAITING = 30;

/** For whatever was accepted, and goes on from now on. */
export const AFTER_ACCEPTED = String(AT_WORK);

/** Nothing for what is over, and is not being retired. */
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
