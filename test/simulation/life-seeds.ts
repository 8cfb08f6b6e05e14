/** What a seed draws of a cluster's ordinary life (see `life.ts`); most runs have none of it. */
import { Random } from '../../sandbox/random.ts';
import { chance, pick } from './draws.ts';
import type { LifeAct, LifeEvent, Moment, RunSpec } from './spec.ts';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** Each strategy is drawn as often as the others. */
const LIFE_SCENARIOS = {
  recreate: ['recreate', 'recreate', 'left-over'],
  preserve: ['preserve'],
  'in-place': ['in-place', 'in-place', 'trust-repair'],
  associate: ['service-account'],
} as const;
/** Drawn with time only. */
const SLOW_SCENARIOS = ['service-account', 'service-account', 'stateful-set', 'daemon-set'] as const;

/** From minutes to days; without any, the pod runs until a person deletes it. */
const JOB_SECONDS = [5 * MINUTE, HOUR, 10 * HOUR, 3 * DAY, 9 * DAY];
const lasting = (random: Random) => (chance(random, 0.5) ? {} : { seconds: pick(random, JOB_SECONDS) });

type Drawn = Exclude<LifeAct, { does: 'cancel' | 'break-irsa' }>;
const DRAWS: { [Does in Drawn['does']]: (random: Random) => Extract<Drawn, { does: Does }> } = {
  'start-job': (random) => ({ does: 'start-job', seconds: pick(random, JOB_SECONDS) }),
  'start-bare-pod': (random) => ({ does: 'start-bare-pod', ...lasting(random) }),
  'start-custom-pod': (random) => ({ does: 'start-custom-pod', ...lasting(random) }),
  'lose-node': (random) => ({ does: 'lose-node', goneAfterSeconds: pick(random, [10 * MINUTE, HOUR]) }),
  'join-node': () => ({ does: 'join-node' }),
  'join-tainted-node': () => ({ does: 'join-tainted-node' }),
  'add-fargate-profile': () => ({ does: 'add-fargate-profile' }),
  blink: (random) => ({
    does: 'blink',
    pod: pick(random, ['old', 'new'] as const),
    seconds: pick(random, [5, 20, MINUTE, 5 * MINUTE]),
  }),
  'slow-starts': (random) => ({ does: 'slow-starts', seconds: pick(random, [MINUTE, 2 * MINUTE, 5 * MINUTE]) }),
  'delete-agent': (random) => ({ does: 'delete-agent', by: pick(random, ['add-on', 'daemon-set'] as const) }),
  'scale-to-zero': (random) => ({
    does: 'scale-to-zero',
    ...(chance(random, 0.5) ? {} : { seconds: pick(random, [2 * MINUTE, 20 * MINUTE, 3 * HOUR]) }),
  }),
};
/** A pod of the old or the new identity is not always there to blink. */
const DRAWN = [...(Object.keys(DRAWS) as Drawn['does'][]), 'blink' as const];

type Course = 'migration' | 'rollback' | 'cancel';
const MOMENTS_OF: Record<Course, readonly Moment[]> = {
  migration: ['begun', 'changed', 'rollout', 'rollout', 'settling'],
  rollback: ['begun', 'rollout', 'settling', 'ended', 'ended', 'rollback'],
  cancel: ['begun', 'changed', 'rollout', 'settling', 'rollback'],
};
const AFTER = [0, 0, 1, 5, 15, 40, 90];

const eventsOf = (random: Random, course: Course, scenario: string): LifeEvent[] => {
  const events: LifeEvent[] = [];
  const breaks = course !== 'migration' && chance(random, 0.45);
  let count = pick(random, [1, 2, 3, 3, 4, 5]) - (breaks ? 1 : 0);
  const drawn = new Set<string>();
  while (count > 0) {
    count -= 1;
    const act = DRAWS[pick(random, DRAWN)](random);
    // A DaemonSet has no replicas.
    if (drawn.has(act.does) || (act.does === 'scale-to-zero' && scenario === 'daemon-set')) continue;
    drawn.add(act.does);
    // Old pods exist until the rollout ends; a rollout is slow if it begins so.
    const at = pick(random, act.does === 'slow-starts' ? (['begun', 'changed'] as const) : MOMENTS_OF[course]);
    events.push({ at, afterSeconds: pick(random, AFTER), ...act });
  }
  // All pods have been replaced by then.
  const at = course === 'rollback' ? ('ended' as const) : ('settling' as const);
  if (breaks)
    events.push({ at, afterSeconds: 0, does: 'break-irsa', what: pick(random, ['provider', 'client-id', 'trust']) });
  if (course === 'cancel')
    events.push({
      at: breaks ? at : pick(random, ['changed', 'rollout', 'settling'] as const),
      afterSeconds: breaks ? 20 : pick(random, AFTER),
      does: 'cancel',
    });
  return events;
};

/** A webhook learns late of associations, or of their deletion. */
const lagsOf = (random: Random): NonNullable<RunSpec['knobs']> => ({
  ...(chance(random, 0.4) ? { webhookLagSeconds: pick(random, [30, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE]) } : {}),
  ...(chance(random, 0.1) ? { webhookRemovalLagSeconds: pick(random, [2 * MINUTE, 5 * MINUTE, 10 * MINUTE]) } : {}),
});

/** An autoscaler belongs to the workloads of the base run's scenario, and disappears without pods. */
const timeOf = ({ time, scenario: before }: RunSpec, scenario: string): Pick<RunSpec, 'time'> => {
  if (!time) return {};
  const { autoscaler, ...others } = time;
  return { time: { ...others, ...(autoscaler && before === scenario ? { autoscaler } : {}) } };
};

/**
 * Returns a seed's run with what it draws of a cluster's life, independently of the rest. Most of these runs keep no other
 * fault, so that they show the effect of the life alone.
 */
export const withLifeOfSeed = (base: RunSpec): RunSpec => {
  const random = new Random(base.seed ^ 0x11fe5);
  if (!chance(random, 0.35)) return base;
  const strategy = pick(random, Object.keys(LIFE_SCENARIOS) as (keyof typeof LIFE_SCENARIOS)[]);
  const scenarios = strategy === 'associate' && base.time ? SLOW_SCENARIOS : LIFE_SCENARIOS[strategy];
  const scenario = pick(random, scenarios);
  const course = pick(random, ['migration', 'migration', 'rollback', 'cancel'] as const);
  const life = eventsOf(random, course, scenario);
  const { seed } = base;
  return {
    scenario,
    seed,
    faults: chance(random, 0.15) ? base.faults : [],
    knobs: { ...base.knobs, ...lagsOf(random) },
    ...timeOf(base, scenario),
    ...(chance(random, 0.5) ? { verification: 'ready' as const } : {}),
    ...(course === 'rollback' ? { rollBack: true } : {}),
    life,
  };
};
