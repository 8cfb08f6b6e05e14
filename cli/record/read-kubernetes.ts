/** Reads a cluster's objects from its API server. */
import { z } from 'zod';
import type { KubernetesApi } from '../../lambdas/adapters/kubernetes-api.ts';
import { unlessNotFound } from '../../lambdas/adapters/kubernetes-api.ts';
import {
  mutatingWebhookConfiguration,
  pod,
  serviceAccountDetail,
  toMutatingWebhooks,
  toPod,
} from '../../lambdas/adapters/kubernetes-objects.ts';
import { listOf, strings } from '../../lambdas/adapters/api-schemas.ts';
import { node, toNode } from '../../lambdas/adapters/node-objects.ts';
import { toManagedFields } from '../../lambdas/adapters/managed-fields.ts';
import { toWorkload, workload } from '../../lambdas/adapters/workload-objects.ts';
import { ownedKinds } from '../../lambdas/domain/addons/registry.ts';
import { WORKLOAD_KINDS, WORKLOAD_PLURALS } from '../../lambdas/domain/kubernetes/objects.ts';
import type { ManagedFields, MutatingWebhook, Node, Pod, Workload } from '../../lambdas/ports/index.ts';
import { type RecordedConsumers, readRecordedConsumers } from './consumers.ts';
import { mountsOf, type RecordedMount } from './mounts.ts';
import { type NetworkObjects, readNetwork } from './network.ts';
import type { Reader } from './reader.ts';

/** A workload with the fields that only a recording reads. */
const recordedWorkload = workload.extend({
  metadata: workload.shape.metadata.extend({ annotations: strings, creationTimestamp: z.string() }),
  spec: workload.shape.spec.extend({ selector: z.object({ matchLabels: strings }).nullish() }),
});

const budget = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.looseObject({
    minAvailable: z.union([z.number(), z.string()]).nullish(),
    maxUnavailable: z.union([z.number(), z.string()]).nullish(),
    selector: z.looseObject({ matchLabels: strings, matchExpressions: listOf(z.unknown()) }).nullish(),
  }),
});

const autoscaler = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.looseObject({
    minReplicas: z.number().nullish(),
    maxReplicas: z.number(),
    scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
  }),
});

const customObject = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().nullish() }),
});

export interface RecordedWorkload extends Workload {
  createdAt: string;
  annotations: Record<string, string>;
  selector: Record<string, string>;
  podLabels: Record<string, string>;
  nodeSelector: Record<string, string>;
  hostNetwork: boolean;
  updateStrategy?: string;
  /** What its template mounts of claims, of the Secrets Store, and of tokens of its own. */
  mounted: RecordedMount[];
}

export interface RecordedAccount {
  namespace: string;
  name: string;
  annotations: Record<string, string>;
  labels: Record<string, string>;
  managedFields: ManagedFields[];
}

export interface CustomObject {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespace?: string;
  name: string;
}

export interface KubernetesObjects {
  workloads: RecordedWorkload[];
  pods: Pod[];
  accounts: RecordedAccount[];
  /** Absent if they could not be read, like the webhooks. */
  nodes?: (Node & { labels: Record<string, string> })[];
  webhooks?: MutatingWebhook[];
  budgets: z.output<typeof budget>[];
  autoscalers: z.output<typeof autoscaler>[];
  customResources: CustomObject[];
  consumers: RecordedConsumers;
  network: NetworkObjects;
}

const readWorkloads = async (reader: Reader, api: KubernetesApi): Promise<RecordedWorkload[]> => {
  const found: RecordedWorkload[] = [];
  for (const kind of WORKLOAD_KINDS) {
    const plural = WORKLOAD_PLURALS[kind];
    reader.verbs.add(`list ${plural}.apps`);
    const items = await api.list({ path: `/apis/apps/v1/${plural}`, what: `list ${plural}` }, recordedWorkload);
    for (const item of items) {
      const { metadata: meta, spec: wanted } = item;
      const { template } = wanted;
      const type = (wanted.updateStrategy ?? wanted.strategy)?.type ?? undefined;
      found.push({
        ...toWorkload(kind, item),
        createdAt: new Date(meta.creationTimestamp).toISOString(),
        annotations: meta.annotations,
        selector: wanted.selector?.matchLabels ?? {},
        podLabels: template.metadata?.labels ?? {},
        nodeSelector: template.spec.nodeSelector,
        hostNetwork: template.spec.hostNetwork ?? false,
        mounted: mountsOf(template.spec.volumes),
        ...(type === undefined ? {} : { updateStrategy: type }),
      });
    }
  }
  return found;
};

