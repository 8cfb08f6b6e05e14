import { describe, expect, it } from 'vitest';
import { documentOf, fuzz, lastLine } from './fuzz.ts';
import { whyNeverAllowed } from './never-allowed.ts';

const DOCUMENTS = 2000;

describe('random policies', () => {
  const tally = fuzz(DOCUMENTS, 1);

  it('are all evaluated, in bounded steps and twice with the same result', () => expect(tally.failures).toEqual([]));

  it('have every verdict, and are counted', () => {
    const { allowed, denied, unknown, invalid } = tally.verdicts;
    expect(Math.min(allowed, denied, unknown, invalid)).toBeGreaterThan(DOCUMENTS / 20);
    expect(lastLine(tally)).toBe(
      `2000 documents: ${allowed} allowed, ${denied} denied, ${unknown} unknown, ${invalid} invalid; 0 failures`,
    );
    expect(allowed + denied + unknown + invalid).toBe(DOCUMENTS);
  });

  it('include some that may never be allowed, for each reason, and others', () => {
    const reasons = Array.from({ length: DOCUMENTS }, (_, number) => whyNeverAllowed(documentOf(1, number).source));
    const counts = new Map<string | undefined, number>();
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    expect(counts.size).toBe(6);
    expect(Math.min(...counts.values())).toBeGreaterThan(DOCUMENTS / 100);
  });

  it('are determined by their seed and number', () => {
    expect(documentOf(7, 11)).toEqual(documentOf(7, 11));
    expect(documentOf(7, 11)).not.toEqual(documentOf(7, 12));
    expect(documentOf(7, 11)).not.toEqual(documentOf(8, 11));
  });
});
