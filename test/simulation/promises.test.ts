/** A part of the simulation: `npm run simulate` runs the whole. One test a promise, over the same runs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { PROMISES } from './promises.ts';
import { SCENARIO_NAMES } from './scenarios.ts';
import { describeSpec } from './spec.ts';
import { emptyTally, outcomeOf } from './tally.ts';
import { type Broken, type Order, runShare } from './share.ts';

/** Every so many runs of the exhaustive list, in all scenarios; and so many seeds. */
const EVERY = 240;
const SEEDS = 20;
/** Of the runs in which somebody else does something: an add-on, and a service account. */
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
  it.each(PROMISES)('$name: $says', ({ name }) => {
    expect(
      broken.filter(({ promise }) => promise === name).map(({ how, spec }) => `${how}; replay: ${describeSpec(spec)}`),
    ).toEqual([]);
  });

  it('nothing in the sandbox itself fails', () => {
    expect(broken.filter(({ promise }) => promise === 'sandbox')).toEqual([]);
  });

  it('runs end in all four ways', () => {
    expect(tally.runs).toBeGreaterThan(50);
    expect(tally.migrated).toBeGreaterThan(0);
    expect(tally['rolled-back']).toBeGreaterThan(0);
    expect(tally.blocked).toBeGreaterThan(0);
    expect(tally['needs-human']).toBeGreaterThan(0);
  });
});
