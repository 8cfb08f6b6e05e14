import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { forAll, forAllIn } from './for-all.ts';

it('a property fails if its predicate returns false or throws, and holds whatever else it returns', () => {
  const values = fc.nat(9);
  expect(() => forAll(values, (value) => value < 0)).toThrow(/^Property failed after 1 tests/);
  expect(() => forAllIn(3, values, values, (one, other) => expect(one).toBe(other - 10))).toThrow(/^Property failed/);
  let runs = 0;
  forAllIn(3, values, () => expect((runs += 1)).toBeGreaterThan(0));
  expect(runs).toBe(3);
});

it('a property has the same cases each time', () => {
  const casesOf = (): number[] => {
    const cases: number[] = [];
    forAll(fc.integer(), (value) => void cases.push(value));
    return cases;
  };
  expect(casesOf()).toEqual(casesOf());
});
