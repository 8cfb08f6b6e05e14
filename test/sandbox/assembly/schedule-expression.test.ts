import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExpression } from '../../../sandbox/assembly/schedule-expression.ts';
import { forAll } from '../../for-all.ts';

const at = (time: string): number => Date.parse(time);
const nextOf = (expression: string, from: string, zone = 'UTC', since = from): string | undefined => {
  const next = parseExpression(expression, zone)!.next(at(from), at(since));
  return next === undefined ? undefined : new Date(next).toISOString().replace(':00.000Z', 'Z');
};
const several = (expression: string, from: string, count: number, zone = 'UTC'): string[] => {
  const times: string[] = [];
  let next: number | undefined = at(from);
  for (let index = 0; index < count && next !== undefined; index += 1) {
    next = parseExpression(expression, zone)!.next(next, at(from));
    if (next === undefined) break;
    times.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    next += 1;
  }
  return times;
};

test('rate starts at once, and repeats', () => {
  expect(several('rate(6 hours)', '2026-01-15T09:00:00Z', 3)).toEqual([
    '2026-01-15T09:00Z',
    '2026-01-15T15:00Z',
    '2026-01-15T21:00Z',
  ]);
  expect(nextOf('rate(1 day)', '2026-01-15T09:00:00Z', 'UTC', '2026-01-20T00:00:00Z')).toBe('2026-01-20T00:00Z');
  expect(nextOf('rate(2 minute)', '2026-01-15T09:01:00Z', 'UTC', '2026-01-15T09:00:00Z')).toBe('2026-01-15T09:02Z');
});

describe('cron', () => {
  const atNine = (...days: string[]): string[] => days.map((day) => `2026-${day}T09:00Z`);
  test.each([
    ['every day at 9', 'cron(0 9 * * ? *)', atNine('01-15', '01-16', '01-17')],
    ['on weekdays by name', 'cron(0 9 ? * MON-FRI *)', atNine('01-15', '01-16', '01-19')],
    ['on weekdays, with Sunday as 1', 'cron(0 9 ? * 2-6 *)', atNine('01-15', '01-16', '01-19')],
    ['on Sundays and Saturdays', 'cron(0 9 ? * 1,7 *)', atNine('01-17', '01-18', '01-24')],
    [
      'each quarter of an hour from ten past',
      'cron(10/15 9 * * ? *)',
      ['2026-01-15T09:10Z', '2026-01-15T09:25Z', '2026-01-15T09:40Z'],
    ],
    ['on the last Friday', 'cron(0 9 ? * 6L *)', atNine('01-30', '02-27', '03-27')],
    ['on the third Friday', 'cron(0 9 ? * 6#3 *)', atNine('01-16', '02-20', '03-20')],
    ['on the last day', 'cron(0 9 L * ? *)', atNine('01-31', '02-28', '03-31')],
    ['on the weekday nearest the 15th', 'cron(0 9 15W * ? *)', atNine('01-15', '02-16', '03-16')],
    ['in certain years', 'cron(0 9 1 JAN ? 2027-2028)', ['2027-01-01T09:00Z', '2028-01-01T09:00Z']],
  ])('%s', (_, expression, expected) => expect(several(expression, '2026-01-15T09:00:00Z', 3)).toEqual(expected));

  test('in its time zone: a time that the clocks skip is left out, a repeated time occurs once', () => {
    expect(several('cron(30 2 * * ? *)', '2026-03-28T00:00:00Z', 3, 'Europe/Berlin')).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-30T00:30Z',
      '2026-03-31T00:30Z',
    ]);
    expect(several('cron(30 2 * * ? *)', '2026-10-24T00:00:00Z', 3, 'Europe/Berlin')).toEqual([
      '2026-10-24T00:30Z',
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
    expect(several('cron(30 * * * ? *)', '2026-10-25T00:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T02:30Z',
    ]);
  });
});

describe('at', () => {
  test('is due once, in its time zone, and never afterwards', () => {
    expect(several('at(2026-07-01T09:00:00)', '2026-01-15T09:00:00Z', 3, 'Europe/Berlin')).toEqual([
      '2026-07-01T07:00Z',
    ]);
    expect(nextOf('at(2026-01-01T09:00:00)', '2026-01-15T09:00:00Z')).toBeUndefined();
  });
});

test.each([
  '',
  'rate(0 minutes)',
  'rate(5 seconds)',
  'rate(5)',
  'cron(0 9 * * *)',
  'cron(0 9 * * * *)',
  'cron(0 9 ? * ? *)',
  'cron(0 25 * * ? *)',
  'cron(0 0 9 * * ? *)',
  'at(2026-13-01T09:00:00)',
  'at(2026-01-01)',
  '0 9 * * ? *',
])('%s is refused', (expression) => expect(parseExpression(expression, 'UTC')).toBeUndefined());

test('the next time is never in the past, and no time is skipped', () => {
  const expressions = fc.oneof(
    fc
      .record({ count: fc.integer({ min: 1, max: 90 }), unit: fc.constantFrom('minutes', 'hours', 'days') })
      .map(({ count, unit }) => `rate(${count} ${unit})`),
    fc
      .record({
        minute: fc.integer({ min: 0, max: 59 }),
        hour: fc.integer({ min: 0, max: 23 }),
        day: fc.integer({ min: 1, max: 7 }),
      })
      .map(({ minute, hour, day }) => `cron(${minute} ${hour} ? * ${day} *)`),
  );
  forAll(
    expressions,
    fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (expression, from, share) => {
      const { next } = parseExpression(expression, 'Europe/Berlin')!;
      const since = at('2026-01-01T00:00:00Z');
      const due = next(from, since)!;
      expect(due).toBeGreaterThanOrEqual(from);
      expect(next(Math.ceil(from + (due - from) * share), since)).toBe(due);
      expect(next(due + 1, since)).toBeGreaterThan(due);
    },
  );
});
