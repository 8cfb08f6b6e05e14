import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowedAt,
  allowedBy,
  backlogOf,
  CEILINGS,
  CUT_AT_MOST_EVERY,
  cut,
  DOUBLES_IN,
  FLOOR,
  freshState,
  FULL,
  isPlausible,
  paceScopeKey,
  paceScopeText,
  nextPosition,
  PACED_SERVICES,
  pacedSeconds,
  pacedText,
  type PaceState,
  rateAt,
  roomFor,
} from '../../../../lambdas/domain/aws/pace.ts';
import { forAll } from '../../../for-all.ts';

const NOW = 1_800_000_000_000;
const aState = (change: Partial<PaceState> = {}): PaceState => ({ ...freshState('eks'), cutAt: NOW, ...change });
const rates = fc.double({ min: FLOOR, max: CEILINGS.eks, noNaN: true });
const states = fc
  .record({ rate: rates, atCut: fc.integer({ min: 0, max: 100_000 }), ahead: fc.integer({ min: -500, max: 500 }) })
  .map(({ rate, atCut, ahead }) => aState({ rate, atCut, head: Math.max(0, atCut + ahead) }));
/** Milliseconds from the cut on. */
const spans = fc.integer({ min: 0, max: 600_000 });

describe('a location', () => {
  const target = { account: '111122223333', region: 'eu-west-1', cluster: 'dev' };
  it('is what the service limits together', () => {
    const keys = PACED_SERVICES.map((service) => paceScopeKey({ service, ...target }));
    expect(keys).toEqual(['eks#111122223333#eu-west-1', 'iam#111122223333', 'kube#111122223333#eu-west-1#dev']);
    expect(PACED_SERVICES.map((service) => paceScopeText({ service, ...target }))).toEqual([
      'EKS in account 111122223333, eu-west-1',
      'IAM in account 111122223333',
      'the API server of cluster dev in account 111122223333, eu-west-1',
    ]);
  });
});

describe('the rate', () => {
  it('starts at the ceiling, and the first throttled call halves it', () => {
    const fresh = freshState('eks');
    expect(rateAt(fresh, 'eks', NOW)).toBe(CEILINGS.eks);
    expect(cut(fresh, 'eks', NOW)).toMatchObject({ rate: CEILINGS.eks / 2, cutAt: NOW });
  });

  it('is halved at most once in five seconds, and never below its floor', () =>
    forAll(states, fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 30 }), (state, gaps) => {
      let [now, known] = [NOW, state];
      for (const gap of gaps) {
        now += gap;
        const lower = cut(known, 'eks', now);
        expect(lower === undefined).toBe(now - known.cutAt < CUT_AT_MOST_EVERY);
        if (!lower) continue;
        expect(lower.rate).toBeCloseTo(Math.max(FLOOR, rateAt(known, 'eks', now) / 2), 9);
        // What was allowed stays allowed, and no more.
        expect(allowedBy(lower, 'eks', now)).toBeCloseTo(allowedBy(known, 'eks', now), 6);
        known = lower;
      }
    }));

  it('recovers with time, up to the ceiling, without a write', () => {
    forAll(states, spans, spans, (state, first, more) => {
      const [early, late] = [rateAt(state, 'eks', NOW + first), rateAt(state, 'eks', NOW + first + more)];
      expect(late).toBeGreaterThanOrEqual(early);
      expect(late).toBeLessThanOrEqual(CEILINGS.eks);
      expect(early).toBeGreaterThanOrEqual(state.rate);
    });
    expect(rateAt(aState({ rate: 2 }), 'eks', NOW + DOUBLES_IN)).toBeCloseTo(4, 9);
    expect(rateAt(aState({ rate: 2 }), 'eks', NOW + 365 * 86_400_000)).toBe(CEILINGS.eks);
  });
});

describe('what is allowed', () => {
  it('comes at the rate, never faster, in any window', () =>
    forAll(states, spans, spans, (state, from, length) => {
      const [start, end] = [NOW + from, NOW + from + length];
      const calls = allowedBy(state, 'eks', end) - allowedBy(state, 'eks', start);
      expect(calls).toBeGreaterThanOrEqual((rateAt(state, 'eks', start) * length) / 1000 - 1e-3);
      expect(calls).toBeLessThanOrEqual((rateAt(state, 'eks', end) * length) / 1000 + 1e-3);
    }));

  it('has a known time for each number of calls', () =>
    forAll(states, fc.integer({ min: -100, max: 5000 }), (state, calls) => {
      const when = allowedAt(state, 'eks', state.atCut + calls);
      expect(allowedBy(state, 'eks', when)).toBeCloseTo(state.atCut + calls, 2);
    }));
});

