/** Generates a fleet of clusters as a scenario, from a seed, and the expected result of a sweep. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import { Random } from '../../sandbox/random.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { type AccountInput, MOST_USERS, type SharedRole, START } from './addon.ts';
import { between, dealer } from './chance.ts';
import { makeCluster, namer } from './cluster.ts';
import { ADDON_SHARES, type AddonState, classOf, CLUSTER_SHARES, type ClusterState, PLAIN_SHARES } from './states.ts';
import { podIdentityStatement, policyOf } from './trust.ts';

export interface FleetOptions {
  clusters: number;
  /** Determines every name, id and choice. */
  seed: number;
  /** Number of accounts; the service is deployed in the first, in the first region. Default: 3. */
  accounts?: number | undefined;
  /** Default: eu-west-1 and us-east-1. */
  regions?: readonly string[] | undefined;
  /** Maximum number of add-ons per cluster; default: 4 to 8. */
  addons?: number | undefined;
  /**
   * Adds a region that an account has not enabled, a region where nearly all calls are throttled, and an account without
   * the service's roles; needs three accounts.
   */
  faults?: boolean | undefined;
}

/** An add-on of the fleet, and its expected class in a sweep of everything with the tag rule `opt-out`. */
export interface Expectation {
  account: string;
  region: string;
  cluster: string;
  addon: string;
  class: SweepClass;
  /** The state that leads to the class. */
  state: AddonState;
  clusterState: ClusterState;
}

/** An account, or a region of an account, that cannot be read. */
export interface FaultyLocation {
  account: string;
  /** Absent for the whole account. */
  region?: string;
  fault: 'region-disabled' | 'throttled' | 'spoke-absent';
}

export interface Fleet {
  scenario: ScenarioInput;
  expected: Expectation[];
  faulty: FaultyLocation[];
}

export const DEFAULT_ACCOUNTS = 3;
export const DEFAULT_REGIONS = ['eu-west-1', 'us-east-1'] as const;
export const FAULTY_ACCOUNTS = 3;
/** An opt-in region; no cluster of the fleet is there. */
const DISABLED_REGION = 'eu-south-1';
/** Calls per second: one in some hours, practically none. */
const HARDLY_ANY = 0.0001;

const accountIds = (random: Random, count: number): string[] => {
  const ids = new Set<string>();
  while (ids.size < count) ids.add(`${between(random, 1, 9)}${random.string(11, '0123456789')}`);
  return [...ids];
};

/** Returns a function for the account's shared role with room for another add-on; adds the role on first use. */
const sharing = (account: AccountInput, partition: string): (() => SharedRole) => {
  let number = 0;
  let current: SharedRole | undefined;
  return () => {
    if (current && current.users < MOST_USERS) return current;
    number += 1;
    const statements = [podIdentityStatement()];
    current = { arn: `arn:${partition}:iam::${account.id}:role/shared-addons-${number}`, statements, users: 0 };
    account.roles?.push({ arn: current.arn, trustPolicy: { ...policyOf(), Statement: statements } });
    return current;
  };
};

/** Adds the faults to the scenario, and returns them. */
const addFaults = (scenario: ScenarioInput, regions: readonly string[]): FaultyLocation[] => {
  const [, second, third] = scenario.accounts;
  const region = regions.at(-1);
  if (!second || !third || region === undefined)
    throw new Error(`A fleet with faults needs ${FAULTY_ACCOUNTS} accounts.`);
  Object.assign(second, { disabledRegions: [DISABLED_REGION] });
  Object.assign(third, { spoke: 'absent' });
  Object.assign(scenario, { throttles: [{ service: 'eks', account: second.id, region, callsPerSecond: HARDLY_ANY }] });
  return [
    { account: second.id, region: DISABLED_REGION, fault: 'region-disabled' },
    { account: second.id, region, fault: 'throttled' },
    { account: third.id, fault: 'spoke-absent' },
  ];
};

const isFaulty = (faulty: readonly FaultyLocation[], { account, region }: Expectation): boolean =>
  faulty.some((location) => location.account === account && (location.region ?? region) === region);

/** Draws names and states from separate generators, so that one more draw of a kind changes no other kind. */
const createDraws = (random: Random) => {
  const name = namer(random.fork());
  const clusterState = dealer(random.fork(), CLUSTER_SHARES);
  const addonState = dealer(random.fork(), ADDON_SHARES);
  const plainState = dealer(random.fork(), PLAIN_SHARES);
  const addonStateIn = (state: ClusterState): (() => AddonState) => {
    if (state === 'ordinary' || state === 'auto-mode') return addonState;
    return state === 'tagged-out' ? () => 'ready' : plainState;
  };
  return { name, clusterState, addonStateIn };
};

const expectationOf = (
  where: Pick<Expectation, 'account' | 'region' | 'cluster' | 'addon'>,
  clusterState: ClusterState,
  state: AddonState,
): Expectation => ({ ...where, class: classOf(clusterState, state), state, clusterState });

/** Generates a fleet; the same options generate the same fleet. Throws an Error for faults with too few accounts. */
export const generateFleet = ({
  clusters,
  seed,
  accounts: accountCount = DEFAULT_ACCOUNTS,
  regions = DEFAULT_REGIONS,
  addons,
  faults = false,
}: FleetOptions): Fleet => {
  const random = new Random(seed);
  const catalogue = loadCatalogue();
  const accounts = accountIds(random, accountCount).map(
    (id) =>
      ({ id, roles: [], clusters: [] }) satisfies AccountInput as AccountInput &
        Required<Pick<AccountInput, 'roles' | 'clusters'>>,
  );
  const locations = regions.flatMap((region) => accounts.map((account) => ({ account, region })));
  const draw = createDraws(random);
  const shared = new Map(accounts.map((account) => [account, sharing(account, partitionOf(regions[0] ?? ''))]));
  const expected: Expectation[] = [];
  for (let index = 0; index < clusters; index += 1) {
    const location = locations[index % locations.length];
    const sharedRole = location && shared.get(location.account);
    if (!location || !sharedRole) throw new Error('A fleet needs an account and a region.');
    const { account, region } = location;
    const state = draw.clusterState();
    const made = makeCluster({
      random,
      catalogue,
      account: account.id,
      region,
      naming: draw.name(),
      state,
      addons: addons ?? between(random, 4, 8),
      nextState: draw.addonStateIn(state),
      shared: sharedRole,
    });
    account.clusters.push(made.cluster);
    account.roles.push(...made.roles);
    const at = { account: account.id, region, cluster: made.cluster.name };
    expected.push(
      ...made.addons.map(({ addon, state: own }) => expectationOf({ ...at, addon: addon.name }, state, own)),
    );
  }
  const [home] = locations;
  const scenario: ScenarioInput = {
    description: `${clusters} clusters in ${accountCount} accounts and ${regions.length} regions, generated by generate-fleet with seed ${seed}.`,
    seed,
    startAt: START,
    home: { account: home?.account.id ?? '', region: home?.region ?? '' },
    accounts,
  };
  const faulty = faults ? addFaults(scenario, regions) : [];
  return {
    scenario,
    faulty,
    expected: expected.map((one) => (isFaulty(faulty, one) ? { ...one, class: 'unreachable' } : one)),
  };
};
