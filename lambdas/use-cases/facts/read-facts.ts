/** Reads the facts for a plan from EKS, IAM and the cluster's API server, in sequence. */
import { AGENT_ADDON, namespaceOf } from '../../domain/addons/registry.ts';
import { type Cluster, defaultNamespaceOf, updateCandidates } from '../../domain/aws/eks.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import type { AddonFacts, Facts, ServiceAccountFacts } from '../../domain/plan/facts.ts';
import { seenIn } from '../../domain/terms/seen.ts';
import { isAgentReady } from '../../domain/plan/agent-install.ts';
import { type GrantFacts, isWideIrsaTrust } from '../../domain/plan/grants.ts';
import { grantFactsOf, grantsPlanOf } from '../../domain/plan/grants-check.ts';
import { judgeAssociations } from '../../domain/plan/grants-judged.ts';
import { identityHolders } from '../../domain/plan/identity-loss.ts';
import { ASSOCIATE } from '../../domain/plan/attempts.ts';
import { isMigrated, plannedAssociations, attemptsBeforeRights } from '../../domain/plan/plan.ts';
import { callsOf } from '../../domain/plan/rights.ts';
import { isForThemAlone } from '../../domain/plan/sole-users.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import type { Ledger, ReadingPorts, Settings } from '../../ports/index.ts';
import { advisory } from './refused-reads.ts';
import type { AccountPorts, ReadingOptions, ReadingSources } from './reading.ts';
import { listAddonAssociations, listPlannedAssociations } from './planned-associations.ts';
import { readChains } from './read-chains.ts';
import { readProvider, unfinishedAmong } from './grants.ts';
import { type KubernetesFacts, readKubernetes, type Unanswered } from './read-kubernetes.ts';
import { readEnforcement } from './read-network.ts';
import { marksOf, stateOf } from '../confirmed/service-account.ts';
import { readRights } from './read-rights.ts';
import {
  readAssociations,
  readNodeRoles,
  readOwner,
  readRolePolicies,
  readRoles,
  readRoleUsers,
} from './read-roles.ts';

type Eks = ReadingPorts['eks'];

const rolesAllowed = (
  settings: Settings,
  { target }: MigrationRequest,
): Pick<Facts, 'passableRoleArns' | 'repairableRoleArns' | 'roleGrants'> => {
  const { passableRoleArns, repairableRoleArns, roleGrants = [] } = settingsFor(settings, target);
  return { passableRoleArns, repairableRoleArns, roleGrants };
};

/** Returns the facts that are known before anything is read. */
export const noFacts = (request: MigrationRequest, settings: Settings, readAt?: string): Facts => ({
  request,
  ...(settings.preview ? { preview: settings.preview } : {}),
  ...(readAt === undefined ? {} : { readAt }),
  ...rolesAllowed(settings, request),
  ...(request.serviceAccount ? { namespace: request.serviceAccount.namespace } : {}),
  offered: [],
  podIdentity: [],
  roles: {},
  rolePolicies: {},
  rights: { roles: {}, answers: {} },
  associations: [],
  customResources: [],
  bystanderAssociations: [],
});

async function readSupport(
  eks: Eks,
  addon: Addon,
  kubernetesVersion: string,
): Promise<Pick<Facts, 'offered' | 'podIdentity' | 'configurationSchema' | 'newerVersionWithPodIdentity'>> {
  const offered = await eks.listOfferedVersions(addon.name, kubernetesVersion);
  const configuration = (await eks.describeConfiguration(addon.name, addon.version)) ?? { podIdentity: [] };
  if (configuration.podIdentity.length > 0) return { offered, ...configuration };
  for (const version of updateCandidates(offered, addon.version)) {
    const newer = await eks.describeConfiguration(addon.name, version);
    if (newer && newer.podIdentity.length > 0)
      return { offered, ...configuration, newerVersionWithPodIdentity: version };
  }
  return { offered, ...configuration };
}

/**
 * Returns whether another add-on may use one of the roles: a trust policy allows IRSA for more than the planned service
 * accounts, or EKS has annotated other service accounts in the add-on's namespace with the role, whose owner must be
 * found.
 */
function mayBeShared(facts: Facts, planned: readonly PlannedAssociation[]): boolean {
  const { annotated, addon } = facts;
  const role = addon?.serviceAccountRoleArn;
  const isPlanned = (name: string): boolean => planned.some(({ serviceAccount }) => serviceAccount === name);
  return (
    rolesIn(facts, planned).some((arn) => !isForThemAlone(facts, arn, planned)) ||
    seenIn(annotated)?.some(({ name, roleArn }) => roleArn === role && !isPlanned(name)) === true
  );
}

/**
 * Reads what matters only if an association is planned: which other add-ons and associations use the roles, what the roles'
 * policies allow, and what the policies of the node roles allow.
 */