describe('reservations', () => {
  /** Reserves for each of these, at that time, by a clock that is off by so much. */
  const reserveAll = (
    state: PaceState,
    asked: { after: number; calls: number; skew?: number }[],
  ): { state: PaceState; starts: number[]; asks: number[] } => {
    let [now, known] = [NOW, state];
    const starts: number[] = [];
    const asks: number[] = [];
    for (const { after, calls, skew = 0 } of asked) {
      now += after;
      const position = nextPosition(known, 'eks', now + skew);
      known = { ...known, head: position + calls };
      for (let call = 0; call < calls; call += 1) {
        starts.push(Math.max(now, allowedAt(known, 'eks', position + call)));
        asks.push(now);
      }
    }
    return { state: known, starts, asks };
  };
  const asked = fc.array(
    fc.record({ after: fc.integer({ min: 0, max: 5000 }), calls: fc.integer({ min: 1, max: 20 }) }),
    { minLength: 1, maxLength: 40 },
  );
  const resting = rates.map((rate) => aState({ rate, atCut: 1000, head: 0 }));

  it('never start more calls in a window than the rate allows plus one', () =>
    forAll(resting, asked, fc.integer({ min: 100, max: 60_000 }), (state, asks, window) => {
      const starts = reserveAll(state, asks).starts.sort((a, b) => a - b);
      for (const [index, start] of starts.entries()) {
        const inWindow = starts.slice(index).filter((one) => one < start + window).length;
        expect(inWindow).toBeLessThanOrEqual((rateAt(state, 'eks', start + window) * window) / 1000 + 1.01);
      }
    }));

  it('wait no longer than the earlier reservations take', () =>
    forAll(resting, asked, (state, asks) => {
      const { starts, asks: times } = reserveAll(state, asks);
      for (const [index, start] of starts.entries()) {
        // One call more, since positions are whole.
        const most = ((index + 2) / state.rate) * 1000;
        expect(start - times[index]!).toBeLessThanOrEqual(most);
      }
    }));

  it('tolerate clocks that are off by seconds: the backlog is off by the same amount', () => {
    const skewed = asked.chain((asks) =>
      fc
        .array(fc.integer({ min: -5000, max: 5000 }), { minLength: asks.length, maxLength: asks.length })
        .map((skews) => asks.map((ask, index) => ({ ...ask, skew: skews[index]! }))),
    );
    forAll(resting, skewed, (state, asks) => {
      const right = reserveAll(
        state,
        asks.map(({ after, calls }) => ({ after, calls })),
      );
      const wrong = reserveAll(state, asks);
      const end = NOW + asks.reduce((sum, { after }) => sum + after, 0);
      const off = backlogOf(wrong.state, 'eks', end) - backlogOf(right.state, 'eks', end);
      // One whole position more.
      expect(Math.abs(off)).toBeLessThanOrEqual(5000 + 2000 / state.rate + 1);
    });
  });

  it('move with the rate, and are not repeated', () => {
    const state = aState({ rate: 10, atCut: 0, head: 100, cutAt: NOW - CUT_AT_MOST_EVERY });
    const before = backlogOf(state, 'eks', NOW);
    const after = backlogOf(cut(state, 'eks', NOW)!, 'eks', NOW);
    expect(after).toBeGreaterThan(before * 1.5);
    expect(after).toBeLessThan(before * 2);
  });
});

it('new work is started while less than ten seconds of calls wait, up to that limit', () => {
  const rest = aState({ rate: 5, atCut: 0, head: 0 });
  expect([roomFor(rest, 'eks', 12, NOW), roomFor({ ...rest, head: 30 }, 'eks', 12, NOW)]).toEqual([5, 2]);
  const full = Math.ceil(allowedBy(rest, 'eks', NOW + FULL)) + 1;
  expect(roomFor({ ...rest, head: full }, 'eks', 12, NOW)).toBe(0);
});

it('what the ledger has is distinguished from data that this service never wrote', () => {
  expect(isPlausible(aState({ head: 1000 }), 'eks', NOW)).toBe(true);
  expect(isPlausible(aState({ head: 1e9 }), 'eks', NOW)).toBe(false);
  expect(isPlausible(aState({ cutAt: NOW + 2 * 86_400_000 }), 'eks', NOW)).toBe(false);
});

it('the seconds of Paced are parsed from the message, and from the Cause that contains it', () => {
  forAll(fc.integer({ min: -1000, max: 1_000_000 }), (milliseconds) =>
    expect(pacedSeconds(JSON.stringify({ errorMessage: `Step plan waits (${pacedText(milliseconds)}).` }))).toBe(
      Math.min(300, Math.max(1, Math.ceil(milliseconds / 1000))),
    ),
  );
  expect(pacedSeconds('It waits for 12 seconds.')).toBeUndefined();
});
