/** Builds a world from a scenario: complete and stable, as if it had always existed. */
import type { HostileApiServer } from '../world/hostile.ts';
import { eksArn } from '../../lambdas/domain/aws/arn.ts';
import { dnsSuffixOf, partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { spokeKubernetesRoles } from '../../lambdas/domain/access/spokes.ts';
import { ofVersion } from '../catalog/build.ts';
import type { CatalogueAddon } from '../catalog/catalogue.ts';
import { catalogueWith } from './recorded-catalogue.ts';
import { withConfiguredTolerations } from '../eks/configured-tolerations.ts';
import { seedAddonObjects } from '../kubernetes/addon-objects.ts';
import { seedCluster } from '../kubernetes/cluster-objects.ts';
import { scheduleAutoscalers } from '../kubernetes/autoscalers.ts';
import { scheduleNodeLosses } from '../kubernetes/lost-nodes.ts';
import { defineCustomKinds } from '../kubernetes/custom-resources.ts';
import { withPodSettings } from '../kubernetes/manifests.ts';
import { renewBefore } from '../credentials/sessions.ts';
import { issueAccessKey, operatorRoleArn } from '../authorization/access-keys.ts';
import {
  buildAccessEntries,
  nodeRole,
  nodeRoleOf,
  podSettingsOf,
  seedBudgets,
  seedRbac,
  seedWorkload,
  setWebhook,
  type Callers,
} from './build-kubernetes.ts';
import { seedCustomResources } from './build-custom-resources.ts';
import { seedNetworkPolicies } from './build-network.ts';
import { buildOidcProviders, issuerOf } from './build-oidc.ts';
import { notePastPods, seedServiceAccounts } from './build-recorded.ts';
import { addRole, buildRole, type DeployedRole } from './build-roles.ts';
import { seedPersistentVolumes } from './build-storage.ts';
import { CallLog } from '../calls/call-log.ts';
import { buildCapabilities } from '../world/capabilities.ts';
import { buildControllers, controllerRoles } from '../world/controllers.ts';
import { Faults } from '../calls/faults.ts';
import { newCluster } from './new-cluster.ts';
import { Random } from '../random.ts';
import { Schedule } from '../clock/schedule.ts';
import { Throttles } from '../calls/throttles.ts';
import type { Scenario, ScenarioAddon, ScenarioCluster } from '../scenario/scenario.ts';
import type { AddonState, ClusterState, RoleState, World } from '../world/world.ts';

export interface BuildOptions {
  /** Overrides the scenario's own seed. */
  seed?: number;
  /**
   * The roles that call AWS in addition to the operator: those of the deployed functions and state machines. Roles that
   * come with their policies exist in IAM.
   */
  roles?: (string | DeployedRole)[];
  /** The roles of these that call API servers; default: all. */
  kubernetesRoles?: string[];
  /** The roles of these that restart workloads there; default: none. */
  restartRoles?: string[];
  /** The roles of these that change service accounts there; default: none. */
  annotateRoles?: string[];
  /** Number of the latest calls that the world keeps; default: all. */
  keepCalls?: number;
  /** Roles that the service assumes in accounts other than its own, including those that call API servers there. */
  spokeRoles?: DeployedRole[];
}

const HEX = '0123456789ABCDEF';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DEFAULT_REGION = 'us-east-1';

/**
 * The health issue that DescribeAddon reports for an unhealthy add-on; text:
 * aws-ia/terraform-aws-eks-blueprints-addons#335.
 */
const DEGRADED_ISSUE = {
  code: 'InsufficientNumberOfReplicas',
  message: "The add-on is unhealthy because it doesn't have the desired number of replicas.",
  resourceIds: [],
};

/**
 * Returns a stand-in for the authority's certificate if TLS is not used; the loopback transport replaces it with a real
 * one.
 */
const placeholderCertificate = (world: World): string => {
  const lines = Array.from({ length: 12 }, () => world.random.string(64, BASE64));
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};

/** Scenarios with an add-on that the catalogue lacks were already refused. */
const catalogueOf = (world: World, name: string): CatalogueAddon => {
  const offered = world.catalogue.get(name);
  if (!offered) throw new Error(`The sandbox's catalogue has no add-on ${name}.`);
  return offered;
};

/** Returns a time in milliseconds since 1970; without one, that of the cluster's creation. */
const sinceOf = (cluster: ClusterState, createdAt: string | undefined): number =>
  createdAt === undefined ? cluster.createdAt : Date.parse(createdAt);

const buildAddon = (world: World, cluster: ClusterState, addon: ScenarioAddon): AddonState => ({
  name: addon.name,
  arn: eksArn(cluster, `addon/${cluster.name}/${addon.name}/${world.random.uuid()}`),
  version: addon.version,
  status: addon.status,
  issues: addon.status === 'DEGRADED' ? [DEGRADED_ISSUE] : [],
  ...(addon.namespace === undefined
    ? { namespace: catalogueOf(world, addon.name).objects.namespace }
    : { namespace: addon.namespace, namespaceChosen: true }),
  ...(addon.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: addon.serviceAccountRoleArn }),
  ...(addon.configurationValues === undefined ? {} : { configurationValues: addon.configurationValues }),
  associationIds: [],
  tags: addon.tags,
  createdAt: sinceOf(cluster, addon.createdAt),
  modifiedAt: sinceOf(cluster, addon.createdAt),
  generation: 0,
});

