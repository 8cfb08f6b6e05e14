/** Lists the runs of an order. */
import {
  outages,
  persistentFailures,
  positionOf,
  retired,
  retireFaults,
  secondFaults,
  type SeenCall,
  singleFaults,
  smooth,
  rollbackOf,
} from './exhaustive.ts';
import { restoreCommandsInterferences, interferencesAt, locationsOf } from './interferences.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { RETIRED_SCENARIO, SCENARIO_NAMES, scenarioNamed } from './scenarios.ts';
import { specOfSeed } from './seeds.ts';
import type { RunSpec } from './spec.ts';
import { strategyOf } from './tally.ts';

export type Order = {
  /** Runs one of this many; all if absent. */
  every?: number;
  /** Which of every `every` runs, from 0; the first if absent. */
  offset?: number;
} & (
  | {
      what: 'exhaustive';
      /** All scenarios if empty. */
      scenarios: string[];
      /**
       * `usual`: each call in each scenario, and second faults once for each failing step, in the first scenario that
       * has it. `thorough`: second faults in each scenario. `brief`: in each scenario only the calls that change the
       * target; reads and ledger writes in the first scenario in which that step makes that call, in the workflow and
       * in the rollback.
       */
      reach: 'brief' | 'usual' | 'thorough';
      /** Adds an outage from each call on. */
      time?: boolean;
    }
  | {
      /** Third-party changes at each position, followed to the end of each set of restore commands. `reach` as above. */
      what: 'interferences';
      scenarios: string[];
      reach: 'brief' | 'usual' | 'thorough';
    }
  | { what: 'seeds'; from: number; count: number; time?: boolean }
);

/** Returns the calls of a run that faults could affect: a list depends on what can happen in its scenarios. */
export type Seen = (spec: RunSpec) => Promise<readonly SeenCall[]>;

/** A step's writes to the ledger and the bus do not depend on the scenario. */
const changesTarget = ({ mutating, service }: SeenCall) => mutating && service !== 'dynamodb' && service !== 'events';
/** Steps that a schedule starts: each tick is like the one before. */
const BY_SCHEDULE: ReadonlySet<string> = new Set<StepName>(['find-stranded', 'publish-events']);

/** Selects the calls for `brief`: all that change the target, and each unknown position once for all ticks. */
function briefly(calls: readonly SeenCall[], known: ReadonlySet<string>): SeenCall[] {
  const ticked = new Set<string>();
  return calls.filter((call) => {
    const position = positionOf(call);
    if (changesTarget(call)) return true;
    if (known.has(position) || ticked.has(position)) return false;
    if (BY_SCHEDULE.has(call.step ?? '')) ticked.add(position);
    return true;
  });
}

/** With `brief`, takes each position of the workflow and of the rollback from the first scenario that has it. */
async function* interferences(
  { scenarios, reach }: Extract<Order, { what: 'interferences' }>,
  seenOf: Seen,
): AsyncGenerator<RunSpec> {
  const done = new Set<string>();
  const known = new Set<string>();
  const unknown = (path: string, calls: readonly SeenCall[]): SeenCall[] => {
    const positions = locationsOf(calls).filter(
      (call) => reach !== 'brief' || !known.has(`${path} ${positionOf(call)}`),
    );
    for (const call of positions) known.add(`${path} ${positionOf(call)}`);
    return positions;
  };
  for (const scenario of scenarios.length > 0 ? scenarios : SCENARIO_NAMES) {
    const seen = await seenOf(smooth(scenario));
    yield* interferencesAt(smooth(scenario), unknown('workflow', seen));
    for (const failure of persistentFailures(scenario, seen)) {
      const failing = failure.faults.map(({ step, operation }) => `${step ?? ''} ${operation ?? ''}`).join();
      if (done.has(failing) && reach !== 'thorough') continue;
      done.add(failing);
      yield* interferencesAt(failure, unknown('rollback', rollbackOf(await seenOf(failure))));
      yield* restoreCommandsInterferences(failure, reach === 'thorough');
    }
  }
}

async function* specsOf(order: Order, seenOf: Seen): AsyncGenerator<RunSpec> {
  switch (order.what) {
    case 'seeds':
      for (let seed = order.from; seed < order.from + order.count; seed += 1)
        yield specOfSeed(seed, { time: order.time ?? false });
      return;
    case 'interferences':
      yield* interferences(order, seenOf);
      return;
    case 'exhaustive': {
      const done = new Set<string>();
      const read = new Set<string>();
      const readBack = new Set<string>();
      for (const scenario of order.scenarios.length > 0 ? order.scenarios : SCENARIO_NAMES) {
        const seen = await seenOf(smooth(scenario));
        yield smooth(scenario);
        yield* singleFaults(scenario, order.reach === 'brief' ? briefly(seen, read) : seen);
        for (const call of seen) read.add(positionOf(call));
        if (order.time) yield* outages(scenario, seen);
        for (const failure of persistentFailures(scenario, seen)) {
          yield failure;
          const failing = failure.faults.map(({ step, operation }) => `${step ?? ''} ${operation ?? ''}`).join();
          if (done.has(failing) && order.reach !== 'thorough') continue;
          done.add(failing);
          const back = rollbackOf(await seenOf(failure));
          yield* secondFaults(failure, order.reach === 'brief' ? briefly(back, readBack) : back);
          for (const call of back) readBack.add(positionOf(call));
        }
        if (scenario !== RETIRED_SCENARIO) continue;
        yield retired(scenario);
        yield* retireFaults(scenario, await seenOf(retired(scenario)));
      }
    }
  }
}

/**
 * Returns the group of which one in `every` runs: the interferences of one act and strategy, so that a part of the list has
 * each of them. Otherwise, a part could lack acts whose number has a divisor in common with `every`.
 */
const groupOf = ({ what }: Order, { actor, scenario }: RunSpec): string =>
  what === 'interferences' ? `${actor?.does ?? ''} ${strategyOf(scenarioNamed(scenario))}` : '';

/** Lists the runs of an order, or its part of them if it has `every`. */
export async function* runsOf(order: Order, seenOf: Seen): AsyncGenerator<RunSpec> {
  const { every = 1, offset = 0 } = order;
  const indices = new Map<string, number>();
  for await (const spec of specsOf(order, seenOf)) {
    const group = groupOf(order, spec);
    const index = indices.get(group) ?? 0;
    indices.set(group, index + 1);
    if (index % every === offset) yield spec;
  }
}
