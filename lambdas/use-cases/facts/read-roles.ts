/** What the plan reads about roles: trust and policies, and who else uses them. */
import { clusterArn, parseRoleArn } from '../../domain/aws/arn.ts';
import { plannedFor } from '../../domain/associations/associations.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Association, PlannedAssociation } from '../../domain/migration/model.ts';
import type { ServiceAccountRef } from '../../domain/migration/subject.ts';
import { addedAssociations } from '../../domain/plan/association-checks.ts';
import type {
  Facts,
  NodeRoleFact,
  NodeRolesFact,
  PolicyFact,
  RolePoliciesFact,
  RoleUsersFact,
} from '../../domain/plan/facts.ts';
import { NODE_ACTION } from '../../domain/plan/preflight-node-role.ts';
import { parsePolicy } from '../../domain/policy/index.ts';
import { parseTrust } from '../../domain/trust/policy.ts';
import type { ReadingPorts, RolePolicy } from '../../ports/index.ts';
import { readNamespace } from './addon-namespace.ts';
import { advisory } from './advice.ts';
import { listPlannedAssociations } from './planned-associations.ts';

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
    if (parseRoleArn(arn)?.account !== account) continue;
    const role = await roles.getRole(arn);
    found[arn] = role && { trustPolicy: parseTrust(role.trustPolicy) };
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

/**
 * Who uses which role. `described`: names of add-ons whose role is known, or does not matter; undefined where none can
 * use the roles but the one in question.
 */
export async function readRoleUsers(
  eks: Eks,
  described: readonly string[] | undefined,
  ofCluster: Omit<RoleUsersFact, 'addons'>,
): Promise<RoleUsersFact & { seen: Addon[] }> {
  if (!described) return { ...ofCluster, seen: [] };
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

/** Returns the policy as a fact: parsed, since it is asked about many times. */
export const policyFact = ({ document, ...policy }: RolePolicy): PolicyFact => ({
  ...policy,
  ...(document === undefined ? {} : { document: parsePolicy(document, 'identity') }),
});

async function policiesOf(roles: Roles, arn: string): Promise<RolePoliciesFact> {
  const answer = await advisory(() => roles.listPolicies(arn));
  return 'read' in answer ? { policies: answer.read.map(policyFact) } : { policies: [], error: answer.refused };
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

/**
 * Which of these roles may fetch credentials for pods, as IAM's simulation says; none where it may not be asked. `gone`:
 * those that IAM does not have any more, which no node can assume.
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
      else if (isMigrationError(error, 'AccessDenied') || isMigrationError(error, 'InvalidRequest')) break;
      else throw error;
    }
  }
  return { allowed, gone };
}

/**
 * Whether all nodes that pods with Pod Identity can be on are of managed node groups: EKS makes an access entry for each
 * of these. Source: eksworkshop.com, "Managing cluster access".
 */
const areManaged = (nodes: Facts['nodes']): boolean =>
  nodes !== undefined &&
  'seen' in nodes &&
  nodes.seen.some(({ nodeGroup }) => nodeGroup !== undefined) &&
  nodes.seen.every(
    ({ os, compute, nodeGroup }) => nodeGroup !== undefined || os === 'windows' || compute === 'fargate',
  );

/** Principals of those whose access entries are of nodes, at most so many. */
async function ofNodes(eks: Eks, arns: readonly string[], most = Infinity): Promise<string[]> {
  const found: string[] = [];
  for (const arn of arns)
    if (found.length < most && NODE_TYPES.has((await eks.describeAccessEntry(arn))?.type ?? '')) found.push(arn);
  return found;
}

/**
 * The roles of the cluster's nodes: those that its access entries let in as such. Where each role that could be one may
 * fetch credentials, it does not matter which of them nodes have.
 */
export async function readNodeRoles(
  { eks, roles }: { eks: Eks; roles: Roles },
  { request: { target }, nodes }: Pick<Facts, 'request' | 'nodes'>,
): Promise<NodeRolesFact> {
  const answer = await advisory(() => eks.listNodeCandidates(MOST_ENTRIES));
  if (!('read' in answer)) return { roles: [], error: answer.refused };
  const { arns, more } = answer.read;
  const { allowed, gone } = await simulateRoles(roles, arns.slice(0, MOST_NODE_ROLES), clusterArn(target));
  const simulated = [...allowed].map((arn): NodeRoleFact => ({ arn, simulated: true }));
  const others = arns.filter((arn) => !allowed.has(arn) && !gone.has(arn));
  const tooMany = more
    ? [`the cluster has more than ${MOST_ENTRIES} access entries, of which so many were looked at`]
    : [];
  const candidates = (): NodeRolesFact => ({
    roles: simulated,
    areCandidates: true,
    ...(more ? { error: tooMany.join('; ') } : {}),
  });
  if (simulated.length > 0 && others.length === 0 && areManaged(nodes)) return candidates();
  const described = await advisory(() => ofNodes(eks, others));
  if (!('read' in described)) return { roles: [], error: described.refused };
  const doubtful = described.read;
  // A cluster whose entries let no node in may know its nodes by the ConfigMap aws-auth.
  if (doubtful.length === 0 && (await ofNodes(eks, [...allowed], 1)).length > 0) return candidates();
  const found: NodeRoleFact[] = [];
  for (const arn of doubtful.slice(0, MOST_NODE_ROLES)) found.push({ arn, ...(await policiesOf(roles, arn)) });
  const errors = [
    ...tooMany,
    ...(doubtful.length > MOST_NODE_ROLES
      ? [`its nodes have ${doubtful.length} roles, of which ${MOST_NODE_ROLES} were looked at`]
      : []),
  ];
  return { roles: found, ...(errors.length > 0 ? { error: errors.join('; ') } : {}) };
}
