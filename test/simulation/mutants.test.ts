/** Planted defects fit the sources. */
import { describe, expect, it } from 'vitest';
import { defectiveSource } from '../../conformance/planted.ts';
import { readMutants } from './mutants.ts';
import { PROMISES } from './promises.ts';

describe('mutants', () => {
  const mutants = readMutants();

  it('are at least ten', () => expect(mutants.length).toBeGreaterThanOrEqual(10));

  it.each(mutants)('$name fits the sources and names a promise', (mutant) => {
    expect(defectiveSource(mutant)).toContain(mutant.after);
    expect(PROMISES.map(({ name }) => name)).toContain(mutant.promise);
  });
});
