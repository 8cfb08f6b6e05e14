/**
 * Some seeds, with one test for each promise over the same runs. `npm run simulate` runs thousands, and shows with planted
 * defects (`mutants/`) that each promise notices what breaks it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { brokenPromises, PROMISES } from './promises.ts';
import { simulate } from './run.ts';
import { specOfSeed } from './seeds.ts';
import { describeSpec, type RunSpec } from './spec.ts';
import { emptyTally, outcomeOf } from './tally.ts';

/**
 * Few runs that together have each outcome, and faults, another principal, consumers, pods with trouble, copies, a
 * cancel, a retirement, also one that nobody approves, a rollback on demand, and a person at restore commands.
 */
const SEEDS = [4, 5, 9, 10, 20, 23, 35, 42, 45, 49, 50, 53, 58, 99];

const broken: { promise: string; how: string; spec: RunSpec }[] = [];
const tally = emptyTally();

beforeAll(async () => {
  const { directory: assembly } = await ensureAssembly();
  for (const seed of SEEDS) {
    const result = await simulate(specOfSeed(seed), assembly);
    tally.runs += 1;
    tally[outcomeOf(result)] += 1;
    for (const problem of await brokenPromises(result)) broken.push({ ...problem, spec: result.spec });
  }
});

describe('in a simulation with faults', () => {
  it.each(PROMISES)('$name: $statement', ({ name }) =>
    expect(
      broken.filter(({ promise }) => promise === name).map(({ how, spec }) => `${how}; replay: ${describeSpec(spec)}`),
    ).toEqual([]),
  );

  it('has no failure inside the sandbox itself', () =>
    expect(broken.filter(({ promise }) => promise === 'sandbox')).toEqual([]));

  it('includes runs with each of the four outcomes', () => {
    expect(tally.runs).toBe(SEEDS.length);
    expect(tally.migrated).toBeGreaterThan(0);
    expect(tally['rolled-back']).toBeGreaterThan(0);
    expect(tally.blocked).toBeGreaterThan(0);
    expect(tally['needs-human']).toBeGreaterThan(0);
  });
});
