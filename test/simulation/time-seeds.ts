/** What a seed draws of time (see `time.ts`): each run has some of it, few have much. */
import { Random } from '../../sandbox/random.ts';
import { anyCall, chance, pick } from './draws.ts';
import { TIME_SCENARIO_NAMES } from './scenarios.ts';
import type { FaultSpec, RunSpec, TimeSpec } from './spec.ts';

/** Large numbers are rare: reading a thousand pods takes most of a run's processor time. */
const NODES = [1, 2, 4, 10, 10, 30, 30, 60, 100, 200, 500];
const REPLICAS = [1, 2, 3, 5, 10, 18, 18, 40, 60, 150, 500];
const READY: readonly NonNullable<TimeSpec['readySeconds']>[] = [
  1,
  10,
  60,
  { min: 1, max: 30 },
  { min: 5, max: 240 },
  { min: 30, max: 600 },
];
const MINUTE = 60;
const HOUR = 3600;
export const OUTAGE_SECONDS = [30, 2 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR];
/** What an outage affects: a whole service, or one of its operations. */
const OUTAGES: readonly Pick<FaultSpec, 'service' | 'operation'>[] = [
  { service: 'eks' },
  { service: 'eks' },
  { service: 'kubernetes' },
  { service: 'kubernetes' },
  { service: 'iam' },
  { service: 'dynamodb' },
  { service: 'states' },
  { service: 'events' },
  { service: 'eks-auth' },
  { service: 'eks', operation: 'DescribeAddon' },
  { service: 'eks', operation: 'CreateAddon' },
  { service: 'kubernetes', operation: 'list pods' },
];
export const OUTAGE_KINDS = ['throttled', 'server-error', 'lost-before'] as const;
/** One service receives fewer calls than all services together. */
const ofOneService = (random: Random): number => 1 + Math.floor(anyCall(random) / 3);

const outage = (random: Random): FaultSpec => ({
  ...pick(random, OUTAGES),
  kind: pick(random, OUTAGE_KINDS),
  call: ofOneService(random),
  seconds: pick(random, OUTAGE_SECONDS),
});

/** Nodes lost before the plan stay lost; later ones are removed and replaced, as an Auto Scaling group does. */
const loss = (random: Random): NonNullable<TimeSpec['losses']>[number] => {
  if (chance(random, 0.4)) return { afterSeconds: -pick(random, [HOUR, 24 * HOUR]) };
  const goneAfterSeconds = pick(random, [10 * MINUTE, HOUR]);
  return {
    afterSeconds: 5 + Math.floor(random.next() * 5 * MINUTE),
    goneAfterSeconds,
    replacedAfterSeconds: goneAfterSeconds + MINUTE,
  };
};

const timeOf = (random: Random, scenario: string): TimeSpec => ({
  ...(chance(random, 0.4) ? { nodes: pick(random, NODES) } : {}),
  ...(chance(random, 0.5) ? { replicas: pick(random, REPLICAS) } : {}),
  ...(chance(random, 0.5) ? { readySeconds: pick(random, READY) } : {}),
  ...(chance(random, 0.15) ? { budget: pick(random, ['one-may-go', 'none-may-go'] as const) } : {}),
  // An add-on's replicas would be a field that EKS sets too, which would be a third-party interference.
  ...(chance(random, 0.3) && ['service-account', 'stateful-set'].includes(scenario)
    ? { autoscaler: { minReplicas: 1, maxReplicas: pick(random, [4, 12, 40]), everySeconds: pick(random, [30, 120]) } }
    : {}),
  ...(chance(random, 0.2) ? { losses: [loss(random)] } : {}),
});

const knobsOf = (random: Random): NonNullable<RunSpec['knobs']> => ({
  ...(chance(random, 0.15) ? { apiTokenLagSeconds: pick(random, [2, 20, 120]) } : {}),
  ...(chance(random, 0.2) ? { functionClockSkewSeconds: pick(random, [-240, -30, 30, 240]) } : {}),
});

/**
 * Returns a seed's run with time, drawn independently of the base run. Most runs keep no other fault, so that they show
 * the effect of time alone.
 */
export const withTimeOfSeed = (base: RunSpec): RunSpec => {
  const random = new Random(base.seed ^ 0x7173e);
  const scenario = chance(random, 0.4) ? pick(random, TIME_SCENARIO_NAMES) : base.scenario;
  const faults = chance(random, 0.3) ? [...base.faults] : [];
  while (faults.length < 4 && chance(random, 0.45)) faults.push(outage(random));
  const { actor, cancelAfterCall, approval, stranger, denied, ...kept } = base;
  const others = chance(random, 0.3)
    ? { ...(actor ? { actor } : {}), ...(cancelAfterCall === undefined ? {} : { cancelAfterCall }) }
    : {};
  const time = timeOf(random, scenario);
  const knobs = { ...base.knobs, ...knobsOf(random) };
  return {
    ...kept,
    ...others,
    // Stops runs during something slow, above all a rollout.
    ...(chance(random, 0.12) ? { cancelAfterCall: anyCall(random) } : {}),
    // These refer to the workloads of the base run's scenario.
    ...(scenario === base.scenario
      ? { ...(approval ? { approval } : {}), ...(stranger ? { stranger } : {}), ...(denied ? { denied } : {}) }
      : {}),
    scenario,
    faults,
    time,
    knobs,
  };
};
