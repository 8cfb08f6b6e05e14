/** What the plan reads about roles: trust and policies, and who else uses them. */
import { parseRoleArn } from '../domain/arn.ts';
import { plannedFor } from '../domain/associations.ts';
import type { Addon, Association, PlannedAssociation } from '../domain/model.ts';
import type { ServiceAccountRef } from '../domain/subject.ts';
import { addedAssociations } from '../domain/plan/association-checks.ts';
import type { Facts, NodeRolesFact, RolePoliciesFact, RoleUsersFact } from '../domain/plan/facts.ts';
import type { ReadingPorts } from '../ports/index.ts';
import { readNamespace } from './addon-namespace.ts';
import { advisory } from './advice.ts';
import { listPlannedAssociations } from './associations.ts';

type Eks = ReadingPorts['eks'];
type Roles = ReadingPorts['roles'];

/** Associations of the cluster that are looked at, whosever they are: each costs a call. */
const MOST_ASSOCIATIONS = 100;

/** Access entries that are looked at, and roles of nodes among them: each costs calls too. */
const MOST_ENTRIES = 100;
const MOST_NODE_ROLES = 10;
/**
 * Types of access entries whose nodes can give pods credentials by EKS Pod Identity: no Windows, no Fargate. Source:
 * EKS API Reference, CreateAccessEntry; EKS User Guide, "Learn how EKS Pod Identity grants Pods access to AWS
 * services".
 */
const NODE_TYPES = new Set(['EC2', 'EC2_LINUX', 'HYBRID_LINUX', 'HYPERPOD_LINUX']);

/** Roles by ARN. */
export async function readRoles(roles: Roles, arns: string[], account: string): Promise<Facts['roles']> {
  const found: Facts['roles'] = {};
  for (const arn of arns) {
    // Another account's role can't be read with our rights, and its check does not need it.
    if (parseRoleArn(arn)?.account === account) found[arn] = await roles.getRole(arn);
  }
  return found;
}

export type AssociationFacts = Pick<Facts, 'associations' | 'associationCount'> & {
  ofCluster: Omit<RoleUsersFact, 'addons'>;
};

/**
 * Associations of the planned service accounts, and of all others: in one go, unless the cluster has too many of them
 * or they may not be read all.
 */
export async function readAssociations(eks: Eks, planned: PlannedAssociation[]): Promise<AssociationFacts> {
  if (planned.length === 0) return { associations: [], ofCluster: { associations: [], more: false } };
  const all = await advisory(() => eks.listAllAssociations(MOST_ASSOCIATIONS));
  if ('read' in all && !all.read.more) {
    const ofPlanned = (one: PlannedAssociation): Association[] =>
      all.read.associations.filter((association) => plannedFor(association, [one]));
    return {
      associations: planned.flatMap(ofPlanned),
      associationCount: all.read.associations.length,
      ofCluster: all.read,
    };
  }
  const associations = await listPlannedAssociations(eks, planned);
  const ofCluster = 'read' in all ? all.read : { associations, more: false, error: all.refused };
  return {
    associations,
    ofCluster,
    ...(addedAssociations(associations, planned) > 0 ? { associationCount: await eks.countAssociations() } : {}),
  };
}

/** All add-ons of the cluster but those of which `described` has the names. */
export async function readAddons(eks: Eks, described: readonly string[] = []): Promise<Addon[]> {
  const addons: Addon[] = [];
  for (const name of await eks.listAddons()) {
    const addon = described.includes(name) ? undefined : await eks.describeAddon(name);
    if (addon) addons.push(addon);
  }
  return addons;
}

/** Who uses which role. `described`: names of add-ons whose role is known, or does not matter. */
export async function readRoleUsers(
  eks: Eks,
  described: readonly string[],
  ofCluster: Omit<RoleUsersFact, 'addons'>,
): Promise<RoleUsersFact & { seen: Addon[] }> {
  const answer = await advisory(() => readAddons(eks, described));
  const seen = 'read' in answer ? answer.read : [];
  const addons = seen.flatMap(({ name, serviceAccountRoleArn: roleArn }) =>
    roleArn === undefined ? [] : [{ name, roleArn }],
  );
  const errors = [ofCluster.error, 'refused' in answer ? answer.refused : undefined].filter((one) => one !== undefined);
  return { ...ofCluster, addons, seen, ...(errors.length > 0 ? { error: errors.join('; ') } : {}) };
}

/**
 * The add-on whose service account that is: one in its namespace, or in a namespace that is not known, whose version
 * takes associations for it. Who may not be asked is none.
 */
export async function readOwner(
  eks: Eks,
  { namespace, name: account }: ServiceAccountRef,
  addons: readonly Addon[],
  kubernetesVersion: string,
): Promise<string | undefined> {
  for (const addon of addons) {
    const { name, version } = addon;
    const own = await advisory(() => readNamespace(eks, addon, kubernetesVersion));
    if ('read' in own && own.read !== undefined && own.read !== namespace) continue;
    const answer = await advisory(() => eks.describeConfiguration(name, version));
    if ('read' in answer && answer.read?.podIdentity.some(({ serviceAccount }) => serviceAccount === account))
      return name;
  }
  return undefined;
}

async function policiesOf(roles: Roles, arn: string): Promise<RolePoliciesFact> {
  const answer = await advisory(() => roles.listPolicies(arn));
  return 'read' in answer ? { policies: answer.read } : { policies: [], error: answer.refused };
}

/** Policies of the roles that IAM has. */
export async function readRolePolicies(
  roles: Roles,
  planned: readonly PlannedAssociation[],
  found: Facts['roles'],
): Promise<Record<string, RolePoliciesFact>> {
  const policies: Record<string, RolePoliciesFact> = {};
  for (const arn of new Set(planned.map((one) => one.roleArn))) {
    if (!found[arn]) continue;
    policies[arn] = await policiesOf(roles, arn);
  }
  return policies;
}

/** The roles of the cluster's nodes: those that its access entries let in as such. */
export async function readNodeRoles(eks: Eks, roles: Roles): Promise<NodeRolesFact> {
  const answer = await advisory(() => eks.listAccessEntries(MOST_ENTRIES));
  if (!('read' in answer)) return { roles: [], error: answer.refused };
  const { entries, more } = answer.read;
  const ofNodes = entries.filter(({ type }) => NODE_TYPES.has(type));
  const found: NodeRolesFact['roles'] = [];
  for (const { principalArn: arn, type } of ofNodes.slice(0, MOST_NODE_ROLES))
    found.push({ arn, type, ...(await policiesOf(roles, arn)) });
  const errors = [
    ...(more ? [`the cluster has more than ${MOST_ENTRIES} access entries, of which so many were looked at`] : []),
    ...(ofNodes.length > MOST_NODE_ROLES
      ? [`its nodes have ${ofNodes.length} roles, of which ${MOST_NODE_ROLES} were looked at`]
      : []),
  ];
  return { roles: found, ...(errors.length > 0 ? { error: errors.join('; ') } : {}) };
}