const readAccounts = async (reader: Reader, api: KubernetesApi): Promise<RecordedAccount[]> => {
  reader.verbs.add('list serviceaccounts');
  const items = await api.list(
    { path: '/api/v1/serviceaccounts', what: 'list service accounts' },
    serviceAccountDetail,
  );
  return items.map(({ metadata: { namespace, name, annotations, labels, managedFields } }) => ({
    namespace,
    name,
    annotations,
    labels,
    managedFields: toManagedFields(managedFields),
  }));
};

const readCustomResources = async (
  reader: Reader,
  api: KubernetesApi,
  addons: readonly string[],
): Promise<CustomObject[]> => {
  const found = new Map<string, CustomObject>();
  for (const { group, version, plural } of addons.flatMap(ownedKinds)) {
    reader.verbs.add(`list ${plural}.${group}`);
    const path = `/apis/${group}/${version}/${plural}`;
    const items = await reader.attempt(
      `the ${plural}.${group}`,
      'the rehearsal has none of them',
      [],
      async () => (await unlessNotFound(() => api.list({ path, what: `list ${plural}.${group}` }, customObject))) ?? [],
    );
    // Several versions of a kind have the same objects; the first that is served counts.
    for (const { kind, metadata } of items) {
      const key = `${plural}.${group} ${metadata.namespace ?? ''}/${metadata.name}`;
      const namespace = metadata.namespace ?? undefined;
      if (!found.has(key))
        found.set(key, {
          group,
          version,
          plural,
          kind,
          name: metadata.name,
          ...(namespace === undefined ? {} : { namespace }),
        });
    }
  }
  return [...found.values()];
};

/** Reads the objects. `addons`: names of the installed add-ons. Throws a `MigrationError` if workloads or pods are refused. */
export const readKubernetes = async (
  reader: Reader,
  api: KubernetesApi,
  addons: readonly string[],
): Promise<KubernetesObjects> => {
  reader.progress('workloads');
  const workloads = await readWorkloads(reader, api);
  reader.progress('pods');
  reader.verbs.add('list pods');
  const pods: Pod[] = [];
  await api.visitPages({ path: '/api/v1/pods', what: 'list pods' }, pod, (page) => {
    for (const one of page) pods.push(toPod(one));
  });
  const list = async <T>(resource: string, effect: string, otherwise: T, run: () => Promise<T>): Promise<T> => {
    reader.verbs.add(`list ${resource}`);
    return reader.attempt(`the ${resource}`, effect, otherwise, run);
  };
  const budgetsPath = '/apis/policy/v1/poddisruptionbudgets';
  const scalersPath = '/apis/autoscaling/v2/horizontalpodautoscalers';
  const webhooksPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const webhooks = await list('mutatingwebhookconfigurations', 'the rehearsal has that of EKS', undefined, async () =>
    (await api.list({ path: webhooksPath, what: 'list webhooks' }, mutatingWebhookConfiguration)).flatMap(
      toMutatingWebhooks,
    ),
  );
  const nodes = await list('nodes', 'the rehearsal has two nodes', undefined, async () =>
    (await api.list({ path: '/api/v1/nodes', what: 'list nodes' }, node)).map((one) => ({
      ...toNode(one),
      labels: one.metadata.labels,
    })),
  );
  return {
    workloads,
    pods,
    accounts: await list('serviceaccounts', 'no service account has an annotation', [], () =>
      readAccounts(reader, api),
    ),
    ...(nodes ? { nodes } : {}),
    ...(webhooks ? { webhooks } : {}),
    budgets: await list('poddisruptionbudgets', 'no eviction is refused', [], () =>
      api.list({ path: budgetsPath, what: 'list disruption budgets' }, budget),
    ),
    autoscalers: await list(
      'horizontalpodautoscalers',
      'the number of pods does not change by itself',
      [],
      async () =>
        (await unlessNotFound(() => api.list({ path: scalersPath, what: 'list autoscalers' }, autoscaler))) ?? [],
    ),
    customResources: await readCustomResources(reader, api, addons),
    consumers: await readRecordedConsumers(reader, api),
    network: await readNetwork(reader, api),
  };
};
