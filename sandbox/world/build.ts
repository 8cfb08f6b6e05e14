/** Makes a world of a scenario: everything in place and at rest, as if it had been there all along. */
import { sharedTextOf, textOf } from '../json.ts';
import { createHash } from 'node:crypto';
import { partitionOf } from '../../lambdas/domain/arn.ts';
import { spokeKubernetesRoles } from '../../lambdas/domain/spokes.ts';
import { loadCatalogue } from '../catalog/index.ts';
import { nameAndPath } from '../iam/wire.ts';
import { newKubeState, seedAddonObjects, seedCluster } from '../kubernetes/controllers.ts';
import { withPodSettings } from '../kubernetes/manifests.ts';
import { issueAccessKey, operatorRoleArn } from '../sts/access-keys.ts';
import {
  buildAccessEntries,
  nodeRole,
  nodeRoleOf,
  podSettingsOf,
  seedCustomResources,
  seedRbac,
  seedWorkload,
  setWebhook,
} from './build-kubernetes.ts';
import type { Callers } from './build-kubernetes.ts';
import { CallLog } from './call-log.ts';
import { Faults } from './faults.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';
import { Throttles } from './throttles.ts';
import type { Scenario, ScenarioAddon, ScenarioCluster } from './scenario.ts';
import type { AddonState, AttachedPolicyState, ClusterState, RoleState, World } from './world.ts';

export interface BuildOptions {
  /** Instead of the scenario's own. */
  seed?: number;
  /**
   * The roles that call AWS beside the operator: those of the deployed functions and state machines. IAM knows those
   * that come with their policies.
   */
  roles?: (string | DeployedRole)[];
  /** Those of them that call API servers; default: all. */
  kubernetesRoles?: string[];
  /** Those of these that restart workloads there; default: none. */
  restartRoles?: string[];
  /** Those of these that change service accounts there; default: none. */
  annotateRoles?: string[];
  /** How many of the latest calls the world remembers; default: all. */
  keepCalls?: number;
  /** Roles that the service assumes in other accounts than its own: whatever calls API servers there is among them. */
  spokeRoles?: DeployedRole[];
}

/** A role as a template has it. */
export interface DeployedRole {
  arn: string;
  policies: { name: string; document: unknown }[];
  managedPolicyArns: string[];
  /** A managed policy; without a document it allows nothing. */
  permissionsBoundary?: { arn: string; document?: unknown };
  /** Left out: nobody may assume it by STS. */
  trustPolicy?: unknown;
}

const HEX = '0123456789ABCDEF';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DEFAULT_REGION = 'us-east-1';

/** What DescribeAddon shows of an unhealthy add-on; text: aws-ia/terraform-aws-eks-blueprints-addons#335. */
const DEGRADED_ISSUE = {
  code: 'InsufficientNumberOfReplicas',
  message: "The add-on is unhealthy because it doesn't have the desired number of replicas.",
  resourceIds: [],
};

type Managed = { arn: string; document?: unknown };

const managedPolicy = ({ arn, document }: Managed): AttachedPolicyState => ({
  arn,
  ...(document === undefined ? {} : { document: textOf(document) }),
});

const boundaryOf = (boundary: Managed | undefined): Pick<RoleState, 'permissionsBoundary'> =>
  boundary ? { permissionsBoundary: managedPolicy(boundary) } : {};

const buildRole = (world: World, role: Scenario['accounts'][number]['roles'][number]): RoleState => ({
  arn: role.arn,
  ...nameAndPath(role.arn),
  roleId: `AROA${world.random.string(17, UPPER)}`,
  createdAt: Date.parse(role.createdAt),
  trustPolicy: textOf(role.trustPolicy),
  pastTrust: [],
  policies: role.policies.map(({ name, document }) => ({ name, document: textOf(document) })),
  attachedPolicies: role.attachedPolicies.map(managedPolicy),
  ...boundaryOf(role.permissionsBoundary),
  tags: role.tags,
});

/** Its id is made of its ARN: what a seed gives must not depend on how the service is built. */
const addRole = (
  world: World,
  { arn, policies, managedPolicyArns, permissionsBoundary, trustPolicy }: DeployedRole,
): void => {
  const { name, path } = nameAndPath(arn);
  world.accounts.get(arn.split(':')[4] ?? '')?.roles.set(name, {
    arn,
    name,
    path,
    roleId: `AROA${createHash('sha256').update(arn).digest('hex').slice(0, 17).toUpperCase()}`,
    createdAt: world.schedule.now(),
    trustPolicy: textOf(trustPolicy ?? { Version: '2012-10-17', Statement: [] }),
    pastTrust: [],
    policies: policies.map((policy) => ({ name: policy.name, document: sharedTextOf(policy.document) })),
    attachedPolicies: managedPolicyArns.map((policyArn) => ({ arn: policyArn })),
    ...boundaryOf(permissionsBoundary),
    tags: {},
  });
};

