/**
 * Builds what a scenario puts into a cluster in addition to its add-ons: workloads, access entries and RBAC
 * objects.
 */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { accessPolicyArn } from '../catalog/access-policies.ts';
import { noteMetadata } from '../kubernetes/manifest-fields.ts';
import { podsChanged } from '../kubernetes/budgets.ts';
import { createServiceAccount, ensureNamespace, POD_IDENTITY_WEBHOOK } from '../kubernetes/cluster-objects.ts';
import { seedAddonObjects } from '../kubernetes/addon-objects.ts';
import type { AddonObjects, PodSettings } from '../objects/objects.ts';
import { defaultAccessEntries } from '../kubernetes/rbac-defaults.ts';
import { getObject, newMetadata, putObject, removeObject, touch } from '../objects/store.ts';
import type { DeployedRole } from './build-roles.ts';
import { mountedVolumeOf } from './build-storage.ts';
import { containerSoftwareOf, containerTemplateOf, variableOf } from './environment.ts';
import type { ScenarioAddon, ScenarioCluster } from '../scenario/scenario.ts';
import type { ScenarioBudget } from '../scenario/scenario-churn.ts';
import type { ScenarioAccessEntry, ScenarioRbacObject, ScenarioWorkload } from '../scenario/scenario-cluster.ts';
import type { ScenarioSoftware } from '../scenario/scenario-containers.ts';
import type { AccessEntryState, ClusterState, World } from '../world/world.ts';

const entryOf = ({ createdAt: since, ...entry }: ScenarioAccessEntry, clusterCreatedAt: number): AccessEntryState => {
  const createdAt = since === undefined ? clusterCreatedAt : Date.parse(since);
  return {
    ...entry,
    createdAt,
    policies: entry.policies.map(({ policyArn, accessScope }) => ({
      policyArn,
      scope: { type: accessScope.type, namespaces: accessScope.type === 'namespace' ? accessScope.namespaces : [] },
      associatedAt: createdAt,
    })),
  };
};

/** ARNs of the roles that call the sandbox's API servers without being listed in a scenario. */
export interface Callers {
  operator: string;
  /**
   * The deployed service's roles that call API servers, and the subsets of them that restart workloads or change
   * service accounts.
   */
  service: string[];
  restart: string[];
  annotate: string[];
  /** The role of the cluster's nodes. */
  nodes: string;
}

/**
 * The entry that EKS creates for a managed node group, and for the node role of Auto Mode (EKS User Guide, "Create
 * access entries").
 */
const nodeEntry = ({ autoMode, region }: ScenarioCluster, { nodes }: Callers, createdAt: number): AccessEntryState => ({
  principalArn: nodes,
  type: autoMode ? 'EC2' : 'EC2_LINUX',
  kubernetesGroups: [],
  policies: autoMode
    ? [
        {
          policyArn: accessPolicyArn(partitionOf(region), 'AmazonEKSAutoNodePolicy'),
          scope: { type: 'cluster', namespaces: [] },
          associatedAt: createdAt,
        },
      ]
    : [],
  tags: {},
  createdAt,
});

/**
 * Returns the entries of a cluster by principal: those that its scenario lists, or else those that the sandbox's own
 * callers need.
 */
export const buildAccessEntries = (cluster: ScenarioCluster, callers: Callers): ClusterState['accessEntries'] => {
  const createdAt = Date.parse(cluster.createdAt);
  const listed = cluster.accessEntries?.map((entry) => entryOf(entry, createdAt));
  const ofCallers = defaultAccessEntries(createdAt, callers);
  // A listed entry replaces that of a caller with the same principal.
  const entries = listed
    ? [...(cluster.serviceAccess === 'added' ? ofCallers : []), ...listed]
    : [...ofCallers, nodeEntry(cluster, callers, createdAt)];
  return new Map(entries.map((entry) => [entry.principalArn, entry]));
};

const softwareOf = ({
  workload,
  container,
  image,
  ...software
}: ScenarioSoftware): PodSettings['software'][number] => ({
  ...(workload === undefined ? {} : { workload }),
  ...(container === undefined ? {} : { container }),
  ...(image === undefined ? {} : { image }),
  ...containerSoftwareOf(software),
});

/** Returns the scenario's settings for the pods of add-ons, by add-on name. */
export const podSettingsOf = (addons: ScenarioAddon[]): NonNullable<ClusterState['podSettings']> =>
  new Map(
    addons.flatMap(
      ({ name, extraEnv = [], software = [], nodeSelector, replicas, readySeconds }): [string, PodSettings][] => {
        const settings = {
          ...(nodeSelector ? { nodeSelector } : {}),
          ...(replicas === undefined ? {} : { replicas }),
          ...(readySeconds === undefined ? {} : { readySeconds }),
        };
        if (extraEnv.length === 0 && software.length === 0 && Object.keys(settings).length === 0) return [];
        const env = extraEnv.map(({ workload, container, ...variable }) => ({
          ...variableOf(variable),
          ...(workload === undefined ? {} : { workload }),
          ...(container === undefined ? {} : { container }),
        }));
        return [[name, { env, software: software.map(softwareOf), ...settings }]];
      },
    ),
  );

/** Field manager of workloads that no add-on owns, unless the scenario names another one. */
const APPLIER = 'helm';

