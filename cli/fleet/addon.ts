/** Generates one add-on of a fleet, with the roles and associations of its state. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { CatalogueAddon, CatalogueVersion } from '../../sandbox/catalog/catalogue.ts';
import type { Random } from '../../sandbox/random.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { SWEEP_TAG, TAG_OUT } from '../../lambdas/domain/sweep/request.ts';
import { between } from './chance.ts';
import type { AddonState } from './states.ts';
import {
  denyStatement,
  irsaStatement,
  narrowStatement,
  podIdentityStatement,
  policyOf,
  type Statement,
  type TrustedCluster,
} from './trust.ts';
import { currentVersion, oldVersion } from './versions.ts';

export type AccountInput = ScenarioInput['accounts'][number];
export type ClusterInput = NonNullable<AccountInput['clusters']>[number];
export type AddonInput = NonNullable<ClusterInput['addons']>[number];
export type AssociationInput = NonNullable<ClusterInput['associations']>[number];
export type RoleInput = NonNullable<AccountInput['roles']>[number];

const DAY = 86_400_000;
export const START = '2026-01-15T09:00:00.000Z';
export const daysBefore = (days: number): string => new Date(Date.parse(START) - days * DAY).toISOString();

/** A role that several add-ons of one account share, and the number of its users so far. */
export interface SharedRole {
  arn: string;
  statements: Statement[];
  users: number;
}

/** Number of OIDC statements that certainly fit into a trust policy of 2,048 characters. */
export const MOST_USERS = 3;

export interface AddonContext {
  random: Random;
  cluster: TrustedCluster & { kubernetes: string; ageDays: number };
  addon: CatalogueAddon;
  /** Returns the account's shared role that has room for another add-on. */
  shared: () => SharedRole;
}

export interface MadeAddon {
  state: AddonState;
  addon: AddonInput;
  roles: RoleInput[];
  associations: AssociationInput[];
}

/** Returns the state, or the nearest possible state of the add-on. */
const possible = (state: AddonState, { addon, cluster }: AddonContext): AddonState =>
  state === 'too-old' && !oldVersion(addon, cluster.kubernetes) ? 'no-trust' : state;

/** Returns a short form for role names: `ebs-csi-driver` for aws-ebs-csi-driver. */
const shortOf = (name: string): string => name.replace(/^(aws|amazon)-/, '');

const OTHER_CLUSTER = { name: 'former', oidcId: '00000000000000000000000000000000' };

/** Returns the statements of the trust policy in a state. */
const statementsOf = (
  state: AddonState,
  { cluster, addon, random }: AddonContext,
  serviceAccounts: readonly string[],
): Statement[] => {
  const { namespace } = addon.objects;
  const irsa = irsaStatement(cluster, namespace, serviceAccounts);
  const pods = random.integer(2) === 0 ? podIdentityStatement() : narrowStatement(cluster);
  const others: Partial<Record<AddonState, Statement[]>> = {
    'on-pod-identity': [pods],
    'no-trust': [irsa],
    'wrong-provider': [irsaStatement({ ...cluster, ...OTHER_CLUSTER }, namespace, serviceAccounts)],
    'trust-denies': [irsa, pods, denyStatement()],
  };
  return others[state] ?? [irsa, pods];
};

const join = ({ cluster, addon, shared }: AddonContext, serviceAccounts: readonly string[]): string => {
  const role = shared();
  const irsa = irsaStatement(cluster, addon.objects.namespace, serviceAccounts);
  role.statements.push({ ...irsa, Sid: `User${role.users}` });
  role.users += 1;
  return role.arn;
};

/**
 * Returns associations for service accounts that have the add-on's role and get no association through it, such as one
 * for the nodes of a driver: without them, the add-on's migration would be blocked by their identity loss.
 */
const ofBystanders = (
  { addon }: AddonContext,
  serviceAccounts: readonly string[],
  roleArn: string,
): AssociationInput[] =>
  addon.irsaServiceAccounts
    .filter((serviceAccount) => !serviceAccounts.includes(serviceAccount))
    .map((serviceAccount) => ({
      namespace: addon.objects.namespace,
      serviceAccount,
      roleArn,
      createdAt: daysBefore(10),
    }));

const versionOf = (state: AddonState, { random, addon, cluster }: AddonContext): CatalogueVersion =>
  (state === 'too-old' ? oldVersion(addon, cluster.kubernetes) : undefined) ??
  currentVersion(random, addon, cluster.kubernetes);

/** Generates an add-on that can use a role, in a state. */
export const makeAddon = (wanted: AddonState, context: AddonContext): MadeAddon => {
  const { random, cluster, addon } = context;
  const state = possible(wanted, context);
  const version = versionOf(state, context);
  const created = cluster.ageDays - between(random, 0, 20);
  const plain: AddonInput = { name: addon.name, version: version.version, createdAt: daysBefore(created) };
  if (state === 'node-role' || state === 'not-concerned') return { state, addon: plain, roles: [], associations: [] };

  const serviceAccounts = version.podIdentity?.map(({ serviceAccount }) => serviceAccount) ?? addon.irsaServiceAccounts;
  if (state === 'shared-role') {
    const roleArn = join(context, serviceAccounts);
    return {
      state,
      addon: { ...plain, serviceAccountRoleArn: roleArn },
      roles: [],
      associations: ofBystanders(context, serviceAccounts, roleArn),
    };
  }

  const arnOf = (name: string): string => `arn:${partitionOf(cluster.region)}:iam::${cluster.account}:role/${name}`;
  const role: RoleInput = {
    arn: arnOf(`${cluster.name}-${shortOf(addon.name)}`),
    createdAt: daysBefore(created),
    trustPolicy: policyOf(...statementsOf(state, context, serviceAccounts)),
  };
  const since = between(random, 20, 60);
  const irsa: AddonInput = { ...plain, serviceAccountRoleArn: role.arn };
  const states: Partial<Record<AddonState, { addon: AddonInput; associations?: Partial<AssociationInput> }>> = {
    'on-pod-identity': {
      addon: { ...plain, podsCreatedAt: daysBefore(since - 1) },
      associations: { owner: addon.name },
    },
    'left-over-association': { addon: irsa, associations: {} },
    'foreign-association': { addon: irsa, associations: { tags: { 'managed-by': 'terraform' } } },
    degraded: { addon: { ...irsa, status: 'DEGRADED' } },
    'tagged-out': { addon: { ...irsa, tags: { [SWEEP_TAG]: TAG_OUT } } },
  };
  const { addon: made, associations } = states[state] ?? { addon: irsa };
  return {
    state,
    addon: made,
    roles: [role],
    associations: [
      ...(associations === undefined ? [] : serviceAccounts).map((serviceAccount) => ({
        namespace: addon.objects.namespace,
        serviceAccount,
        roleArn: role.arn,
        createdAt: daysBefore(since),
        ...associations,
      })),
      ...ofBystanders(context, serviceAccounts, role.arn),
    ],
  };
};