async function readUse(
  facts: Facts,
  { eks, roles, kubernetes }: ReadingPorts | AccountPorts,
  described: readonly string[] | undefined,
  ofCluster: Parameters<typeof readRoleUsers>[2],
  { warnings }: Pick<ReadingOptions, 'warnings'>,
): Promise<{ facts: Facts; addons: Addon[] }> {
  const planned = plannedAssociations(facts);
  if (planned.length === 0) return { facts, addons: [] };
  const { seen, ...roleUsers } = await readRoleUsers(eks, described, ofCluster);
  const capabilities = await advisory(() => eks.listCapabilities());
  const isRead = facts.kubernetesError === undefined;
  const fargateProfiles = isRead ? await advisory(() => eks.listFargateProfiles()) : undefined;
  const isBrief = warnings === 'omitted';
  const rolePolicies = isBrief ? {} : await readRolePolicies(roles, planned, facts.roles);
  return {
    addons: seen,
    facts: {
      ...facts,
      roleUsers,
      rolePolicies,
      ...(isBrief ? {} : await readChains({ roles, kubernetes }, { ...facts, rolePolicies }, planned)),
      nodeRoles: await readNodeRoles({ eks, roles }, facts),
      capabilities,
      ...(fargateProfiles ? { fargateProfiles } : {}),
    },
  };
}

/**
 * Reads the Pod Identity agent's add-on, and the versions to install if the request asks for that. A DaemonSet that is ready
 * everywhere is better evidence than EKS's status: EKS removes the software as soon as its add-on is deleted.
 */
async function readAgent(
  eks: Eks,
  { agent }: MigrationRequest,
  cluster: Cluster,
  { agentWorkload }: Pick<Facts, 'agentWorkload'>,
): Promise<Pick<Facts, 'agentAddon' | 'agentOffered'>> {
  if (cluster.autoMode || (agentWorkload && isAgentReady(agentWorkload))) return {};
  const agentAddon = await eks.describeAddon(AGENT_ADDON);
  if (agentAddon) return { agentAddon };
  return agent === 'install' ? { agentOffered: await eks.listOfferedVersions(AGENT_ADDON, cluster.version) } : {};
}

const rolesIn = (facts: Pick<Facts, 'addon' | 'serviceAccount'>, planned: readonly PlannedAssociation[]): string[] => {
  const irsa = irsaRoleOf(facts);
  return [...new Set([...(irsa === undefined ? [] : [irsa]), ...planned.map((one) => one.roleArn)])];
};

/**
 * Reads the associations of service accounts that have the add-on's identity and that the add-on accepts no association
 * for: a standalone association keeps them from losing it.
 */
async function readBystanders(
  eks: Eks,
  facts: AddonFacts,
  planned: readonly PlannedAssociation[],
): Promise<Association[]> {
  const { namespace } = facts;
  if (namespace === undefined) return [];
  const known = new Set(planned.map((one) => one.serviceAccount));
  const accounts = [...identityHolders(facts, planned, { deleted: true }).keys()].filter(
    (account) => !known.has(account),
  );
  return listPlannedAssociations(
    eks,
    accounts.map((serviceAccount) => ({ namespace, serviceAccount })),
  );
}

/**
 * Reads the associations of an add-on that is already migrated, and the trust of their roles. They are shown only if a
 * single add-on is planned; what can't be read is left out.
 */
async function readMigrated(
  addon: Addon,
  { eks, roles }: Pick<ReadingPorts, 'eks' | 'roles'>,
  { target }: MigrationRequest,
): Promise<Pick<Facts, 'associations' | 'roles'>> {
  const found = await advisory(async () => {
    const associations = await listAddonAssociations(eks, addon);
    const arns = [...new Set(associations.map(({ roleArn }) => roleArn))];
    return { associations, roles: await readRoles(roles, arns, target.account) };
  });
  return seenIn(found) ?? { associations: [], roles: {} };
}

/**
 * Returns whether the plan depends on IAM's OIDC provider. It does not if each service account has another claim to its
 * role, no trust policy is to be repaired, and none allows IRSA by a wildcard, which the plan warns of.
 */
const needsProvider = (facts: Facts, rule: GrantFacts, planned: readonly PlannedAssociation[]): boolean =>
  facts.request.trust === 'repair' ||
  judgeAssociations(rule, grantsPlanOf(facts, planned, [])).some(
    ({ answer, question }) => answer.verdict !== 'allowed' || isWideIrsaTrust(rule, question),
  );

/** Reads what the rule on granting roles needs in addition to the facts that are read anyway. */
async function readGrants(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  { roles, ledger }: { roles: ReadingPorts['roles']; ledger: Pick<Ledger, 'getMigration'> },
): Promise<Pick<Facts, 'oidcProvider' | 'unfinished'>> {
  const rule = grantFactsOf(facts);
  const oidcProvider = needsProvider(facts, rule, planned) ? await readProvider(roles, rule, planned) : undefined;
  const unfinished = await unfinishedAmong(ledger, facts.associations, facts.request);
  return { ...(oidcProvider ? { oidcProvider } : {}), ...(unfinished.length > 0 ? { unfinished } : {}) };
}