/** Returns the workload as the controllers know it, without what is not set. */
const templateOf = ({
  kind,
  name,
  serviceAccount,
  labels = { 'app.kubernetes.io/name': name },
  containers = [{ name, image: `registry.example.com/${name}`, env: [] }],
  initContainers,
  paused,
  hostNetwork,
  replicas,
  updateStrategy,
  maxUnavailable,
  maxSurge,
  readySeconds,
  minReadySeconds,
  annotations,
  podAnnotations,
  nodeSelector,
  volumes,
  tolerations,
}: ScenarioWorkload): AddonObjects['workloads'][number] => ({
  kind,
  name,
  serviceAccount,
  labels,
  ...(initContainers === undefined ? {} : { initContainers: initContainers.map(containerTemplateOf) }),
  containers: containers.map(containerTemplateOf),
  ...(replicas === undefined ? {} : { replicas }),
  ...(paused ? { paused } : {}),
  ...(updateStrategy === undefined ? {} : { updateStrategy }),
  ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
  ...(maxSurge === undefined ? {} : { maxSurge }),
  ...(readySeconds === undefined ? {} : { readySeconds }),
  ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
  ...(annotations === undefined ? {} : { annotations }),
  ...(podAnnotations === undefined ? {} : { podAnnotations }),
  ...(nodeSelector === undefined ? {} : { nodeSelector }),
  ...(tolerations === undefined ? {} : { tolerations }),
  ...(hostNetwork ? { hostNetwork } : {}),
  ...(volumes === undefined ? {} : { volumes: volumes.map(mountedVolumeOf) }),
});

/** Creates a workload from before the sandbox opened, with ready pods in the form that the webhook gave them then. */
export const seedWorkload = (world: World, cluster: ClusterState, workload: ScenarioWorkload): void => {
  const { namespace, name, serviceAccount, serviceAccountAnnotations, createdAt, manager = APPLIER } = workload;
  const at = createdAt === undefined ? cluster.createdAt : Date.parse(createdAt);
  ensureNamespace(cluster, namespace, at);
  const account =
    getObject(cluster.kube, 'ServiceAccount', namespace, serviceAccount) ??
    createServiceAccount(cluster, namespace, serviceAccount, at);
  if (Object.keys(serviceAccountAnnotations).length > 0) {
    const was = { ...account, metadata: { ...account.metadata } };
    account.metadata.annotations = { ...account.metadata.annotations, ...serviceAccountAnnotations };
    noteMetadata(cluster, was, account, manager, at);
    touch(cluster.kube, account);
  }
  seedAddonObjects(
    world,
    cluster,
    name,
    { namespace, serviceAccounts: [], workloads: [templateOf(workload)] },
    { irsaServiceAccounts: [], podsCreatedAt: at, manager },
  );
};

export const seedRbac = (cluster: ClusterState, objects: ScenarioRbacObject[]): void => {
  for (const object of objects) {
    const { namespace } = { namespace: undefined, ...object.metadata };
    if (namespace !== undefined) ensureNamespace(cluster, namespace, cluster.createdAt);
    putObject(cluster.kube, object.kind, {
      ...object,
      metadata: newMetadata(cluster.kube, cluster.createdAt, object.metadata),
    });
  }
};

export const seedBudgets = (world: World, cluster: ClusterState, budgets: ScenarioBudget[]): void => {
  for (const { namespace, name, labels, minAvailable, maxUnavailable } of budgets) {
    ensureNamespace(cluster, namespace, cluster.createdAt);
    putObject(cluster.kube, 'PodDisruptionBudget', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: newMetadata(cluster.kube, cluster.createdAt, { name, namespace, generation: 1 }),
      spec: {
        selector: { matchLabels: labels },
        ...(minAvailable === undefined ? {} : { minAvailable }),
        ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    });
    podsChanged({ world, cluster }, namespace);
  }
};

/** Applies changes to EKS's webhook since the pods were created. */
export const setWebhook = ({ kube }: ClusterState, policy: ScenarioCluster['podIdentityWebhook']): void => {
  const configuration = getObject(kube, 'MutatingWebhookConfiguration', undefined, POD_IDENTITY_WEBHOOK);
  if (!configuration || policy === 'Ignore') return;
  if (policy === 'absent') removeObject(kube, 'MutatingWebhookConfiguration', configuration);
  else
    configuration['webhooks'] = (configuration['webhooks'] as object[]).map((webhook) => ({
      ...webhook,
      failurePolicy: policy,
    }));
};

export const nodeRoleOf = ({ name, nodeRoleArn, region }: ScenarioCluster, account: string): string =>
  nodeRoleArn ?? `arn:${partitionOf(region)}:iam::${account}:role/${name}-nodes`;

/**
 * Returns the role of a cluster's nodes with the policies that AWS recommends (EKS User Guide, "Amazon EKS node IAM
 * role", "Amazon EKS Auto Mode node IAM role").
 */
export const nodeRole = ({ autoMode, region }: ScenarioCluster, arn: string): DeployedRole => ({
  arn,
  policies: [],
  managedPolicyArns: (autoMode
    ? ['AmazonEKSWorkerNodeMinimalPolicy', 'AmazonEC2ContainerRegistryPullOnly']
    : ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly', 'AmazonEKS_CNI_Policy']
  ).map((name) => `arn:${partitionOf(region)}:iam::aws:policy/${name}`),
  trustPolicy: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  },
});
