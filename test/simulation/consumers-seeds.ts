/** What a seed draws of consumers (see `consumers.ts`); most runs have none. */
import { Random } from '../../sandbox/random.ts';
import { chance, pick } from './draws.ts';
import {
  type ConsumerSpec,
  type ConsumersSpec,
  type PatternSpec,
  type RunSpec,
  ACCEPTS,
  APPEARS,
  CONSUMERS,
} from './spec.ts';

/** Few names, so that objects of different kinds and namespaces often have the same. */
const NAMES = ['aws', 'aws', 'second'];

/** An object of these kinds has the same name whichever service account it uses. */
const CLUSTER_SCOPED: ReadonlySet<ConsumerSpec['is']> = new Set(['ClusterSecretStore', 'ProviderConfig']);

const accepted = (random: Random, probability: number): Pick<ConsumerSpec, 'accepted'> =>
  chance(random, probability) ? { accepted: pick(random, [...ACCEPTS, 'both'] as const) } : {};

/** Returns objects of which each has another name. `willing`: how likely each is accepted. */
function objectsOf(random: Random, willing: number): ConsumerSpec[] {
  const objects = new Map<string, ConsumerSpec>();
  do {
    const is = pick(random, CONSUMERS);
    const of = chance(random, 0.7) ? 'planned' : 'other';
    const name = pick(random, NAMES);
    // A cluster-scoped object has one service account.
    objects.set(`${is}/${CLUSTER_SCOPED.has(is) ? '' : of}/${name}`, {
      is,
      name,
      of,
      ...accepted(random, willing),
      ...(chance(random, 0.25) ? { appears: pick(random, APPEARS) } : {}),
    });
  } while (chance(random, 0.5));
  return [...objects.values()];
}

const patternOf = (random: Random): PatternSpec => {
  const isWhole = chance(random, 0.5);
  const others: PatternSpec['others'] = [];
  do
    others.push({
      ...(isWhole || chance(random, 0.5) ? pick(random, [{ associated: true }, { accepted: true }] as const) : {}),
      ...(chance(random, 0.15) ? { annotated: true } : {}),
    });
  while (chance(random, 0.5));
  return { others };
};

const consumersOf = (random: Random): ConsumersSpec => {
  // Runs in which everything is accepted, nothing, or a part.
  const willing = pick(random, [0, 0.5, 1, 1]);
  return {
    objects: objectsOf(random, willing),
    ...(chance(random, 0.4) ? { annotation: pick(random, ['keep', 'remove'] as const) } : {}),
    ...(chance(random, 0.2) ? { unread: [{ is: pick(random, CONSUMERS), ...accepted(random, willing) }] } : {}),
    ...(chance(random, 0.15) ? { pattern: patternOf(random) } : {}),
  };
};

/** A role that two add-ons share trusts each of their service accounts by name: a pattern for one would take it from the other. */
const shared = (scenario: string, { pattern, ...others }: ConsumersSpec): ConsumersSpec =>
  pattern && !scenario.startsWith('shared-role') ? { ...others, pattern } : others;

/**
 * Returns a seed's run with what it draws of consumers, independently of the rest. Most of these runs keep no fault, and
 * are about a service account, whose annotation requests remove.
 */
export const withConsumersOfSeed = (base: RunSpec): RunSpec => {
  const random = new Random(base.seed ^ 0xc0575);
  if (!chance(random, 0.2)) return base;
  const consumers = consumersOf(random);
  const isRetired = chance(random, 0.5);
  const retire = isRetired ? { retire: pick(random, ['kept', 'undone'] as const) } : {};
  if (chance(random, 0.3))
    return { ...base, consumers: shared(base.scenario, consumers), ...(base.rollBack ? {} : retire) };
  const { scenario, seed, knobs, time, again, rollBack } = base;
  return {
    scenario: chance(random, 0.6) ? 'service-account' : scenario,
    seed,
    faults: [],
    ...(knobs ? { knobs } : {}),
    ...(time ? { time } : {}),
    ...(again ? { again } : {}),
    ...(rollBack && !isRetired ? { rollBack } : {}),
    ...retire,
    consumers,
  };
};
