import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesWildcard } from '../../../../lambdas/domain/policy/wildcard.ts';

/** What IAM means, by another way: a regular expression over the whole text. */
const oracle = (pattern: string, text: string): boolean => {
  const source = pattern.replace(/[.*+?^${}()|[\]\\]/g, (one) => (one === '*' ? '[^]*' : one === '?' ? '[^]' : `\\${one}`));
  return new RegExp(`^${source}$`).test(text);
};

/** A text that counts how often one of its characters, or its length, is read. */
function counted(text: string): { text: string; reads: () => number } {
  let reads = 0;
  const watched = new Proxy(Object(text) as object, {
    get: (inner, key) => {
      reads += 1;
      return Reflect.get(inner, key) as unknown;
    },
  });
  return { text: watched as unknown as string, reads: () => reads };
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
  ])('%j over %j: %s', (pattern, text, expected) => {
    expect(matchesWildcard(pattern, text)).toBe(expected);
  });

  it('agrees with a regular expression', () => {
    const letters = fc.constantFrom('a', 'b', '.', '\n', '\\');
    const text = fc.string({ unit: letters, maxLength: 12 });
    const pattern = fc.string({ unit: fc.oneof(letters, fc.constantFrom('*', '?')), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (wanted, there) => {
        expect(matchesWildcard(wanted, there)).toBe(oracle(wanted, there));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes any text for a pattern of itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(matchesWildcard(text, text)).toBe(true);
      }),
    );
  });

  it.each([
    ['*a'.repeat(40) + 'b', 'a'.repeat(300)],
    ['*?'.repeat(40) + 'b', 'a'.repeat(300)],
    ['*'.repeat(200) + 'b', 'a'.repeat(300)],
    ['*aaaaaaaaaaaaaaaaaaab', 'a'.repeat(300)],
    [`${'a*'.repeat(60)}c`, 'ab'.repeat(150)],
  ])('reads no more than pattern times text: %j', (pattern, text) => {
    const watchedPattern = counted(pattern);
    const watchedText = counted(text);
    expect(matchesWildcard(watchedPattern.text, watchedText.text)).toBe(false);
    // Each step of the loop reads seven times at most.
    expect(watchedPattern.reads() + watchedText.reads()).toBeLessThanOrEqual(7 * (pattern.length + 1) * (text.length + 1));
  });
});