const addAssociations = (world: World, cluster: ClusterState, associations: ScenarioCluster['associations']): void => {
  for (const { id = `a-${world.random.string(17)}`, owner, createdAt, ...rest } of associations) {
    const addon = owner === undefined ? undefined : cluster.addons.get(owner);
    addon?.associationIds.push(id);
    cluster.associations.set(id, {
      ...rest,
      id,
      arn: eksArn(cluster, `podidentityassociation/${cluster.name}/${id}`),
      ...(addon ? { ownerArn: addon.arn } : {}),
      ...(rest.targetRoleArn === undefined ? {} : { externalId: world.random.uuid() }),
      createdAt: sinceOf(cluster, createdAt),
      modifiedAt: sinceOf(cluster, createdAt),
    });
  }
};

/** Returns the field owners without the values that the objects get. */
const foreignFieldsOf = (addons: ScenarioCluster['addons']): ClusterState['foreignFields'] =>
  new Map(
    addons.flatMap(({ name, modifiedFields }) => {
      const fields = modifiedFields?.map(({ field, manager, subresource }) => ({
        field,
        manager,
        ...(subresource === undefined ? {} : { subresource }),
      }));
      return fields === undefined ? [] : [[name, fields]];
    }),
  );

const seedInstalledAddon = (world: World, cluster: ClusterState, addon: ScenarioAddon): void => {
  if (addon.status === 'CREATING' || addon.status === 'CREATE_FAILED') return;
  const offered = catalogueOf(world, addon.name);
  const objects = {
    ...withConfiguredTolerations(ofVersion(offered.objects, addon.version), addon.configurationValues),
    ...(addon.namespace === undefined ? {} : { namespace: addon.namespace }),
  };
  seedAddonObjects(world, cluster, addon.name, withPodSettings(objects, cluster.podSettings?.get(addon.name)), {
    irsaServiceAccounts: offered.irsaServiceAccounts,
    ...(addon.serviceAccountRoleArn === undefined ? {} : { roleArn: addon.serviceAccountRoleArn }),
    podsCreatedAt: sinceOf(cluster, addon.podsCreatedAt ?? addon.createdAt),
    fields: addon.modifiedFields ?? [],
  });
};

const isHostile = (apiServer: ScenarioCluster['apiServer']): apiServer is HostileApiServer =>
  apiServer !== 'reachable' && apiServer !== 'unreachable';

const buildCluster = (world: World, account: string, spec: ScenarioCluster, callers: Callers): ClusterState => {
  const { name, region, oidcId } = spec;
  const cluster = newCluster({
    name,
    account,
    region,
    version: spec.version,
    platformVersion: spec.platformVersion,
    status: spec.status,
    createdAt: Date.parse(spec.createdAt),
    endpoint: `https://${world.random.string(32, HEX)}.gr7.${region}.eks.${dnsSuffixOf(region)}`,
    certificateAuthority: placeholderCertificate(world),
    ...(spec.apiServer === 'unreachable' ? { unreachable: true } : {}),
    ...(isHostile(spec.apiServer) ? { hostile: spec.apiServer } : {}),
    ...(oidcId === undefined ? {} : { oidcIssuer: issuerOf(region, oidcId) }),
    autoMode: spec.autoMode,
    nodeRoleArn: callers.nodes,
    authenticationMode: spec.authenticationMode,
    tags: { ...spec.tags },
    foreignFields: foreignFieldsOf(spec.addons),
    podSettings: podSettingsOf(spec.addons),
    fargateProfiles: spec.fargateProfiles ?? [],
    accessEntries: buildAccessEntries(spec, callers),
  });
  for (const addon of spec.addons) cluster.addons.set(addon.name, buildAddon(world, cluster, addon));
  if (spec.capabilities.length > 0) cluster.capabilities = buildCapabilities(world, cluster, spec.capabilities);
  addAssociations(world, cluster, spec.associations);
  if (spec.controllers.length > 0) cluster.controllers = buildControllers(cluster, spec.controllers);

  // Pods come last: what the webhook gave them depends on the associations that existed by then.
  seedCluster(world, cluster, spec.nodes);
  seedServiceAccounts(cluster, spec.serviceAccounts);
  notePastPods(cluster, spec.pods);
  for (const addon of spec.addons) seedInstalledAddon(world, cluster, addon);
  for (const workload of spec.workloads) seedWorkload(world, cluster, workload);
  defineCustomKinds(cluster, spec.customResourceDefinitions);
  seedNetworkPolicies(cluster, spec);
  seedCustomResources(cluster, spec.customResources);
  seedPersistentVolumes(cluster, spec.persistentVolumes);
  seedRbac(cluster, spec.rbac);
  setWebhook(cluster, spec.podIdentityWebhook);
  seedBudgets(world, cluster, spec.disruptionBudgets);
  scheduleNodeLosses({ world, cluster }, spec.nodeLosses);
  scheduleAutoscalers({ world, cluster }, spec.autoscalers);
  return cluster;
};

