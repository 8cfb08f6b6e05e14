/** What a seed draws of its pods (see `pods.ts`); most runs have none of it. */
import { Random } from '../../sandbox/random.ts';
import { chance, pick } from './draws.ts';
import type { PodsSpec, RunSpec } from './spec.ts';

/** Within the settling time, at its end, and after it: it has at least 60 seconds. */
const AFTER = [1, 15, 40, 58, 75];

const DRAWS: { [Field in keyof PodsSpec]-?: [weight: number, draw: (random: Random) => NonNullable<PodsSpec[Field]>] } =
  {
    oldSdk: [
      3,
      (random) => ({
        container: pick(random, ['first', 'last'] as const),
        without: pick(random, ['sdk-crashes', 'crashes', 'logs'] as const),
      }),
    ],
    restarts: [
      3,
      (random) => ({
        pods: pick(random, ['one', 'one', 'all'] as const),
        afterSeconds: pick(random, AFTER),
        times: pick(random, [1, 1, 2, 12]),
        everySeconds: pick(random, [20, 70]),
      }),
    ],
    brokenBefore: [2, (random) => pick(random, ['cured', 'replaced'] as const)],
    node: [2, (random) => ({ does: pick(random, ['joins', 'is-lost'] as const), afterSeconds: pick(random, AFTER) })],
    unreachable: [1, (random) => ({ afterSeconds: pick(random, AFTER), seconds: pick(random, [30, 120, 900]) })],
    mutated: [1, () => true as const],
  };

const NAMES = Object.entries(DRAWS).flatMap(([name, [weight]]) =>
  Array.from({ length: weight }, () => name as keyof PodsSpec),
);

const podsOf = (random: Random): PodsSpec => {
  const pods: PodsSpec = {};
  do {
    const name = pick(random, NAMES);
    Object.assign(pods, { [name]: DRAWS[name][1](random) });
  } while (chance(random, 0.2));
  return pods;
};

/**
 * Returns a seed's run with what it draws of pods, independently of the base run. Most of these runs keep no other
 * fault, so that they show the effect of the pods alone.
 */
export const withPodsOfSeed = (base: RunSpec): RunSpec => {
  const random = new Random(base.seed ^ 0x90d5);
  if (!chance(random, 0.25)) return base;
  const pods = podsOf(random);
  const verification = chance(random, 0.25) ? { verification: pick(random, ['injected', 'api'] as const) } : {};
  if (chance(random, 0.4)) return { ...base, pods, ...verification };
  const { scenario, seed, knobs, time, again, rollBack, retire } = base;
  return {
    scenario,
    seed,
    faults: [],
    ...(knobs ? { knobs } : {}),
    ...(time ? { time } : {}),
    ...(again ? { again } : {}),
    ...(rollBack ? { rollBack } : {}),
    ...(retire ? { retire } : {}),
    pods,
    ...verification,
  };
};
