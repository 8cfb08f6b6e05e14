/** Generates one cluster of a fleet, with its add-ons and their roles. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { Catalogue } from '../../sandbox/catalog/catalogue.ts';
import { releasedBy } from '../../sandbox/catalog/cluster-versions.ts';
import type { Random } from '../../sandbox/random.ts';
import { SWEEP_TAG, TAG_IN, TAG_OUT } from '../../lambdas/domain/sweep/request.ts';
import {
  type AddonContext,
  type ClusterInput,
  daysBefore,
  type MadeAddon,
  makeAddon,
  type RoleInput,
  START,
} from './addon.ts';
import { between, pick } from './chance.ts';
import type { AddonState, ClusterState } from './states.ts';
import { policyOf } from './trust.ts';
import { chooseAddons, requireAddon, takesAssociations, UNSUPPORTED } from './versions.ts';

const HEX = '0123456789ABCDEF';
/** Range of the age of a cluster, in days. */
const AGE_DAYS = [120, 600] as const;
const OWNED = {
  team: [
    'payments',
    'search',
    'shop',
    'identity',
    'logistics',
    'reports',
    'mobile',
    'pricing',
    'data',
    'media',
    'billing',
    'platform',
  ],
  env: ['dev', 'test', 'staging', 'prod'],
};

export interface Naming {
  team: string;
  env: string;
  name: string;
}

/** Returns a function that generates names such as payments-prod-3, unique in a fleet. */
export const namer = (random: Random): (() => Naming) => {
  const used = new Map<string, number>();
  return () => {
    const team = pick(random, OWNED.team);
    const env = pick(random, OWNED.env);
    const number = (used.get(`${team}-${env}`) ?? 0) + 1;
    used.set(`${team}-${env}`, number);
    return { team, env, name: `${team}-${env}-${number}` };
  };
};

export interface ClusterOptions {
  random: Random;
  catalogue: Catalogue;
  account: string;
  region: string;
  naming: Naming;
  state: ClusterState;
  /** Maximum number of add-ons. */
  addons: number;
  /** Returns the state of the next add-on that can use a role. */
  nextState: () => AddonState;
  shared: AddonContext['shared'];
}

export interface MadeCluster {
  cluster: ClusterInput;
  roles: RoleInput[];
  addons: MadeAddon[];
}

/** Returns access entries for a cluster without access for the service: only an administrator and the nodes. */
const accessWithout = (
  { account, region }: { account: string; region: string },
  name: string,
): { entries: NonNullable<ClusterInput['accessEntries']>; role: RoleInput } => {
  const partition = partitionOf(region);
  const nodes = `arn:${partition}:iam::${account}:role/${name}-nodes`;
  return {
    entries: [
      {
        principalArn: `arn:${partition}:iam::${account}:role/platform-admin`,
        policies: [{ policyArn: `arn:${partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy` }],
      },
      { principalArn: nodes, type: 'EC2_LINUX' },
    ],
    role: {
      arn: nodes,
      trustPolicy: policyOf({ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }),
      attachedPolicies: ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly', 'AmazonEKS_CNI_Policy'].map(
        (policy) => ({ arn: `arn:${partition}:iam::aws:policy/${policy}` }),
      ),
    },
  };
};

const PARTS: Partial<Record<ClusterState, Partial<ClusterInput>>> = {
  'auto-mode': { autoMode: true },
  'fargate-only': {
    nodes: [{ count: 4, compute: 'fargate' }],
    fargateProfiles: [{ name: 'system', namespace: 'kube-system' }],
  },
  deleting: { status: 'DELETING' },
  unreachable: { apiServer: 'unreachable' },
};

const tagsOf = ({ team, env }: Naming, state: ClusterState, random: Random): Record<string, string> => {
  const chosen = random.integer(10) === 0;
  return { team, env, ...(state === 'tagged-out' ? { [SWEEP_TAG]: TAG_OUT } : chosen ? { [SWEEP_TAG]: TAG_IN } : {}) };
};

/**
 * Returns the state of an add-on that needs no role. cert-manager sometimes has one, although none of its versions
 * supports associations.
 */
const otherState = (name: string, { random, state }: ClusterOptions): AddonState =>
  name === UNSUPPORTED && state === 'ordinary' && random.integer(4) === 0 ? 'unsupported' : 'not-concerned';

export const makeCluster = (options: ClusterOptions): MadeCluster => {
  const { random, catalogue, account, region, naming, state, nextState, shared } = options;
  const { version: kubernetes } = pick(random, releasedBy(Date.parse(START)));
  const ageDays = between(random, ...AGE_DAYS);
  const oidcId = random.string(32, HEX);
  const { withRole, others } = chooseAddons(random, state, options.addons);
  const contextOf = (name: string): AddonContext => ({
    random,
    cluster: { account, region, name: naming.name, oidcId, kubernetes, ageDays },
    addon: requireAddon(catalogue, name),
    shared,
  });
  const made = [
    ...others.map((name) => makeAddon(otherState(name, options), contextOf(name))),
    ...withRole.map((name) =>
      makeAddon(
        takesAssociations(requireAddon(catalogue, name), kubernetes) ? nextState() : 'unsupported',
        contextOf(name),
      ),
    ),
  ];
  const access = state === 'no-access' ? accessWithout({ account, region }, naming.name) : undefined;
  return {
    addons: made,
    roles: [...made.flatMap(({ roles }) => roles), ...(access ? [access.role] : [])],
    cluster: {
      name: naming.name,
      region,
      version: kubernetes,
      createdAt: daysBefore(ageDays),
      oidcId,
      nodes: between(random, 1, 3),
      tags: tagsOf(naming, state, random),
      addons: made.map(({ addon }) => addon),
      associations: made.flatMap(({ associations }) => associations),
      ...(access ? { accessEntries: access.entries } : {}),
      ...PARTS[state],
    },
  };
};
