/** Builds what a scenario knows about service accounts and pods from before the sandbox opened. */
import { noteMetadata } from '../kubernetes/manifest-fields.ts';
import { createServiceAccount, ensureNamespace } from '../kubernetes/cluster-objects.ts';
import { getObject, touch } from '../objects/store.ts';
import { ROLE_ANNOTATION } from '../kubernetes/webhook.ts';
import type { ScenarioCluster } from '../scenario/scenario.ts';
import type { ClusterState } from '../world/world.ts';

/** Creates the service accounts. Runs before add-ons and workloads, which use those that exist. */
export const seedServiceAccounts = (cluster: ClusterState, accounts: ScenarioCluster['serviceAccounts']): void => {
  for (const { namespace, name, annotations, labels, manager, appliedBy, createdAt } of accounts) {
    const at = createdAt === undefined ? cluster.createdAt : Date.parse(createdAt);
    ensureNamespace(cluster, namespace, at);
    const account =
      getObject(cluster.kube, 'ServiceAccount', namespace, name) ?? createServiceAccount(cluster, namespace, name, at);
    const { [ROLE_ANNOTATION]: role, ...others } = annotations;
    const set = (more: Record<string, string>, by: string | undefined): void => {
      const was = { ...account, metadata: { ...account.metadata } };
      if (Object.keys(more).length > 0) account.metadata.annotations = { ...account.metadata.annotations, ...more };
      if (more === others && Object.keys(labels).length > 0)
        account.metadata.labels = { ...account.metadata.labels, ...labels };
      if (by !== undefined) noteMetadata(cluster, was, account, by, at);
    };
    set(others, appliedBy);
    if (role !== undefined) set({ [ROLE_ANNOTATION]: role }, manager);
    touch(cluster.kube, account);
  }
};

/** Notes the pods for the controllers that create them. Runs before add-ons and workloads. */
export const notePastPods = ({ kube }: ClusterState, pods: ScenarioCluster['pods']): void => {
  for (const { kind, namespace, workload, count, createdAt, identity, roleArn, restarts } of pods) {
    const key = `${kind} ${namespace}/${workload}`;
    const known = kube.pastPods.get(key) ?? [];
    for (let n = 0; n < count; n += 1) known.push({ createdAt: Date.parse(createdAt), identity, roleArn, restarts });
    kube.pastPods.set(key, known);
  }
};