const withdrawVersions = (world: World, changes: Scenario['catalogue']): void => {
  for (const change of changes) {
    for (const version of world.catalogue.get(change.addon)?.versions ?? []) {
      if (change.withdrawnVersions.includes(version.version)) version.offered = false;
    }
  }
};

/** Returns the location where the service itself is deployed. */
export const homeOf = (scenario: Scenario): World['home'] => {
  const [first] = scenario.accounts;
  return scenario.home ?? { account: first?.id ?? '', region: first?.clusters[0]?.region ?? DEFAULT_REGION };
};

/**
 * Returns the locations of the service's stack for other accounts: each of these accounts, in the service's region and
 * in all regions that have clusters.
 */
export const spokeLocationsOf = (scenario: Scenario): World['home'][] => {
  const home = homeOf(scenario);
  const regions = new Set([
    home.region,
    ...scenario.accounts.flatMap(({ clusters }) => clusters.map(({ region }) => region)),
  ]);
  return scenario.accounts
    .filter(({ id, spoke }) => id !== home.account && spoke !== 'absent')
    .flatMap(({ id: account }) => [...regions].map((region) => ({ account, region })));
};

/** Returns a world without accounts. */
const emptyWorld = (scenario: Scenario, { seed = scenario.seed, keepCalls }: BuildOptions): World => ({
  seed,
  random: new Random(seed),
  schedule: new Schedule(Date.parse(scenario.startAt)),
  knobs: scenario.knobs,
  catalogue: catalogueWith(scenario.catalogue),
  accounts: new Map(),
  accessKeys: new Map(),
  log: new CallLog({ keep: keepCalls }),
  faults: new Faults(scenario.faults, { keep: keepCalls, startAt: Date.parse(scenario.startAt) }),
  throttles: new Throttles(scenario.throttles),
  events: [],
  notifications: [],
  deadLetters: [],
  buckets: new Map(),
  home: homeOf(scenario),
});

/** The callers of API servers in one account, except for its nodes. */
type AccountCallers = Omit<Callers, 'nodes'>;

/** In accounts other than its own, the service uses the roles that it assumes there, if any exist. */
const callersIn = (
  world: World,
  account: string,
  service: readonly string[],
  options: BuildOptions,
): AccountCallers => {
  const operator = operatorRoleArn(world);
  const { kubernetesRoles = [...service], restartRoles = [], annotateRoles = [], spokeRoles = [] } = options;
  if (account === world.home.account)
    return { operator, service: kubernetesRoles, restart: restartRoles, annotate: annotateRoles };
  const spokes = new Set(spokeRoles.map(({ arn }) => arn));
  const { all, restart, annotate } = spokeKubernetesRoles(account, partitionOf(world.home.region));
  const existing = (arns: readonly string[]): string[] => arns.filter((arn) => spokes.has(arn));
  return { operator, service: existing(all), restart: existing(restart), annotate: existing(annotate) };
};

const buildAccount = (world: World, spec: Scenario['accounts'][number], callers: AccountCallers): void => {
  const { id, disabledRegions } = spec;
  const account = {
    id,
    roles: new Map<string, RoleState>(),
    oidcProviders: buildOidcProviders(spec, partitionOf(world.home.region)),
    clusters: new Map<string, ClusterState>(),
    disabledRegions,
  };
  world.accounts.set(id, account);
  for (const role of spec.roles) {
    const state = buildRole(world, role);
    account.roles.set(state.name, state);
  }
  for (const cluster of spec.clusters) {
    const nodes = nodeRoleOf(cluster, id);
    const built = buildCluster(world, id, cluster, { ...callers, nodes });
    account.clusters.set(`${cluster.region}/${cluster.name}`, built);
    for (const role of controllerRoles(built, cluster.controllers)) addRole(world, role);
    if (cluster.nodeRoleArn === undefined && cluster.accessEntries === undefined)
      addRole(world, nodeRole(cluster, nodes));
  }
};

/** Builds a world from a validated scenario (`parseScenario`). The same scenario and seed produce the same world. */
export const buildWorld = (scenario: Scenario, options: BuildOptions = {}): World => {
  const world = emptyWorld(scenario, options);
  withdrawVersions(world, scenario.catalogue);
  const { roles: deployedRoles = [], spokeRoles = [] } = options;
  const service = deployedRoles.map((role) => (typeof role === 'string' ? role : role.arn));
  for (const account of scenario.accounts) buildAccount(world, account, callersIn(world, account.id, service, options));
  for (const role of [...deployedRoles, ...spokeRoles]) if (typeof role !== 'string') addRole(world, role);
  for (const role of [operatorRoleArn(world), ...service]) issueAccessKey(world, role);
  for (const { at } of world.faults.outages()) renewBefore(world, at);
  return world;
};