/** Reads the cluster's objects, and from EKS what decides their effect. */
async function readObjects(
  { eks, kubernetes }: Pick<ReadingPorts, 'eks' | 'kubernetes'>,
  request: MigrationRequest,
  namespace: string,
  unanswered: Unanswered,
): Promise<KubernetesFacts> {
  const objects = await readKubernetes(kubernetes, request, namespace, unanswered);
  return objects.network ? { ...objects, network: await readEnforcement(eks, objects.network) } : objects;
}

/** Reads the facts for an add-on. Stops as soon as they decide the plan: each call uses some of the account's request rate. */
export async function readFacts(
  empty: AddonFacts,
  ports: ReadingPorts,
  { settings, ledger }: ReadingSources,
  { unanswered = 'throws', asking = 'exactly', warnings }: ReadingOptions = {},
): Promise<AddonFacts> {
  const { eks, roles } = ports;
  const { request } = empty;
  const cluster = await eks.describeCluster();
  if (!cluster) return empty;
  const addon = await eks.describeAddon(request.addon);
  if (!addon) return { ...empty, cluster };
  const shown = namespaceOf(addon);
  if (isMigrated(addon)) {
    const known = { ...empty, cluster, addon, ...(shown === undefined ? {} : { namespace: shown }) };
    return asking === 'thriftily' ? known : { ...known, ...(await readMigrated(addon, ports, request)) };
  }
  const support = await readSupport(eks, addon, cluster.version);
  const namespace = namespaceOf(addon, defaultNamespaceOf(support.offered));
  if (namespace === undefined)
    return { ...empty, cluster, addon, ...(await readAgent(eks, request, cluster, {})), ...support };
  const objects = await readObjects(ports, request, namespace, unanswered);
  const agent = await readAgent(eks, request, cluster, objects);
  const planned = plannedAssociations({ request, addon, namespace, podIdentity: support.podIdentity });
  const { ofCluster, ...associations } = await readAssociations(eks, planned);
  const known: Facts = {
    ...empty,
    cluster,
    addon,
    namespace,
    ...agent,
    ...support,
    ...objects,
    ...associations,
    roles: await readRoles(roles, rolesIn({ addon }, planned), request.target.account),
  };
  const found: Facts = { ...known, ...(await readGrants(known, planned, { roles, ledger })) };
  const others = mayBeShared(found, planned) ? [request.addon, AGENT_ADDON] : undefined;
  const use = await readUse(found, ports, others, ofCluster, warnings ? { warnings } : {});
  const seen = { ...use.facts, request };
  const facts = { ...seen, bystanderAssociations: await readBystanders(eks, seen, planned) };
  return {
    ...facts,
    rights: await readRights(roles, facts, callsOf(facts, planned, attemptsBeforeRights(facts, planned).possible), {
      settings,
      asking,
    }),
  };
}

/** Reads the facts for a service account that belongs to no add-on. The API server comes first: it knows the role. */
export async function readServiceAccountFacts(
  empty: ServiceAccountFacts,
  ports: AccountPorts,
  { settings, ledger }: ReadingSources,
  { unanswered = 'throws', warnings }: Omit<ReadingOptions, 'asking'> = {},
): Promise<ServiceAccountFacts> {
  const { eks, roles, kubernetes } = ports;
  const { request } = empty;
  const { namespace, name } = request.serviceAccount;
  const cluster = await eks.describeCluster();
  if (!cluster) return empty;
  const objects = await readObjects(ports, request, namespace, unanswered);
  const account =
    objects.kubernetesError === undefined ? await kubernetes.getServiceAccount(namespace, name) : undefined;
  const known = {
    ...empty,
    cluster,
    namespace,
    ...objects,
    podIdentity: [{ serviceAccount: name, recommendedManagedPolicies: [] }],
    ...(account ? { serviceAccount: stateOf(account), accountMarks: marksOf(account) } : {}),
  };
  if (objects.kubernetesError === undefined && !account) return known;
  const agent = await readAgent(eks, request, cluster, objects);
  const planned = plannedAssociations(known);
  // This is read even if no role is known yet: the service account may have an association already.
  const { ofCluster, ...associations } = await readAssociations(
    eks,
    planned.length > 0 ? planned : [{ namespace, serviceAccount: name, roleArn: '' }],
  );
  const withRoles: Facts = {
    ...known,
    ...agent,
    ...associations,
    roles: await readRoles(roles, rolesIn(known, planned), request.target.account),
  };
  const found: Facts = { ...withRoles, ...(await readGrants(withRoles, planned, { roles, ledger })) };
  const use = await readUse(found, ports, [AGENT_ADDON], ofCluster, warnings ? { warnings } : {});
  const ownerAddon = await readOwner(eks, request.serviceAccount, use.addons, cluster.version);
  const facts = { ...use.facts, request, ...(ownerAddon === undefined ? {} : { ownerAddon }) };
  return {
    ...facts,
    rights: await readRights(roles, facts, callsOf(facts, planned, [ASSOCIATE]), { settings, asking: 'exactly' }),
  };
}
