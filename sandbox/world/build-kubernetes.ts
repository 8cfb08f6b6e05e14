/** What a scenario puts into a cluster beside its add-ons: workloads of its own, custom resources, access entries and RBAC objects. */
import { createServiceAccount, ensureNamespace } from '../kubernetes/cluster-objects.ts';
import { seedAddonObjects } from '../kubernetes/controllers.ts';
import { defineCustomKinds } from '../kubernetes/custom-resources.ts';
import { defaultAccessEntries } from '../kubernetes/rbac-defaults.ts';
import { getObject, newMetadata, putObject, putResource, resourceOf, touch } from '../kubernetes/store.ts';
import type { ScenarioCluster } from './scenario.ts';
import type { ScenarioAccessEntry, ScenarioCustomResource, ScenarioRbacObject, ScenarioWorkload } from './scenario-cluster.ts';
import type { AccessEntryState, ClusterState, World } from './world.ts';

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

/** Who calls API servers of the sandbox's own accord: ARNs of roles. */
export interface Callers {
  operator: string;
  /** Roles of the deployed service that call API servers. */
  service: string[];
}

/** The entries of a cluster, by principal: those that its scenario lists, else those that the sandbox's own callers need. */
export const buildAccessEntries = (cluster: ScenarioCluster, callers: Callers): ClusterState['accessEntries'] => {
  const createdAt = Date.parse(cluster.createdAt);
  const entries = cluster.accessEntries?.map((entry) => entryOf(entry, createdAt)) ?? defaultAccessEntries(createdAt, callers);
  return new Map(entries.map((entry) => [entry.principalArn, entry]));
};

/** A workload that was there before the sandbox opened, with its pods ready and as the webhook made them then. */
export const seedWorkload = (world: World, cluster: ClusterState, workload: ScenarioWorkload): void => {
  const { namespace, serviceAccount, serviceAccountAnnotations, createdAt, kind, name, replicas } = workload;
  const at = Date.parse(createdAt);
  ensureNamespace(cluster, namespace, at);
  const account = getObject(cluster.kube, 'ServiceAccount', namespace, serviceAccount) ?? createServiceAccount(cluster, namespace, serviceAccount, at);
  if (Object.keys(serviceAccountAnnotations).length > 0) {
    account.metadata.annotations = { ...account.metadata.annotations, ...serviceAccountAnnotations };
    touch(cluster.kube, account);
  }
  const { labels = { 'app.kubernetes.io/name': name }, containers = [{ name, image: `registry.example.com/${name}` }] } = workload;
  const template = { kind, name, serviceAccount, labels, containers, ...(replicas === undefined ? {} : { replicas }) };
  seedAddonObjects(world, cluster, name, { namespace, serviceAccounts: [], workloads: [template] }, { irsaServiceAccounts: [], podsCreatedAt: at, manager: 'helm' });
};

/** After the add-ons, which bring definitions; what none of them defines is defined by the first that there is of it. */
export const seedCustomResources = (cluster: ClusterState, resources: ScenarioCustomResource[]): void => {
  const { kube, createdAt: clusterCreatedAt } = cluster;
  for (const { apiVersion, plural, namespace, name, createdAt, ...rest } of resources) {
    const [group = '', version = ''] = apiVersion.split('/');
    const at = createdAt === undefined ? clusterCreatedAt : Date.parse(createdAt);
    if (namespace !== undefined) ensureNamespace(cluster, namespace, at);
    const kind = kube.customKinds.get(resourceOf({ plural, group })) ?? { group, versions: [version], plural, kind: rest.kind, namespaced: namespace !== undefined };
    defineCustomKinds(cluster, [kind]);
    putResource(kube, kind, { ...rest, apiVersion, metadata: newMetadata(kube, at, { name, ...(namespace === undefined ? {} : { namespace }), generation: 1 }) });
  }
};

export const seedRbac = (cluster: ClusterState, objects: ScenarioRbacObject[]): void => {
  for (const object of objects) {
    const { namespace } = { namespace: undefined, ...object.metadata };
    if (namespace !== undefined) ensureNamespace(cluster, namespace, cluster.createdAt);
    putObject(cluster.kube, object.kind, { ...object, metadata: newMetadata(cluster.kube, cluster.createdAt, object.metadata) });
  }
};
