/** Random runs: a seed determines everything about a run. */
import { withConsumersOfSeed } from './consumers-seeds.ts';
import { withLifeOfSeed } from './life-seeds.ts';
import { withLaterOfSeed } from './later-seeds.ts';
import { withPodsOfSeed } from './pods-seeds.ts';
import { withTimeOfSeed } from './time-seeds.ts';
import { FAULT_KINDS } from '../../sandbox/calls/faults.ts';
import { Random } from '../../sandbox/random.ts';
import { anyCall, chance, pick } from './draws.ts';
import { SCENARIO_NAMES } from './scenarios.ts';
import { ACTS, APPROVALS, DENIED, type FaultSpec, PERSONS, PHASES, type RunSpec } from './spec.ts';

/** Unknown behaviour of AWS, and durations: each run draws some of them. */
const KNOBS: Record<string, readonly (number | string | boolean)[]> = {
  webhookLagSeconds: [0, 3, 8],
  associationDeleteLagSeconds: [0, 2, 12],
  cascadeLagSeconds: [0, 5],
  deleteStaleSeconds: [0, 2, 15],
  addonCreateSeconds: [2, 30, 70],
  addonUpdateSeconds: [1, 20, 60],
  addonDeleteSeconds: [3, 45],
  degradedAfterCreateSeconds: [0, 40],
  podReadySeconds: [1, 10],
  keepIrsaRole: [false, true],
  newIdOnReplace: [false, true],
  ownerArnAfterPreserve: ['keep', 'clear'],
  restartOnCreate: [false, true],
  annotationAfterRecreate: ['remove', 'keep'],
  deleteWhileBusy: ['accept', 'ResourceInUseException', 'InvalidRequestException'],
  trustLagSeconds: [0, 5, 25],
  trustValidation: ['structural', 'evaluated'],
  eventsLost: [false, false, true],
  associatedResourceArn: ['absent', 'cluster'],
  updateAssociationPassesRole: [false, true],
  tagOnCreate: ['cluster', 'addon', 'createaddon'],
  passedToService: ['pods.eks.amazonaws.com', 'eks.amazonaws.com'],
  namespaceConfigShown: ['always', 'chosen'],
  fixedNamespaces: ['accept', 'refuse'],
  defaultNamespaceShown: [true, false],
  timeoutCause: ['empty', 'absent', 'text'],
  simulatePrincipalPolicy: ['allow', 'deny'],
  simulationResults: ['action', 'resource'],
  simulationMissingKeys: ['evaluated', 'policies'],
  eksAuthLagSeconds: [0, 6],
  refusedRenewal: ['keeps', 'drops'],
  podsWaitForCredentials: [false, true],
  webhookRemovalLagSeconds: [0, 8, 60],
  roleWithAssociations: ['accept', 'refuse'],
};

/** Knobs that are drawn on their own, so that the rest of a seed's run stays as it was without them. */
const laterKnobsOf = (random: Random): NonNullable<RunSpec['knobs']> =>
  chance(random, 0.2) ? { ownedAssociationLagSeconds: pick(random, [4, 30, 120]) } : {};

const baseOfSeed = (seed: number): RunSpec => {
  const random = new Random(seed);
  const scenario = pick(random, SCENARIO_NAMES);
  const knobs = Object.fromEntries(
    Object.entries(KNOBS).flatMap(([knob, values]) => (chance(random, 0.3) ? [[knob, pick(random, values)]] : [])),
  );
  const faults: FaultSpec[] = [];
  while (faults.length < 4 && chance(random, 0.55)) {
    const kind = pick(random, FAULT_KINDS);
    // A stop or crash happens once and is not a failure that persists.
    const persists = chance(random, 0.1) && !/^(crash|time-out|abort)/.test(kind);
    faults.push({ kind, call: anyCall(random), ...(persists ? { persists } : {}) });
  }
  return {
    scenario,
    seed,
    faults,
    knobs: { ...knobs, ...laterKnobsOf(new Random(seed ^ 0x0a550c)) },
    ...(chance(random, 0.15)
      ? { actor: { afterCall: chance(random, 0.2) ? pick(random, PHASES) : anyCall(random), does: pick(random, ACTS) } }
      : {}),
    ...(chance(random, 0.1) ? { copies: 2 } : {}),
    ...(chance(random, 0.08) ? { trust: pick(random, ['denied', 'undecided', 'other-cluster'] as const) } : {}),
    ...(chance(random, 0.05) ? { stranger: pick(random, ['other-tool', 'other-addon'] as const) } : {}),
    ...(chance(random, 0.08) ? { cancelAfterCall: anyCall(random) } : {}),
    ...(scenario === 'approved' && chance(random, 0.3) ? { approval: pick(random, APPROVALS) } : {}),
    ...(chance(random, 0.15) ? { again: true } : chance(random, 0.15) ? { rollBack: true } : {}),
    ...(chance(random, 0.1) ? { retire: pick(random, ['kept', 'undone'] as const) } : {}),
    ...(chance(random, 0.08) ? { denied: pick(random, DENIED) } : {}),
    ...(chance(random, 0.3) ? { person: pick(random, PERSONS) } : {}),
  };
};

/**
 * Returns the run of a seed. `time` adds what takes time without failing (`time-seeds.ts`); without it a seed's run
 * does not depend on that file.
 */
export const specOfSeed = (seed: number, { time = false }: { time?: boolean } = {}): RunSpec =>
  withLifeOfSeed(
    withLaterOfSeed(withConsumersOfSeed(withPodsOfSeed(time ? withTimeOfSeed(baseOfSeed(seed)) : baseOfSeed(seed)))),
  );
