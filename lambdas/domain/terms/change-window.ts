/**
 * Change windows: when a migration may make changes. Schedules are cron expressions, parsed by croner, which is pure as
 * long as it gets no function to call: every result here depends only on the arguments and on the time zones of the
 * runtime's ICU.
 */
import { Cron } from 'croner';
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';

const [MINUTE, HOUR] = [60_000, 3_600_000];
/**
 * How far ahead the search for an opening goes: longer than a year plus the most by which a yearly opening can move
 * (`SUN#1`, a leap day).
 */
export const HORIZON_MS = 400 * 24 * HOUR;
/** The longest wait for a window. */
export const MOST_WINDOW_HOURS = 336;
const FIELDS = ['minute', 'hour', 'day of the month', 'month', 'day of the week'] as const;

const SCHEDULE =
  "must be a cron schedule of five fields (minute, hour, day of the month, month, day of the week), such as '0 22 * * SUN'";
const SELDOM = 'must open at least once every year; a day such as 29 February or 31 June alone does not';
const ZONE = 'must be the name of a time zone in the IANA database, such as Europe/Berlin or UTC';
/** Allows all of croner's symbols except `+`, with which a schedule could skip years. */
const FIVE_FIELDS = /^[\w*?,/#-]+( +[\w*?,/#-]+){4}$/;

/**
 * `no-wildcard`: a start in an hour that the clocks skip is made up for, and a start in an hour that they repeat is not
 * repeated, also for lists and ranges (`30 1,2 * * *`) and not only for single times.
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

/** The pattern of weekdays and leap years repeats after 28 years. */
const CYCLE = Array.from({ length: 28 }, (_, index) => 2024 + index);
const opensEachYear = (schedule: string): boolean =>
  CYCLE.every(
    (year) =>
      cron(schedule, 'UTC')
        .nextRun(new Date(Date.UTC(year, 0, 1) - 1000))
        ?.getUTCFullYear() === year,
  );

/**
 * Returns what is wrong with a schedule; `undefined` if it is valid. croner's own errors are not used, since they repeat
 * the input. The result depends on the calendar, not on the current date: a schedule that was valid once stays valid.
 */
function problemOf(schedule: string): string | undefined {
  if (!FIVE_FIELDS.test(schedule)) return SCHEDULE;
  const fields = schedule.split(/ +/);
  const wrong = FIELDS.filter(
    (_, index) => !isRead(FIELDS.map((__, other) => (other === index ? fields[index] : '*')).join(' ')),
  );
  if (wrong.length > 0)
    return `${SCHEDULE}: the ${wrong.length === 1 ? 'field' : 'fields'} ${wrong.join(' and ')} ${wrong.length === 1 ? 'is' : 'are'} not valid`;
  if (!isRead(schedule)) return SCHEDULE;
  return opensEachYear(schedule) ? undefined : SELDOM;
}

/** Who waits reads its window again at each poll, and to judge a schedule takes two milliseconds. */
let last: { schedule: string; problem: string | undefined } | undefined;
function problemSeen(schedule: string): string | undefined {
  if (last?.schedule !== schedule) last = { schedule, problem: problemOf(schedule) };
  return last.problem;
}

/** Intl accepts offsets such as +02:00 too, which have no daylight saving time. */
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
 * When changes may begin: at each start of `schedule` in `timeZone`, for `durationMinutes`. When the clocks go forward,
 * a
 * start in the skipped hour moves to the end of that hour; when they go back, a start in the repeated hour happens the
 * first time only. Schedules with `*` or a step for the minute or hour follow the clocks instead: they omit the skipped
 * hour, and start in both repeated hours. Source: croner, README, "Pattern".
 */
export const changeWindow = z
  .strictObject({
    schedule: z
      .string(SCHEDULE)
      .max(100, { error: 'must have at most 100 characters', abort: true })
      .superRefine((schedule, refinement) => {
        const message = problemSeen(schedule);
        if (message !== undefined) refinement.addIssue({ code: 'custom', message });
      })
      .meta({ pattern: FIVE_FIELDS.source })
      .describe(
        'When the window opens: a cron schedule of five fields (minute, hour, day of the month, month, day of the week). It must open at least once every year.',
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
        'The longest time that a migration waits for the window, in hours: up to 336 (two weeks). After that it ends `blocked`.',
      ),
  })
  .register(schemaNames, { name: 'ChangeWindow' });
export type ChangeWindow = z.infer<typeof changeWindow>;

/** Returns the name of a window for a message. */
export const windowText = ({ schedule, timeZone }: Pick<ChangeWindow, 'schedule' | 'timeZone'>): string =>
  `The change window (${schedule}, ${timeZone})`;

/** A window without the limit for the wait. */
type Openings = Omit<ChangeWindow, 'waitAtMostHours'>;

/**
 * Returns the first start at or after `now` (in milliseconds since 1970); `undefined` if there is none within 400 days.
 */
export function nextOpening({ schedule, timeZone }: Openings, now: number): number | undefined {
  // croner finds starts after the given second.
  const start = cron(schedule, timeZone)
    .nextRun(new Date(Math.ceil(now / 1000) * 1000 - 1000))
    ?.getTime();
  return start === undefined || start - now > HORIZON_MS ? undefined : start;
}

/** Returns whether there is a start s with s <= now < s + duration. */
export function isOpen(window: Openings, now: number): boolean {
  const start = nextOpening(window, now - window.durationMinutes * MINUTE + 1);
  return start !== undefined && start <= now;
}

/**
 * Returns when the current opening closes, in milliseconds since 1970; if several overlap, the one that began last.
 * Returns `undefined` while the window is closed.
 */
export function openUntil(window: Openings, now: number): number | undefined {
  const start = cron(window.schedule, window.timeZone)
    .previousRuns(1, new Date(Math.floor(now / 1000) * 1000 + 1000))[0]
    ?.getTime();
  const end = start === undefined ? now : start + window.durationMinutes * MINUTE;
  return now < end ? end : undefined;
}
