import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesOfClass } from '../../../../lambdas/domain/failures/errors.ts';
import {
  decidePause,
  MOST_DAYS_WAITING,
  MOST_PAUSES,
  patienceFor,
  type PauseQuestion,
  waitsForOf,
} from '../../../../lambdas/domain/waiting/pause.ts';
import { WAITS_FOR, WAITS_TEXT } from '../../../../lambdas/domain/waiting/waiting-for.ts';

type What = PauseQuestion['what'];
const PAUSED = WAITS_FOR.filter((what): what is What => what !== 'approval' && what !== 'window');
const DAY = 86_400;

/** All looks at something that is not over before the end, from the first pause on. */
function looks(question: Omit<PauseQuestion, 'waited' | 'seed'>): { at: number[]; over: string | undefined } {
  const at: number[] = [];
  for (let [waited, pauses] = [0, question.pauses]; ; pauses += 1) {
    const { over, seconds } = decidePause({ ...question, waited, pauses, seed: 'one' });
    if (over) return { at, over };
    waited += seconds;
    at.push(waited);
  }
}

describe('a wait for one condition', () => {
  it.each(PAUSED)('of %s ends after its patience, within the pauses that an execution has', (what) => {
    for (const back of [false, true]) {
      const { at } = looks({ what, pauses: 1, back });
      expect(at.at(-1)).toBeGreaterThanOrEqual(patienceFor(what));
      expect(at.length).toBeLessThan(back ? MOST_PAUSES.all : MOST_PAUSES.forward);
    }
  });

  it('leaves enough pauses for a rollback that also waits for a week', () =>
    expect(looks({ what: 'restore', pauses: MOST_PAUSES.forward, back: true }).at.at(-1)).toBeGreaterThanOrEqual(
      MOST_DAYS_WAITING * DAY,
    ));

  it('lasts for hours at least while an add-on may be missing, and for a week in an outage', () => {
    for (const what of ['service', 'function', 'api-access', 'deletion', 'restore', 'pods'] as const)
      expect(patienceFor(what)).toBe(MOST_DAYS_WAITING * DAY);
    expect(patienceFor('access')).toBeGreaterThanOrEqual(6 * 3600);
  });

  it('pauses for at most half an hour, and for at least some seconds', () =>
    assert(
      property(
        constantFrom(...PAUSED),
        integer({ min: 0, max: 7 * DAY }),
        integer({ min: 1, max: MOST_PAUSES.forward - 340 }),
        string(),
        (what, waited, pauses, seed) => {
          const { over, seconds } = decidePause({ what, waited, pauses, back: false, seed });
          if (over) return;
          expect(seconds).toBeLessThanOrEqual(1800);
          expect(seconds).toBeGreaterThanOrEqual(Math.min(3, patienceFor(what) - waited));
          expect(Number.isInteger(seconds)).toBe(true);
        },
      ),
    ));

  it('has jitter above its minimum, and the same jitter for the same migration', () => {
    const step = (seed: string): number =>
      decidePause({ what: 'service', waited: 600, pauses: 5, back: false, seed }).seconds;
    const steps = Array.from({ length: 50 }, (_, run) => step(`run ${run}`));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...steps)).toBeLessThanOrEqual(450);
    expect(new Set(steps).size).toBeGreaterThan(20);
    expect(step('run 1')).toBe(step('run 1'));
  });
});

describe('a poll', () => {
  it('notices short operations soon, and long operations within a tenth of their duration', () => {
    const { at } = looks({ what: 'deletion', pauses: 1, back: false });
    for (const seconds of [10, 30, 60, 180, 600, 3600]) {
      const seen = at.find((time) => time >= seconds)!;
      expect(seen - seconds, `after ${seconds} s`).toBeLessThanOrEqual(Math.max(4, 0.12 * seconds));
    }
  });

  it('with a forecast comes shortly before its end, and then often', () => {
    const expected = 3000;
    let waited = 0;
    const at: number[] = [];
    while (waited < 2 * expected) {
      waited += decidePause({ what: 'pods', waited, pauses: at.length + 1, back: false, seed: 'a', expected }).seconds;
      at.push(waited);
    }
    // Rarely, for what may go wrong, and then shortly before the end.
    const early = at.filter((time) => time < 0.9 * expected);
    expect(early.length).toBeLessThan(10);
    expect(at.some((time) => time >= 0.9 * expected && time <= 0.93 * expected)).toBe(true);
    for (const [index, time] of early.entries()) expect(time - (early[index - 1] ?? 0)).toBeLessThanOrEqual(360);
    expect(at.filter((time) => time >= 0.9 * expected && time <= 1.2 * expected).length).toBeGreaterThan(5);
  });

  it.each<[number, What[]]>([
    [10, ['association', 'trust']],
    [30, ['busy', 'deletion', 'restore', 'execution']],
    [60, ['pace', 'activation', 'role-lock', 'recovery']],
    [120, ['pods']],
  ])('publishes an event after %i minutes, and none within the usual duration: %j', (minutes, each) => {
    const after = minutes * 60;
    const tells = (what: What, waited: number, expected = 0): boolean =>
      decidePause({ what, waited, pauses: 9, back: false, seed: 'a', expected }).tell;
    const told = each.map((what) => [tells(what, after - 1), tells(what, after), tells(what, 2 * after - 1, after)]);
    expect(told).toEqual(each.map(() => [false, true, false]));
  });
});

describe('an outage', () => {
  it('publishes an event after a minute', () => {
    const told = (waited: number): boolean =>
      decidePause({ what: 'service', waited, pauses: 2, back: false, seed: 'a' }).tell;
    expect([0, 59, 60].map(told)).toEqual([false, false, true]);
  });

  it('leads to a person, and rolls nothing back', () => {
    for (const what of ['service', 'function', 'api-access', 'pods', 'deletion', 'restore'] as const)
      expect(looks({ what, pauses: 1, back: false }).over).toBe('person');
    for (const what of ['association', 'trust', 'activation'] as const)
      expect(looks({ what, pauses: 1, back: false }).over).toBe('failed');
  });
});

describe('an error', () => {
  it('of each class that may resolve with time leads to a wait', () => {
    const named = [...namesOfClass('retryable'), ...namesOfClass('waiting')].filter(
      (error) => error !== 'WindowClosed' && error !== 'WindowFarOff' && error !== 'OutOfTime',
    );
    for (const error of named) expect(waitsForOf(error), `of ${error}`).not.toBe('function');
    for (const error of ['Lambda.ServiceException', 'States.Timeout', 'constructor', 'OutOfTime'])
      expect(waitsForOf(error)).toBe('function');
  });

  it('has a text that completes a sentence', () => {
    for (const what of WAITS_FOR) expect(WAITS_TEXT[what]).toMatch(/^[\w].*[^.]$/);
  });
});
