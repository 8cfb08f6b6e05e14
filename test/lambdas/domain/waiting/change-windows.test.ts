import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APPROVAL_HOURS } from '../../../../lambdas/domain/request/request.ts';
import { type ChangeWindow, isOpen } from '../../../../lambdas/domain/terms/change-window.ts';
import {
  allOpenUntil,
  areOpen,
  neverMeet,
  nextCommonOpening,
} from '../../../../lambdas/domain/waiting/change-windows.ts';
import { deadlineOf, LONGEST_WAIT_MS, windowLimit, windowsOf } from '../../../../lambdas/domain/waiting/waiting.ts';
import { runs } from '../../../runs.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-01-15T09:00:00Z');
const opening = (schedule: string, durationMinutes = 60, timeZone = 'UTC'): ChangeWindow => ({
  schedule,
  durationMinutes,
  timeZone,
  waitAtMostHours: 336,
});
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? time : new Date(time).toISOString();
const windows = array(
  record({
    schedule: constantFrom('0 22 * * *', '*/40 * * * *', '0 9-17 * * MON-FRI', '30 3 * * SUN', '15 */5 * * *'),
    durationMinutes: integer({ min: 15, max: 300 }),
    timeZone: constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata'),
    waitAtMostHours: integer({ min: 1, max: 336 }),
  }),
  { minLength: 1, maxLength: 3 },
);
const times = integer({ min: 0, max: 7 * 24 * 60 }).map((minutes) => START + minutes * MINUTE);

describe('several windows', () => {
  it('the next opening is the first time when every window is open', () =>
    assert(
      property(windows, times, (all, now) => {
        const found = nextCommonOpening(all, now);
        const end = found ?? now + 3 * 24 * 60 * MINUTE;
        // These schedules open at full five minutes alone, so that nothing opens between two of them.
        const openings = Math.ceil(now / (5 * MINUTE)) * 5 * MINUTE;
        expect(found === now).toBe(all.every((window) => isOpen(window, now)));
        for (let time = openings; time < end; time += 5 * MINUTE)
          expect(all.every((window) => isOpen(window, time))).toBe(false);
        expect(found === undefined || areOpen(all, found)).toBe(true);
      }),
      { numRuns: runs(12, 25) },
    ));
  it('are open until the first of them closes, and only while all are', () => {
    assert(
      property(windows, times, (all, now) => {
        const until = allOpenUntil(all, now);
        expect(until !== undefined).toBe(areOpen(all, now));
        expect(until ?? now + 1).toBeGreaterThan(now);
      }),
      { numRuns: 100 },
    );
    const both = [opening('0 9 * * *', 120), opening('0 9 * * *', 30)];
    expect(iso(allOpenUntil(both, START))).toBe('2026-01-15T09:30:00.000Z');
    expect([allOpenUntil([], START), areOpen([], START)]).toEqual([undefined, true]);
  });
  it.each<[ChangeWindow, ChangeWindow, string | undefined]>([
    [opening('0 22 * * SUN', 120), opening('0 23 * * *'), '2026-01-18T23:00:00.000Z'],
    [opening('0 22 * * SUN', 120), opening('0 22 * * SAT', 120), undefined],
    [opening('0,30 * * * *', 15), opening('15,45 * * * *', 15), undefined],
    [opening('0 12 25 12 *'), opening('*/30 * * * *', 15), '2026-12-25T12:00:00.000Z'],
    // In winter and in summer alike, since both are of one place.
    [opening('0 2 * * *', 60, 'Europe/Berlin'), opening('30 2 * * *', 60, 'Europe/Berlin'), '2026-01-16T01:30:00.000Z'],
  ])('of %o and %o meet first at %s', (one, other, expected) => {
    expect(iso(nextCommonOpening([one, other], START))).toBe(expected);
    expect(neverMeet([one, other], START)).toBe(expected === undefined);
  });
  it('a single window always has an opening', () =>
    expect([neverMeet([opening('0 22 * * SUN')], START), neverMeet([], START)]).toEqual([false, false]));
  it('of a request and the deployment are combined, and the wait is no longer than either allows', () => {
    const [own, deployments] = [
      { ...opening('0 9 * * *'), waitAtMostHours: 2 },
      { ...opening('0 8 * * *'), waitAtMostHours: 5 },
    ];
    const rules = { approvals: { required: false }, changeWindow: deployments };
    expect(windowsOf({ changeWindow: own }, rules)).toEqual([deployments, own]);
    expect([windowsOf({}, rules), windowsOf({}, { approvals: { required: false } })]).toEqual([[deployments], []]);
    const startedAt = { startedAt: iso(START)! };
    expect(windowLimit([deployments, own], startedAt, START)).toBe(START + 120 * MINUTE);
  });
  it('and approvals have ended before the slot of a migration that waits is free again', () =>
    expect(START + LONGEST_WAIT_MS - APPROVAL_HOURS.most * 60 * MINUTE).toBeGreaterThan(
      deadlineOf({ startedAt: iso(START)! }),
    ));
});