/** A stand-in for the authority's certificate where nobody speaks TLS; the loopback transport puts a real one here. */
const placeholderCertificate = (world: World): string => {
  const lines = Array.from({ length: 12 }, () => world.random.string(64, BASE64));
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};

const buildAddon = (world: World, cluster: ClusterState, addon: ScenarioAddon): AddonState => ({
  name: addon.name,
  arn: `arn:aws:eks:${cluster.region}:${cluster.account}:addon/${cluster.name}/${addon.name}/${world.random.uuid()}`,
  version: addon.version,
  status: addon.status,
  issues: addon.status === 'DEGRADED' ? [DEGRADED_ISSUE] : [],
  namespace: world.catalogue.get(addon.name)?.objects.namespace ?? 'kube-system',
  ...(addon.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: addon.serviceAccountRoleArn }),
  ...(addon.configurationValues === undefined ? {} : { configurationValues: addon.configurationValues }),
  associationIds: [],
  tags: addon.tags,
  createdAt: Date.parse(addon.createdAt),
  modifiedAt: Date.parse(addon.createdAt),
  generation: 0,
});

const addAssociations = (world: World, cluster: ClusterState, associations: ScenarioCluster['associations']): void => {
  for (const { id = `a-${world.random.string(17)}`, owner, createdAt, ...rest } of associations) {
    const addon = owner === undefined ? undefined : cluster.addons.get(owner);
    addon?.associationIds.push(id);
    cluster.associations.set(id, {
      ...rest,
      id,
      arn: `arn:aws:eks:${cluster.region}:${cluster.account}:podidentityassociation/${cluster.name}/${id}`,
      ...(addon ? { ownerArn: addon.arn } : {}),
      ...(rest.targetRoleArn === undefined ? {} : { externalId: world.random.uuid() }),
      createdAt: Date.parse(createdAt),
      modifiedAt: Date.parse(createdAt),
    });
  }
};

const buildCluster = (world: World, account: string, spec: ScenarioCluster, callers: Callers): ClusterState => {
  const { name, region, oidcId } = spec;
  const cluster: ClusterState = {
    name,
    arn: `arn:aws:eks:${region}:${account}:cluster/${name}`,
    account,
    region,
    version: spec.version,
    platformVersion: spec.platformVersion,
    status: spec.status,
    createdAt: Date.parse(spec.createdAt),
    endpoint: `https://${world.random.string(32, HEX)}.gr7.${region}.eks.amazonaws.com`,
    certificateAuthority: placeholderCertificate(world),
    ...(spec.apiServer === 'unreachable' ? { unreachable: true } : {}),
    ...(oidcId === undefined ? {} : { oidcIssuer: `https://oidc.eks.${region}.amazonaws.com/id/${oidcId}` }),
    autoMode: spec.autoMode,
    authenticationMode: spec.authenticationMode,
    tags: { ...spec.tags },
    addons: new Map(),
    associations: new Map(),
    updates: new Map(),
    preserved: new Set(),
    foreignFields: new Map(
      spec.addons.flatMap(({ name: addon, modifiedFields }) =>
        modifiedFields === undefined ? [] : [[addon, modifiedFields.map(({ field, manager }) => ({ field, manager }))]],
      ),
    ),
    podSettings: podSettingsOf(spec.addons),
    fargateProfiles: spec.fargateProfiles ?? [],
    accessEntries: buildAccessEntries(spec, callers),
    kube: newKubeState(),
  };
  for (const addon of spec.addons) cluster.addons.set(addon.name, buildAddon(world, cluster, addon));
  addAssociations(world, cluster, spec.associations);

  // Pods come last: what the webhook gave them depends on the associations that there were by then.
  seedCluster(world, cluster, spec.nodes);
  for (const addon of spec.addons) {
    const offered = world.catalogue.get(addon.name);
    if (!offered || addon.status === 'CREATING' || addon.status === 'CREATE_FAILED') continue;
    seedAddonObjects(
      world,
      cluster,
      addon.name,
      withPodSettings(offered.objects, cluster.podSettings?.get(addon.name)),
      {
        irsaServiceAccounts: offered.irsaServiceAccounts,
        ...(addon.serviceAccountRoleArn === undefined ? {} : { roleArn: addon.serviceAccountRoleArn }),
        podsCreatedAt: Date.parse(addon.podsCreatedAt ?? addon.createdAt),
        fields: addon.modifiedFields ?? [],
      },
    );
  }
  for (const workload of spec.workloads) seedWorkload(world, cluster, workload);
  seedCustomResources(cluster, spec.customResources);
  seedRbac(cluster, spec.rbac);
  setWebhook(cluster, spec.podIdentityWebhook);
  return cluster;
};

