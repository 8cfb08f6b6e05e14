import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arnParts,
  compile,
  matches,
  matchesAnything,
  matchesWildcard,
  type Pattern,
} from '../../../../lambdas/domain/policy/wildcard.ts';
import { forAll, forAllIn } from '../../../for-all.ts';

/** A reference implementation: a regular expression over the whole text. */
const oracle = (pattern: string, text: string): boolean => {
  const source = pattern.replace(/[.*+?^${}()|[\]\\]/g, (one) =>
    one === '*' ? '[^]*' : one === '?' ? '[^]' : `\\${one}`,
  );
  return new RegExp(`^${source}$`).test(text);
};

/** Counts the reads of items and of the length. */
function counted<T extends object>(items: T): { items: T; reads: () => number } {
  let reads = 0;
  const watched = new Proxy(items, {
    get: (inner, key) => {
      reads += 1;
      return Reflect.get(inner, key) as unknown;
    },
  });
  return { items: watched, reads: () => reads };
}

describe('matchesWildcard', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['**', '', true],
    ['?', '', false],
    ['sts:*', 'sts:TagSession', true],
    ['sts:*Session', 'sts:TagSession', true],
    ['sts:Tag?ession', 'sts:TagSession', true],
    ['sts:TagSession', 'sts:TagSessions', false],
    ['*a*b', 'xaxbxab', true],
    ['a.c', 'abc', false],
    ['(a|b)+', '(a|b)+', true],
    ['line*', 'line\nbreak', true],
  ])('%j over %j: %s', (pattern, text, expected) => expect(matchesWildcard(pattern, text)).toBe(expected));

  it('agrees with a regular expression', () => {
    const letters = fc.constantFrom('a', 'b', '.', '\n', '\\');
    const text = fc.string({ unit: letters, maxLength: 12 });
    const pattern = fc.string({ unit: fc.oneof(letters, fc.constantFrom('*', '?')), maxLength: 8 });
    forAllIn(2000, pattern, text, (wanted, there) =>
      expect(matchesWildcard(wanted, there)).toBe(oracle(wanted, there)),
    );
  });

  it('matches a literal text with itself and nothing else', () =>
    forAll(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('*', '?', 'a') }), (text, other) => {
      expect([matchesWildcard(text, text), matches(compile([{ literal: text }]), text)]).toEqual([true, true]);
      expect(matches(compile([{ literal: other }]), other.replaceAll('*', 'b').replaceAll('?', 'b'))).toBe(
        !/[*?]/.test(other),
      );
    }));

  it.each([
    ['*a'.repeat(40) + 'b', 'a'.repeat(300)],
    ['*?'.repeat(40) + 'b', 'a'.repeat(300)],
    ['*'.repeat(200) + 'b', 'a'.repeat(300)],
    ['*aaaaaaaaaaaaaaaaaaab', 'a'.repeat(300)],
    [`${'a*'.repeat(60)}c`, 'ab'.repeat(150)],
  ])('takes at most pattern length times text length: %j', (pattern, text) => {
    const units = counted(compile([{ pattern }]).units as unknown[]);
    const watched = counted(Object(text) as object);
    expect(matches({ units: units.items } as Pattern, watched.items as unknown as string)).toBe(false);
    // Each step of the loop reads seven times at most.
    expect(units.reads() + watched.reads()).toBeLessThanOrEqual(7 * (pattern.length + 1) * (text.length + 1));
  });
});

describe('patterns', () => {
  it.each([
    ['*', true],
    ['***', true],
    ['', false],
    ['*a', false],
    ['?', false],
  ])('%j matches anything: %s', (pattern, expected) => expect(matchesAnything(compile([{ pattern }]))).toBe(expected));

  it('splits an ARN into six parts, the last with all the rest', () => {
    const parts = (text: string): boolean[] | undefined =>
      arnParts(compile([{ pattern: text }]))?.map((part, index) =>
        matches(part, ['arn', 'aws', 'eks', 'r', '1', 'c:d'][index]!),
      );
    expect(parts('arn:*:e?s:r:1:c:d')).toEqual([true, true, true, true, true, true]);
    expect(parts('arn:aws:eks:r:1:')).toEqual([true, true, true, true, true, false]);
    expect([parts('arn:aws:eks:r:1'), parts('')]).toEqual([undefined, undefined]);
  });

  it('finds colons in literal parts too', () =>
    expect(
      arnParts(compile([{ pattern: 'arn:aws:' }, { literal: 'a:b:c:d*' }]))?.map((part) => matchesAnything(part)),
    ).toEqual([false, false, false, false, false, false]));
});
