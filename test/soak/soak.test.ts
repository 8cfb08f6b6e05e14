import { describe, expect, it } from 'vitest';
import { SEED } from '../for-all.ts';
import { type Entry, passedFor, readEntries, totalOf } from './log.ts';
import { partsOf, USUAL } from './parts.ts';

const entryOf = (part: string, more: Partial<Entry> = {}): Entry => ({
  commit: 'abc',
  part,
  command: 'node x',
  ok: true,
  counts: '',
  seconds: 1,
  at: '2026-01-15T08:00:00.000Z',
  ...more,
});
const numberAfter = (command: readonly string[], flag: string): number => Number(command[command.indexOf(flag) + 1]);

describe('the parts of a soak', () => {
  it('have unique names, by which the log identifies them', () => {
    const names = partsOf(USUAL).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('cover each seed once, and no other', () => {
    const seeds = partsOf({ seeds: 2500, from: 101, documents: 0 })
      .filter(({ command }) => command.includes('--seeds'))
      .flatMap(({ command }) =>
        Array.from({ length: numberAfter(command, '--seeds') }, (_, index) => numberAfter(command, '--from') + index),
      );
    expect(seeds).toEqual(Array.from({ length: 2500 }, (_, index) => 101 + index));
  });

  it('give the properties of the tests another seed each time', () => {
    const seeds = partsOf(USUAL).flatMap(({ environment }) => environment?.['PROPERTY_SEED'] ?? []);
    expect([new Set(seeds).size, seeds.includes(`${SEED}`)]).toEqual([10, false]);
  });

  it('cover each share of the exhaustive runs once', () => {
    const shares = partsOf(USUAL).filter(({ command }) => command.includes('--exhaustive'));
    expect(new Set(shares.map(({ command }) => numberAfter(command, '--every')))).toEqual(new Set([shares.length]));
    expect(shares.map(({ command }) => numberAfter(command, '--offset'))).toEqual(shares.map((_, index) => index));
  });

  it('cover as many policies as requested, each piece with its own seed', () => {
    const fuzzed = partsOf({ seeds: 0, from: 1, documents: 600_000 }).filter(({ command }) =>
      command.includes('--documents'),
    );
    expect(fuzzed.map(({ command }) => numberAfter(command, '--documents'))).toEqual([250_000, 250_000, 100_000]);
    expect(fuzzed.map(({ command }) => numberAfter(command, '--seed'))).toEqual([1, 2, 3]);
  });
});

describe('the log of a soak', () => {
  const lines = (...entries: Entry[]): string => entries.map((one) => `${JSON.stringify(one)}\n`).join('');

  it('reports what has passed for a commit: no failed part, and none of another commit', () => {
    const text = lines(
      entryOf('seeds 1 to 1000'),
      entryOf('mutants', { ok: false }),
      entryOf('seeds 1001 to 2000', { commit: 'def' }),
    );
    expect([...passedFor(readEntries(text), 'abc').keys()]).toEqual(['seeds 1 to 1000']);
  });

  it('is read up to a line that was cut off', () => {
    const whole = lines(entryOf('one'), entryOf('two'));
    for (let cut = 1; cut < lines(entryOf('two')).length; cut += 1)
      expect(readEntries(whole.slice(0, whole.length - 1 - cut)).map(({ part }) => part)).toEqual(['one']);
  });

  it('adds up counts by their nouns', () => {
    const counts = [
      '1000 runs: 500 migrated, 200 rolled-back, 299 blocked, 1 needs-human; 0 broken promises',
      '10 runs: 5 migrated, 2 rolled-back, 3 blocked, 0 needs-human; 1 broken promises',
      '36 mutants: 36 caught, 0 not caught',
    ].map((text) => ({ counts: text }));
    expect(totalOf(counts)).toBe(
      '1010 runs, 505 migrated, 202 rolled-back, 302 blocked, 1 needs-human, 1 broken promises, 36 mutants, 36 caught, 0 not caught',
    );
  });
});
