/**
 * Change windows: when a migration may change things. Schedules are cron's, and are read by croner, which is pure as
 * long as it is given no function to call: every answer here follows from the arguments and the time zones that the
 * runtime's ICU knows.
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';

const [MINUTE, HOUR] = [60_000, 3_600_000];
/**
 * How far ahead an opening is looked for: longer than a year and the most that a yearly one can move (`SUN#1`, a leap
 * day).
 */
export const HORIZON_MS = 400 * 24 * HOUR;
/** The longest that a window may be waited for. */
export const MOST_WINDOW_HOURS = 336;
const FIELDS = ['minute', 'hour', 'day of the month', 'month', 'day of the week'] as const;

const SCHEDULE =
  "must be a cron schedule of five fields (minute, hour, day of the month, month, day of the week), such as '0 22 * * SUN'";
const SELDOM = 'must open at least once in every year; a day such as 29 February or 31 June alone does not';
const ZONE = 'must be the name of a time zone in the IANA database, such as Europe/Berlin or UTC';
/** Of croner's signs but `+`: with it, a schedule may leave years out. */
const FIVE_FIELDS = /^[\w*?,/#-]+( +[\w*?,/#-]+){4}$/;

/**
 * `no-wildcard`: that a start in an hour which the clocks skip is made up for, and one in an hour which they repeat is
 * not repeated, holds for lists and ranges too (`30 1,2 * * *`), and not for single times alone.
 */
const cron = (schedule: string, timezone: string): Cron =>
  new Cron(schedule, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard' });

function isRead(schedule: string): boolean {
  try {
    cron(schedule, 'UTC');
    return true;
  } catch {
    return false;
  }
}

/** Weekdays and leap years come back after these many. */
const CYCLE = Array.from({ length: 28 }, (_, index) => 2024 + index);
const opensEachYear = (schedule: string): boolean =>
  CYCLE.every(
    (year) =>
      cron(schedule, 'UTC')
        .nextRun(new Date(Date.UTC(year, 0, 1) - 1000))
        ?.getUTCFullYear() === year,
  );

/**
 * croner's own errors repeat what was given. Whether it opens is a matter of the calendar, not of today: what was right
 * once stays right.
 */
function problemOf(schedule: string): string | undefined {
  if (!FIVE_FIELDS.test(schedule)) return SCHEDULE;
  const fields = schedule.split(/ +/);
  const wrong = FIELDS.filter(
    (_, index) => !isRead(FIELDS.map((__, other) => (other === index ? fields[index] : '*')).join(' ')),
  );
  if (wrong.length > 0) return `${SCHEDULE}: its ${wrong.join(' and its ')} is not one`;
  if (!isRead(schedule)) return SCHEDULE;
  return opensEachYear(schedule) ? undefined : SELDOM;
}

/** Intl takes offsets such as +02:00 too: those know no summer time. */
const ZONE_NAME = /^[A-Za-z][\w+-]*(\/[\w+-]+)*$/;
function isZone(name: string): boolean {
  if (!ZONE_NAME.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const whole = (least: number, most: number, what: string) => {
  const message = `must be a whole number of ${what} from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

/**
 * When changes may begin: at each start that `schedule` has in `timeZone`, for `durationMinutes`. Where the clocks go
 * forward, a start in the hour that is skipped is at its end; where they go back, a start in the hour that comes twice
 * is at the first. Schedules with `*` or a step for the minute or hour follow the clocks instead: they leave the
 * skipped hour out, and start in both. Source: croner, README, "Pattern".
 */
export const changeWindow = z
  .strictObject({
    schedule: z
      .string(SCHEDULE)
      .max(100, { error: 'must have at most 100 characters', abort: true })
      .superRefine((schedule, refinement) => {
        const message = problemOf(schedule);
        if (message !== undefined) refinement.addIssue({ code: 'custom', message });
      })
      .meta({ pattern: FIVE_FIELDS.source })
      .describe(
        'When the window opens: a cron schedule of five fields (minute, hour, day of the month, month, day of the week), that opens at least once in every year.',
      ),
    durationMinutes: whole(15, 10_080, 'minutes').describe(
      'How long it stays open each time, in minutes: from 15 to 10080 (a week).',
    ),
    timeZone: z
      .string(ZONE)
      .max(64, { error: 'must have at most 64 characters', abort: true })
      .refine(isZone, ZONE)
      .meta({ pattern: ZONE_NAME.source })
      .describe('Time zone of the schedule, by its name in the IANA database, such as `Europe/Berlin` or `UTC`.'),
    waitAtMostHours: whole(1, MOST_WINDOW_HOURS, 'hours')
      .default(336)
      .describe(
        'How long a migration waits for the window at most, in hours: up to 336 (two weeks). Then it ends `blocked`.',
      ),
  })
  .register(schemaNames, { name: 'ChangeWindow' });
export type ChangeWindow = z.infer<typeof changeWindow>;

/** Names a window in a message. */
export const windowText = ({ schedule, timeZone }: Pick<ChangeWindow, 'schedule' | 'timeZone'>): string =>
  `The change window (${schedule}, ${timeZone})`;

/** What follows needs no limit to the wait. */
type Openings = Omit<ChangeWindow, 'waitAtMostHours'>;

/** The first start at or after `now` (both in milliseconds since 1970); undefined where none comes within 400 days. */
export function nextOpening({ schedule, timeZone }: Openings, now: number): number | undefined {
  // croner looks for starts after the given second.
  const start = cron(schedule, timeZone)
    .nextRun(new Date(Math.ceil(now / 1000) * 1000 - 1000))
    ?.getTime();
  return start === undefined || start - now > HORIZON_MS ? undefined : start;
}

/** Whether there is a start s with s <= now < s + duration. */
export function isOpen(window: Openings, now: number): boolean {
  const start = nextOpening(window, now - window.durationMinutes * MINUTE + 1);
  return start !== undefined && start <= now;
}

/**
 * When the opening that `now` falls into closes, in milliseconds since 1970: of several, the one that began last.
 * Undefined while it is closed.
 */
export function openUntil(window: Openings, now: number): number | undefined {
  const start = cron(window.schedule, window.timeZone)
    .previousRuns(1, new Date(Math.floor(now / 1000) * 1000 + 1000))[0]
    ?.getTime();
  const end = start === undefined ? now : start + window.durationMinutes * MINUTE;
  return now < end ? end : undefined;
}
