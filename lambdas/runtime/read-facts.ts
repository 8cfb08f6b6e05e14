/** Reads what a plan is decided from: EKS, IAM and the cluster's API server, one after the other. */
import { AGENT_ADDON, knownAddon } from '../domain/addons.ts';
import type { Addon, MigrationRequest } from '../domain/model.ts';
import type { Facts } from '../domain/plan/facts.ts';
import { isMigrated, plannedAssociations } from '../domain/plan/plan.ts';
import type { Eks, Settings, TargetPorts } from '../ports/index.ts';
import { readKubernetes } from './read-kubernetes.ts';
import { readAssociations, readNodeRoles, readPassing, readRolePolicies, readRoles, readRoleUsers } from './read-roles.ts';

/** What is known before anything was read. */
export const noFacts = (request: MigrationRequest, { passableRoleArns, repairableRoleArns }: Settings): Facts => ({
  request,
  offered: [],
  podIdentity: [],
  namespace: 'kube-system',
  roles: {},
  passableRoleArns,
  repairableRoleArns,
  rolePolicies: {},
  passing: [],
  associations: [],
  customResources: [],
});

async function readSupport(eks: Eks, addon: Addon, kubernetesVersion: string): Promise<Pick<Facts, 'offered' | 'podIdentity' | 'configurationSchema' | 'newerVersionWithPodIdentity'>> {
  const offered = await eks.listOfferedVersions(addon.name, kubernetesVersion);
  const configuration = (await eks.describeConfiguration(addon.name, addon.version)) ?? { podIdentity: [] };
  if (configuration.podIdentity.length > 0) return { offered, ...configuration };
  const best = offered.find((one) => one.default) ?? offered[0];
  if (!best || best.version === addon.version) return { offered, ...configuration };
  const newer = await eks.describeConfiguration(addon.name, best.version);
  return { offered, ...configuration, ...(newer && newer.podIdentity.length > 0 ? { newerVersionWithPodIdentity: best.version } : {}) };
}

/** What only matters where an association is planned: who else uses the roles, what their policies allow, and what those of the nodes do. */
async function readUse(facts: Facts, { eks, roles }: TargetPorts, ofCluster: Parameters<typeof readRoleUsers>[2]): Promise<Facts> {
  const planned = plannedAssociations(facts);
  if (planned.length === 0) return facts;
  const described = [facts.request.addon, ...(facts.agentAddon ? [AGENT_ADDON] : [])];
  const roleUsers = await readRoleUsers(eks, described, ofCluster);
  return { ...facts, roleUsers, rolePolicies: await readRolePolicies(roles, planned, facts.roles), nodeRoles: await readNodeRoles(eks, roles) };
}

/** Stops where what was read decides the plan already: each call costs some of the account's request rate. */
export async function readFacts(empty: Facts, ports: TargetPorts, settings: Settings): Promise<Facts> {
  const { eks, roles, kubernetes } = ports;
  const { request } = empty;
  const cluster = await eks.describeCluster();
  if (!cluster) return empty;
  const addon = await eks.describeAddon(request.addon);
  if (!addon) return { ...empty, cluster };
  const namespace = addon.namespace ?? knownAddon(addon.name)?.namespace ?? 'kube-system';
  if (isMigrated(addon)) return { ...empty, cluster, addon, namespace };
  const agentAddon = cluster.autoMode ? undefined : await eks.describeAddon(AGENT_ADDON);
  const agentOffered = request.agent === 'install' && !cluster.autoMode && !agentAddon ? await eks.listOfferedVersions(AGENT_ADDON, cluster.version) : undefined;
  const support = await readSupport(eks, addon, cluster.version);
  const planned = plannedAssociations({ request, addon, namespace, podIdentity: support.podIdentity });
  const { ofCluster, ...associations } = await readAssociations(eks, planned);
  const arns = [...new Set([...(addon.serviceAccountRoleArn ? [addon.serviceAccountRoleArn] : []), ...planned.map((one) => one.roleArn)])];
  const found: Facts = {
    ...empty,
    cluster,
    addon,
    namespace,
    ...(agentAddon ? { agentAddon } : {}),
    ...(agentOffered ? { agentOffered } : {}),
    ...support,
    ...associations,
    roles: await readRoles(roles, arns, request.target.account),
  };
  const facts = { ...(await readUse(found, ports, ofCluster)), ...(await readKubernetes(kubernetes, request, namespace)) };
  return { ...facts, passing: await readPassing(roles, facts, planned, settings) };
}
