/**
 * Computes when a schedule is due. Sources: EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler"
 * and "Time zones in EventBridge Scheduler": a time that the clocks skip is left out, and a time that they repeat
 * occurs once.
 */
import { Cron } from 'croner';

export interface Timing {
  /**
   * Returns the first time at or after `from` (milliseconds since 1970); undefined if there is none. `since` is the
   * start of a rate.
   */
  next: (from: number, since: number) => number | undefined;
}

const MILLISECONDS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

const rateOf = (text: string): Timing | undefined => {
  const [, count = '', unit = '', plural = ''] = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const every = Number(count) * (MILLISECONDS[unit] ?? 0);
  // Unlike in a rule, a unit may be singular or plural for any number.
  if (!(every > 0) || plural.length > 1) return undefined;
  return { next: (from, since) => (from <= since ? since : since + Math.ceil((from - since) / every) * every) };
};

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * Converts days of the week: 1 (Sunday) to 7 in Scheduler, 0 to 6 in croner; `6L` is the last Friday, `6#3` the third.
 */
const dayOfWeek = (field: string): string =>
  field
    .split(',')
    .map((part) =>
      part === 'L'
        ? 'SAT'
        : part
            .replace(/^([1-7]|[A-Z]{3})L$/, '$1#L')
            .replaceAll(/(?<![#/\w])[1-7](?!\w)/g, (day) => DAYS[Number(day) - 1] ?? day),
    )
    .join(',');

/**
 * Expands `0/15` to a range up to the field's end; also writes out `*` for hours and minutes, so that croner returns
 * each time of the day once.
 */
const upTo =
  (least: number, most: number) =>
  (field: string): string =>
    field
      .split(',')
      .map((part) => part.replace(/^\*/, `${least}-${most}`).replace(/^(\d+)\//, `$1-${most}/`))
      .join(',');

const any = (field: string): string => (field === '?' ? '*' : field);

const cronOf = (text: string, timeZone: string): Timing | undefined => {
  const [, body = ''] = /^cron\(([\w ?*,/#-]+)\)$/.exec(text) ?? [];
  const [minute = '', hour = '', day = '', month = '', weekday = '', year, ...more] = body.split(' ');
  // "You can't specify the day-of-month and day-of-week fields in the same cron expression": one of them is `?`.
  if (year === undefined || more.length > 0 || (day !== '?' && weekday !== '?') || (day === '?' && weekday === '?'))
    return undefined;
  const pattern = [
    '0',
    upTo(0, 59)(minute),
    upTo(0, 23)(hour),
    any(day).replace(/^(\d+)\//, '$1-31/'),
    any(month).replace(/^(\d+)\//, '$1-12/'),
    dayOfWeek(any(weekday)),
    year,
  ].join(' ');
  let cron: Cron;
  try {
    cron = new Cron(pattern, { timezone: timeZone, mode: '7-part', fixedTimeRule: 'no-wildcard' });
  } catch {
    return undefined;
  }
  const next = (from: number): number | undefined => {
    // croner returns times later than the given one.
    let at = cron.nextRun(new Date(from - 1));
    // croner moves a time that the clocks skip to the next existing time, which does not match the pattern.
    while (at && !cron.match(at)) at = cron.nextRun(at);
    return at?.getTime();
  };
  return { next };
};

const atOf = (text: string, timeZone: string): Timing | undefined => {
  const [, stamp] = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(text) ?? [];
  if (stamp === undefined || Number.isNaN(Date.parse(`${stamp}Z`))) return undefined;
  const at = new Cron(stamp, { timezone: timeZone }).nextRun(new Date(0))?.getTime();
  return { next: (from) => (at !== undefined && at >= from ? at : undefined) };
};

/** Returns undefined for an invalid Scheduler expression. `timeZone` is a name from the IANA database. */
export const parseExpression = (text: string, timeZone: string): Timing | undefined =>
  rateOf(text) ?? cronOf(text, timeZone) ?? atOf(text, timeZone);
