/** Reads about roles what the plan needs: their trust and policies, and what else uses them. */
import { clusterArn, parseRoleArn } from '../../domain/aws/arn.ts';
import { plannedFor } from '../../domain/associations/associations.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import type { ServiceAccountRef } from '../../domain/terms/subject.ts';
import { addedAssociations } from '../../domain/plan/association-checks.ts';
import type {
  Facts,
  NodeRoleFact,
  NodeRolesFact,
  PolicyFact,
  RolePoliciesFact,
  RoleUsersFact,
} from '../../domain/plan/facts.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import { NODE_ACTION } from '../../domain/plan/preflight-node-role.ts';
import { parsePolicy } from '../../domain/policy/index.ts';
import { parseTrust } from '../../domain/trust/policy.ts';
import type { Node, ReadingPorts, RolePolicy } from '../../ports/index.ts';
import { readNamespace } from './addon-namespace.ts';
import { advisory } from './refused-reads.ts';
import { listPlannedAssociations } from './planned-associations.ts';

type Eks = ReadingPorts['eks'];
type Roles = ReadingPorts['roles'];

/** The number of the cluster's associations that are read, regardless of their owner: each costs a call. */
const MOST_ASSOCIATIONS = 100;

/** The number of access entries that are read, and of node roles among them: each costs calls too. */
const MOST_ENTRIES = 100;
const MOST_NODE_ROLES = 10;
/**
 * Types of access entries whose nodes can give pods credentials by EKS Pod Identity: no Windows and no Fargate. Source:
 * EKS API Reference, CreateAccessEntry; EKS User Guide, "Learn how EKS Pod Identity grants Pods access to AWS
 * services".
 */
const NODE_TYPES = new Set(['EC2', 'EC2_LINUX', 'HYBRID_LINUX', 'HYPERPOD_LINUX']);

/** Returns the roles by ARN. */
export async function readRoles(roles: Roles, arns: string[], account: string): Promise<Facts['roles']> {
  const found: Facts['roles'] = {};
  for (const arn of arns) {
    // A role in another account can't be read with the service's rights, and its check does not need it.
    if (parseRoleArn(arn)?.account !== account) continue;
    const role = await roles.getRole(arn);
    found[arn] = role && { trustPolicy: parseTrust(role.trustPolicy), tags: role.tags };
  }
  return found;
}

export type AssociationFacts = Pick<Facts, 'associations' | 'associationCount'> & {
  ofCluster: Omit<RoleUsersFact, 'addons'>;
};

/**
 * Reads the associations of the planned service accounts and those of all others: in one pass, unless the cluster has too
 * many or listing all of them is not allowed.
 */
export async function readAssociations(eks: Eks, planned: PlannedAssociation[]): Promise<AssociationFacts> {
  if (planned.length === 0) return { associations: [], ofCluster: { associations: [], more: false } };
  const all = await advisory(() => eks.listAllAssociations(MOST_ASSOCIATIONS));
  if ('seen' in all && !all.seen.more) {
    const ofPlanned = (one: PlannedAssociation): Association[] =>
      all.seen.associations.filter((association) => plannedFor(association, [one]));
    return {
      associations: planned.flatMap(ofPlanned),
      associationCount: all.seen.associations.length,
      ofCluster: all.seen,
    };
  }
  const associations = await listPlannedAssociations(eks, planned);
  const ofCluster = 'seen' in all ? all.seen : { associations, more: false, error: all.error };
  return {
    associations,
    ofCluster,
    ...(addedAssociations(associations, planned) > 0 ? { associationCount: await eks.countAssociations() } : {}),
  };
}

/** Returns all add-ons of the cluster except those named in `described`. */
export async function readAddons(eks: Eks, described: readonly string[] = []): Promise<Addon[]> {
  const addons: Addon[] = [];
  for (const name of await eks.listAddons()) {
    const addon = described.includes(name) ? undefined : await eks.describeAddon(name);
    if (addon) addons.push(addon);
  }
  return addons;
}

/**
 * Returns the associations, which are read again if one of the add-ons has an association that is not among them: they
 * were read before the add-ons, and that add-on has been changed meanwhile.
 */
async function associationsSince(
  eks: Eks,
  addons: readonly Addon[],
  before: Omit<RoleUsersFact, 'addons'>,
): Promise<Omit<RoleUsersFact, 'addons'>> {
  const known = new Set(before.associations.map(({ arn }) => arn));
  const isChanged = addons.some((addon) => addon.podIdentityAssociations.some((arn) => !known.has(arn)));
  if (!isChanged || before.more || before.error !== undefined) return before;
  const again = await advisory(() => eks.listAllAssociations(MOST_ASSOCIATIONS));
  return seenIn(again) ?? before;
}

/**
 * Returns which add-ons and associations use which role. `described` names the add-ons whose role is known or does not
 * matter; it is undefined if only the add-on in question can use the roles.
 */
export async function readRoleUsers(
  eks: Eks,
  described: readonly string[] | undefined,
  ofCluster: Omit<RoleUsersFact, 'addons'>,
): Promise<RoleUsersFact & { seen: Addon[] }> {
  if (!described) return { ...ofCluster, seen: [] };
  const answer = await advisory(() => readAddons(eks, described));
  const seen = seenIn(answer) ?? [];
  const addons = seen.flatMap(({ name, serviceAccountRoleArn: roleArn }) =>
    roleArn === undefined ? [] : [{ name, roleArn }],
  );
  const errors = [ofCluster.error, 'error' in answer ? answer.error : undefined].filter((one) => one !== undefined);
  return {
    ...(await associationsSince(eks, seen, ofCluster)),
    addons,
    seen,
    ...(errors.length > 0 ? { error: errors.join('; ') } : {}),
  };
}

