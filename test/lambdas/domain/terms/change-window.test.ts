import { assert, constant, constantFrom, integer, oneof, pre, property, record, tuple, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeWindow, isOpen, nextOpening, openUntil } from '../../../../lambdas/domain/terms/change-window.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (iso: string): number => Date.parse(iso);
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toISOString();
const aWindow = { schedule: '0 22 * * SUN', durationMinutes: 120, timeZone: 'Europe/Berlin', waitAtMostHours: 336 };
const daily = (schedule: string, timeZone: string, durationMinutes = 60) => {
  return { ...aWindow, schedule, timeZone, durationMinutes };
};

const zones = [
  ['UTC', 'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Australia/Lord_Howe', 'Africa/Cairo'],
  ['Asia/Kathmandu', 'Pacific/Chatham', 'America/Santiago', 'Africa/Casablanca'],
].flat();

/** Hour, minute and the rest, as a clock on the wall there shows them. */
function wallClock(time: number, timeZone: string): string {
  const numeric = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, hourCycle: 'h23', ...numeric }).formatToParts(time);
  const of = (type: string): string => parts.find((part) => part.type === type)!.value;
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}`;
}

/** The first three in reach of `from`. */
function openings(window: Parameters<typeof nextOpening>[0], from: string, count = 3): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let now = at(from);
  while (found.length < count) {
    const start = nextOpening(window, now)!;
    found.push(iso(start));
    now = start + 1;
  }
  return found;
}

describe('changeWindow', () => {
  const problems = (given: unknown): string[] =>
    changeWindow.safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

  it('waits two weeks at most, unless less is requested', () =>
    expect(changeWindow.parse({ schedule: '0 22 * * SUN', durationMinutes: 120, timeZone: 'Europe/Berlin' })).toEqual(
      aWindow,
    ));

  it.each(
    [
      ['0 22 * * SUN', '0 22 * * 0', '*/15 * * * *', '0  1 * * *', '0 1,2 1-7 JAN-MAR MON-FRI', '0 22 L * *'],
      ['0 22 * * SUN#1', '0 22 15W * *', '0 22 ? * SAT,SUN', '0 22 29 2,3 *', '0 22 29 2 MON'],
    ].flat(),
  )('takes the schedule %s', (schedule) => expect(problems({ ...aWindow, schedule })).toEqual([]));

  it.each(
    [
      ['', '22', '0 22 * *', '0 0 22 * * SUN', '0 0 22 * * SUN 2027', '@daily', '@reboot', '2027-01-01T00:00:00'],
      [' 0 22 * * SUN', '0 22 * * SUN\n', '0\t22 * * SUN', '0 22 * * +SUN', '0 22 1 * \u0660'],
    ].flat(),
  )('refuses the schedule %j', (schedule) =>
    expect(problems({ ...aWindow, schedule })).toEqual([
      "schedule: must be a cron schedule of five fields (minute, hour, day of the month, month, day of the week), such as '0 22 * * SUN'",
    ]),
  );

  it.each([
    ['60 22 * * SUN', 'the field minute is not valid'],
    ['0 24 * * SUN', 'the field hour is not valid'],
    ['0 22 32 * SUN', 'the field day of the month is not valid'],
    ['0 22 * 13 SUN', 'the field month is not valid'],
    ['0 22 * * SONNTAG', 'the field day of the week is not valid'],
    ['0 22 * * SUN#6', 'the field day of the week is not valid'],
    ['5/5 22 * * 8', 'the fields minute and day of the week are not valid'],
    ['hunter2 22 * * SUN', 'the field minute is not valid'],
  ])('names the wrong field in %s, and does not repeat the input', (schedule, said) => {
    const [problem, ...others] = problems({ ...aWindow, schedule });
    expect(others).toEqual([]);
    expect(problem).toContain(said);
    expect(problem).not.toContain('hunter2');
  });

  it.each(['0 22 30 2 *', '0 22 31 2,4,6,9,11 *', '0 22 29 2 *', '0 22 30W 2 *', '0 22 * 2 SUN#5'])(
    'refuses %s, which leaves years out',
    (schedule) =>
      expect(problems({ ...aWindow, schedule })).toEqual([
        'schedule: must open at least once every year; a day such as 29 February or 31 June alone does not',
      ]),
  );

  const noZones = ['', 'Berlin', 'Europe/Atlantis', '+02:00', 'Europe/Berlin\n', '../etc/localtime', '__proto__'];
  it.each([...noZones, 'x'.repeat(65)])('refuses the time zone %j', (timeZone) => {
    expect(problems({ ...aWindow, timeZone })).toHaveLength(1);
    expect(problems({ ...aWindow, timeZone })[0]).toMatch(/^timeZone: must/);
  });

  it.each([
    ['durationMinutes', 14],
    ['durationMinutes', 10_081],
    ['durationMinutes', 30.5],
    ['durationMinutes', '60'],
    ['waitAtMostHours', 0],
    ['waitAtMostHours', 337],
    ['waitAtMostHours', Number.NaN],
  ])('refuses %s %j', (field, value) =>
    expect(problems({ ...aWindow, [field]: value })).toEqual([
      expect.stringMatching(`^${field}: must be a whole number of (minutes|hours) from \\d+ to \\d+$`),
    ]),
  );

  it('refuses unknown fields', () => expect(problems({ ...aWindow, timezone: 'UTC' })).toHaveLength(1));

  it('refuses invalid schedules quickly', () => {
    const started = performance.now();
    const long = [`${'*,'.repeat(49)}* * * * *`, `${'0-59,'.repeat(15)}0 * * * *`, `0 22 ${'31,'.repeat(25)}31 2 *`];
    for (const schedule of [...long, '* '.repeat(300_000)]) changeWindow.safeParse({ ...aWindow, schedule });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('an opening', () => {
  it('is found from its start, and is open until its end', () => {
    const start = at('2026-11-29T21:00:00Z');
    expect(iso(nextOpening(aWindow, at('2026-11-26T09:00:00.123Z')))).toBe(iso(start));
    expect(nextOpening(aWindow, start)).toBe(start);
    expect(iso(nextOpening(aWindow, start + 1))).toBe('2026-12-06T21:00:00.000Z');
    const around = [start - 1, start, start + 2 * HOUR - 1, start + 2 * HOUR];
    expect(around.map((now) => isOpen(aWindow, now))).toEqual([false, true, true, false]);
    const until = '2026-11-29T23:00:00.000Z';
    expect(around.map((now) => iso(openUntil(aWindow, now)))).toEqual([undefined, until, until, undefined]);
  });

  it('is of the first Sunday of a month', () =>
    expect(openings(daily('0 22 * * SUN#1', 'UTC'), '2026-11-26T00:00:00Z')).toEqual([
      '2026-12-06T22:00:00.000Z',
      '2027-01-03T22:00:00.000Z',
      '2027-02-07T22:00:00.000Z',
    ]));

  it('does not exist if the next one is more than 400 days away', () => {
    const leapDay = daily('0 22 29 2 *', 'UTC');
    expect(nextOpening(leapDay, at('2026-11-26T00:00:00Z'))).toBeUndefined();
    expect(iso(nextOpening(leapDay, at('2027-11-26T00:00:00Z')))).toBe('2028-02-29T22:00:00.000Z');
  });
});

describe('when the clocks change', () => {
  it.each([
    ['Berlin', 'a skipped time is at the end', '30 2 * * *', '03-28 00', '03-28 02:30, 03-29 03:00, 03-30 02:30'],
    ['Berlin', 'in a list as well', '30 2,14 * * *', '03-28 13', '03-28 14:30, 03-29 03:00, 03-29 14:30'],
    ['Berlin', 'and of several', '10,30 2 * * *', '03-28 01', '03-28 02:10, 03-28 02:30, 03-29 03:00, 03-30 02:10'],
    ['Cairo', 'a skipped midnight too', '0 0 * * *', '04-23 12', '04-24 01:00, 04-25 00:00, 04-26 00:00'],
    ['Lord_Howe', 'by half an hour too', '15 2 * * *', '10-02 16', '10-04 02:30, 10-05 02:15, 10-06 02:15'],
    ['New_York', 'a step leaves it out', '0 */1 * * *', '03-08 06', '03-08 01:00, 03-08 03:00, 03-08 04:00'],
  ])('in %s, %s', (city, _, schedule, from, expected) => {
    const timeZone = zones.find((zone) => zone.endsWith(city))!;
    const local = expected.split(', ');
    const found = openings(daily(schedule, timeZone), `2026-${from.replace(' ', 'T')}:00:00Z`, local.length);
    expect(found.map((start) => wallClock(at(start!), timeZone))).toEqual(local.map((time) => `2026-${time}`));
  });

  it('a time that occurs twice opens once, at the first', () => {
    expect(openings(daily('30 2 * * *', 'Europe/Berlin'), '2026-10-24T00:00:00Z')).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(openings(daily('30 2,14 * * *', 'Europe/Berlin'), '2026-10-25T00:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T13:30:00.000Z',
    ]);
  });

  it('a window has its usual duration', () => {
    const nightly = daily('0 22 * * *', 'Europe/Berlin', 480);
    expect(iso(openUntil(nightly, at('2026-03-28T23:00:00Z')))).toBe('2026-03-29T05:00:00.000Z');
    expect(iso(openUntil(nightly, at('2026-10-24T23:00:00Z')))).toBe('2026-10-25T04:00:00.000Z');
  });
});

describe('every window', () => {
  const list = (least: number, most: number) =>
    uniqueArray(integer({ min: least, max: most }), { minLength: 1, maxLength: 3 }).map((numbers) => numbers.join(','));
  const field = (least: number, most: number) =>
    oneof(
      constant('*'),
      list(least, most),
      integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
    );
  const schedule = tuple(
    oneof(list(0, 59), constantFrom('*/15', '0')),
    field(0, 23),
    field(1, 28),
    oneof(constant('*'), list(1, 12)),
    oneof(constant('*'), list(0, 6), constantFrom('SUN#1', 'MON-FRI')),
  ).map((fields) => fields.join(' '));
  const window = record({
    schedule,
    timeZone: constantFrom(...zones),
    durationMinutes: integer({ min: 15, max: 10_080 }),
  });
  // Half of the instants lie around a change of the clocks.
  const changes = [
    ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'],
    ['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z', '2026-04-23T22:00:00Z', '2026-10-29T21:00:00Z'],
    ['2026-02-15T02:00:00Z'],
  ].flat();
  const now = oneof(
    integer({ min: at('2024-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') }),
    tuple(constantFrom(...changes), integer({ min: -2 * DAY, max: 2 * DAY })).map(
      ([change, offset]) => at(change) + offset,
    ),
  );

  it('opens exactly at the next start', () =>
    assert(
      property(window, now, (given, time) => {
        const start = nextOpening(given, time);
        pre(start !== undefined);
        expect(start).toBeGreaterThanOrEqual(time);
        expect(start % MINUTE).toBe(0);
        expect(nextOpening(given, start)).toBe(start);
        expect([isOpen(given, start), isOpen(given, start + given.durationMinutes * MINUTE - 1)]).toEqual([true, true]);
        // Between now and the next start nothing begins: what is open just before it is open now.
        expect(start > time && isOpen(given, start - 1) && !isOpen(given, time)).toBe(false);
        expect(nextOpening(given, Math.floor((time + start) / 2))).toBe(start);
      }),
      { numRuns: 300 },
    ));

  it('is open for its duration after each start', () =>
    assert(
      property(window, now, (given, time) => {
        // By going through all the starts that count, instead of asking for the first or the last.
        const starts: number[] = [];
        for (
          let start = nextOpening(given, time - given.durationMinutes * MINUTE + 1);
          start !== undefined && start <= time;
          start = nextOpening(given, start + 1)
        )
          starts.push(start);
        expect(isOpen(given, time)).toBe(starts.length > 0);
        expect(openUntil(given, time)).toBe(
          starts.length > 0 ? starts.at(-1)! + given.durationMinutes * MINUTE : undefined,
        );
      }),
      { numRuns: 200 },
    ));

  it('starts at the local time of the schedule, or at the end of a gap', () => {
    const hours = integer({ min: 0, max: 23 });
    assert(
      property(hours, constantFrom(0, 10, 30, 59), constantFrom(...zones), now, (hour, minute, timeZone, time) => {
        const start = nextOpening(daily(`${minute} ${hour} * * *`, timeZone), time)!;
        const [, shown] = wallClock(start, timeZone).split(' ');
        const wanted = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        if (shown === wanted) return;
        // The clock jumped here: a minute ago it showed less than was wanted, and now it shows more.
        const [, earlier] = wallClock(start - MINUTE, timeZone).split(' ');
        expect([earlier! < wanted || earlier === '23:59', shown! > wanted]).toEqual([true, true]);
      }),
      { numRuns: 500 },
    );
  });
});
