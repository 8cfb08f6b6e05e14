/**
 * Runs a sample of the simulation (`npm run simulate` runs all of it) and has one test for each promise over the same
 * runs.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { PROMISES } from './promises.ts';
import { SCENARIO_NAMES } from './scenarios.ts';
import { describeSpec } from './spec.ts';
import { emptyTally, outcomeOf } from './tally.ts';
import { type Broken, type Order, runShare } from './share.ts';

/** One of this many runs of the exhaustive list in all scenarios, and the number of seeds. */
const EVERY = 240;
const SEEDS = 20;
/** Scenarios with third-party changes: one of an add-on, one of a service account. */
const FOLLOWED = ['in-place', 'service-account'];
const EVERY_FOLLOWED = 60;

const broken: Broken[] = [];
const tally = emptyTally();

const run = async (order: Order): Promise<void> => {
  await runShare(order, (result, problems) => {
    tally.runs += 1;
    tally[outcomeOf(result)] += 1;
    broken.push(...problems.map((problem) => ({ ...problem, spec: result.spec })));
  });
};

beforeAll(async () => {
  const { directory: assembly } = await ensureAssembly();
  await run({ what: 'exhaustive', scenarios: [...SCENARIO_NAMES], reach: 'usual', assembly, part: 7, parts: EVERY });
  await run({ what: 'interferences', scenarios: FOLLOWED, reach: 'brief', assembly, part: 5, parts: EVERY_FOLLOWED });
  await run({ what: 'seeds', from: 1, count: SEEDS, assembly, part: 0, parts: 1 });
});

describe('in a simulation with faults', () => {
  it.each(PROMISES)('$name: $statement', ({ name }) => {
    expect(
      broken.filter(({ promise }) => promise === name).map(({ how, spec }) => `${how}; replay: ${describeSpec(spec)}`),
    ).toEqual([]);
  });

  it('has no failure inside the sandbox itself', () => {
    expect(broken.filter(({ promise }) => promise === 'sandbox')).toEqual([]);
  });

  it('includes runs with each of the four outcomes', () => {
    expect(tally.runs).toBeGreaterThan(50);
    expect(tally.migrated).toBeGreaterThan(0);
    expect(tally['rolled-back']).toBeGreaterThan(0);
    expect(tally.blocked).toBeGreaterThan(0);
    expect(tally['needs-human']).toBeGreaterThan(0);
  });
});