/**
 * Returns the add-on that the service account belongs to: an add-on in its namespace, or in an unknown namespace, whose
 * version accepts associations for it. Add-ons that may not be read are skipped.
 */
export async function readOwner(
  eks: Eks,
  { namespace, name: account }: ServiceAccountRef,
  addons: readonly Addon[],
  kubernetesVersion: string,
): Promise<string | undefined> {
  for (const addon of addons) {
    const { name, version } = addon;
    const own = seenIn(await advisory(() => readNamespace(eks, addon, kubernetesVersion)));
    if (own !== undefined && own !== namespace) continue;
    const configuration = seenIn(await advisory(() => eks.describeConfiguration(name, version)));
    if (configuration?.podIdentity.some(({ serviceAccount }) => serviceAccount === account)) return name;
  }
  return undefined;
}

/** Returns the policy as a fact: parsed once, since it is evaluated many times. */
export const policyFact = ({ document, ...policy }: RolePolicy): PolicyFact => ({
  ...policy,
  ...(document === undefined ? {} : { document: parsePolicy(document, 'identity') }),
});

async function policiesOf(roles: Roles, arn: string): Promise<RolePoliciesFact> {
  const answer = await advisory(() => roles.listPolicies(arn));
  return 'seen' in answer ? { policies: answer.seen.map(policyFact) } : { policies: [], error: answer.error };
}

/** Returns the policies of the roles that exist in IAM. */
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

/**
 * Returns which of these roles may fetch credentials for pods according to IAM's simulation; none if IAM may not be asked.
 * `gone` has the roles that IAM no longer has, which no node can assume.
 */
async function simulateRoles(
  roles: Roles,
  arns: readonly string[],
  cluster: string,
): Promise<{ allowed: Set<string>; gone: Set<string> }> {
  const [allowed, gone] = [new Set<string>(), new Set<string>()];
  for (const principalArn of arns) {
    const question = { principalArn, actions: [NODE_ACTION], resources: [cluster], context: {} };
    try {
      const [call] = await roles.simulate(question);
      if (call?.allowed === true && call.missing.length === 0) allowed.add(principalArn);
    } catch (error) {
      if (isMigrationError(error, 'NotFound')) gone.add(principalArn);
      else if (isMigrationError(error, 'AccessDenied', 'InvalidRequest')) break;
      else throw error;
    }
  }
  return { allowed, gone };
}

/**
 * Returns whether all nodes that can run pods with Pod Identity belong to managed node groups: EKS creates an access entry
 * for each of these. Source: eksworkshop.com, "Managing cluster access".
 */
const areManaged = (nodes: readonly Node[] = []): boolean =>
  nodes.some(({ nodeGroup }) => nodeGroup !== undefined) &&
  nodes.every(({ os, compute, nodeGroup }) => nodeGroup !== undefined || os === 'windows' || compute === 'fargate');

/** Returns the principals whose access entries are for nodes, up to the given number. */
async function ofNodes(eks: Eks, arns: readonly string[], most = Infinity): Promise<string[]> {
  const found: string[] = [];
  for (const arn of arns)
    if (found.length < most && NODE_TYPES.has((await eks.describeAccessEntry(arn))?.type ?? '')) found.push(arn);
  return found;
}

/**
 * Returns the roles of the cluster's nodes: those with an access entry for nodes. If every role that could be a node role
 * may fetch credentials, it does not matter which of them the nodes have.
 */
export async function readNodeRoles(
  { eks, roles }: { eks: Eks; roles: Roles },
  { request: { target }, nodes }: Pick<Facts, 'request' | 'nodes'>,
): Promise<NodeRolesFact> {
  const answer = await advisory(() => eks.listNodeCandidates(MOST_ENTRIES));
  if ('error' in answer) return { roles: [], error: answer.error };
  const { arns, more } = answer.seen;
  const { allowed, gone } = await simulateRoles(roles, arns.slice(0, MOST_NODE_ROLES), clusterArn(target));
  const simulated = [...allowed].map((arn): NodeRoleFact => ({ arn, simulated: true }));
  const others = arns.filter((arn) => !allowed.has(arn) && !gone.has(arn));
  const tooMany = more
    ? [`the cluster has more than ${MOST_ENTRIES} access entries, and only ${MOST_ENTRIES} were read`]
    : [];
  const candidates = (): NodeRolesFact => ({
    roles: simulated,
    areCandidates: true,
    ...(more ? { error: tooMany.join('; ') } : {}),
  });
  if (simulated.length > 0 && others.length === 0 && areManaged(seenIn(nodes))) return candidates();
  const described = await advisory(() => ofNodes(eks, others));
  if ('error' in described) return { roles: [], error: described.error };
  const doubtful = described.seen;
  // A cluster whose access entries admit no nodes may admit them by the ConfigMap aws-auth.
  if (doubtful.length === 0 && (await ofNodes(eks, [...allowed], 1)).length > 0) return candidates();
  const found: NodeRoleFact[] = [];
  for (const arn of doubtful.slice(0, MOST_NODE_ROLES)) found.push({ arn, ...(await policiesOf(roles, arn)) });
  const errors = [
    ...tooMany,
    ...(doubtful.length > MOST_NODE_ROLES
      ? [`its nodes have ${doubtful.length} roles, and only ${MOST_NODE_ROLES} were read`]
      : []),
  ];
  return { roles: found, ...(errors.length > 0 ? { error: errors.join('; ') } : {}) };
}