const withdrawVersions = (world: World, changes: Scenario['catalogue']): void => {
  for (const change of changes) {
    for (const version of world.catalogue.get(change.addon)?.versions ?? []) {
      if (change.withdrawnVersions.includes(version.version)) version.offered = false;
    }
  }
};

/** Where the service itself is deployed. */
export const homeOf = (scenario: Scenario): World['home'] => {
  const [first] = scenario.accounts;
  return scenario.home ?? { account: first?.id ?? '', region: first?.clusters[0]?.region ?? DEFAULT_REGION };
};

/**
 * Where the service's stack for other accounts is deployed: into each of these accounts, in the region of the service
 * and in all that have clusters.
 */
export const spokePlacesOf = (scenario: Scenario): World['home'][] => {
  const home = homeOf(scenario);
  const regions = new Set([
    home.region,
    ...scenario.accounts.flatMap(({ clusters }) => clusters.map(({ region }) => region)),
  ]);
  return scenario.accounts
    .filter(({ id, spoke }) => id !== home.account && spoke !== 'absent')
    .flatMap(({ id: account }) => [...regions].map((region) => ({ account, region })));
};

/** The scenario must have been checked (`parseScenario`). The same scenario and seed make the same world. */
export const buildWorld = (scenario: Scenario, options: BuildOptions = {}): World => {
  const seed = options.seed ?? scenario.seed;
  const world: World = {
    seed,
    random: new Random(seed),
    schedule: new Schedule(Date.parse(scenario.startAt)),
    knobs: scenario.knobs,
    catalogue: loadCatalogue(),
    accounts: new Map(),
    accessKeys: new Map(),
    log: new CallLog({ keep: options.keepCalls }),
    faults: new Faults(scenario.faults, { keep: options.keepCalls }),
    throttles: new Throttles(scenario.throttles),
    events: [],
    notifications: [],
    deadLetters: [],
    buckets: new Map(),
    home: homeOf(scenario),
  };
  withdrawVersions(world, scenario.catalogue);
  const { roles: deployedRoles = [] } = options;
  const serviceRoles = deployedRoles.map((role) => (typeof role === 'string' ? role : role.arn));
  const { kubernetesRoles = serviceRoles } = options;
  const operator = operatorRoleArn(world);
  const spokes = new Set((options.spokeRoles ?? []).map(({ arn }) => arn));
  /** In other accounts the service is let in by the roles that it assumes there, where there are any. */
  const callersIn = (account: string): Omit<Callers, 'nodes'> => {
    if (account === world.home.account)
      return {
        operator,
        service: kubernetesRoles,
        restart: options.restartRoles ?? [],
        annotate: options.annotateRoles ?? [],
      };
    const { all, restart, annotate } = spokeKubernetesRoles(account, partitionOf(world.home.region));
    const there = (arns: readonly string[]): string[] => arns.filter((arn) => spokes.has(arn));
    return { operator, service: there(all), restart: there(restart), annotate: there(annotate) };
  };
  for (const { id, roles, clusters, disabledRegions } of scenario.accounts) {
    const account = {
      id,
      roles: new Map<string, RoleState>(),
      clusters: new Map<string, ClusterState>(),
      disabledRegions,
    };
    world.accounts.set(id, account);
    for (const role of roles) {
      const state = buildRole(world, role);
      account.roles.set(state.name, state);
    }
    for (const cluster of clusters) {
      const nodes = nodeRoleOf(cluster, id);
      account.clusters.set(
        `${cluster.region}/${cluster.name}`,
        buildCluster(world, id, cluster, { ...callersIn(id), nodes }),
      );
      if (cluster.nodeRoleArn === undefined && cluster.accessEntries === undefined)
        addRole(world, nodeRole(cluster, nodes));
    }
  }
  for (const role of [...deployedRoles, ...(options.spokeRoles ?? [])])
    if (typeof role !== 'string') addRole(world, role);
  for (const role of [operator, ...serviceRoles]) issueAccessKey(world, role);
  return world;
};
