/** The Kubernetes port over HTTPS. */
import { z } from 'zod';
import { IRSA_ANNOTATION } from '../domain/verification/irsa.ts';
import { isMigrationError } from '../domain/failures/errors.ts';
import { resourceName, SERVICE_MANAGER, WORKLOAD_KINDS, WORKLOAD_PLURALS } from '../domain/kubernetes/objects.ts';
import type { Kubernetes, ListedKind, Pod, ServiceAccount, Workload, WorkloadRef } from '../ports/kubernetes.ts';
import {
  ALL_NAMESPACES_ACCESS,
  CLUSTER_OBJECT_ACCESS,
  KubernetesApi,
  type KubernetesApiOptions,
  type ListOptions,
  pageOf,
  unlessNotFound,
} from './kubernetes-api.ts';
import {
  controllerOf,
  apiGroups,
  customResource,
  mutatingWebhookConfiguration,
  pod,
  replicaSet,
  serviceAccount,
  serviceAccountDetail,
  toMutatingWebhooks,
  toPod,
} from './kubernetes-objects.ts';
import { node, toNode } from './node-objects.ts';
import { objectsWith } from './any-object.ts';
import { toWorkload, workload } from './workload-objects.ts';
import { toAttributedServiceAccount, toServiceAccount, toServiceAccountDetail } from './service-account-objects.ts';

const MARKER = `${SERVICE_MANAGER}/restarted-for`;

const ALL_SERVICE_ACCOUNTS: ListOptions = {
  path: '/api/v1/serviceaccounts',
  what: 'list service accounts in all namespaces',
  access: ALL_NAMESPACES_ACCESS,
};
const ALL_PODS: ListOptions = {
  path: '/api/v1/pods',
  what: 'list pods in all namespaces',
  access: ALL_NAMESPACES_ACCESS,
};
const NODES: ListOptions = { path: '/api/v1/nodes', what: 'list nodes', access: CLUSTER_OBJECT_ACCESS };
const MUTATING_WEBHOOKS: ListOptions = {
  path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  what: 'list mutating webhook configurations',
  access: CLUSTER_OBJECT_ACCESS,
};

const accountsPath = (namespace: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts`;
const appsPath = (namespace: string, plural: string): string =>
  `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`;
const workloadPath = ({ kind, namespace, name }: WorkloadRef): string =>
  `${appsPath(namespace, WORKLOAD_PLURALS[kind])}/${encodeURIComponent(name)}`;
const named = ({ kind, namespace, name }: WorkloadRef): string => `${kind} ${namespace}/${name}`;

type Pods = Pick<Kubernetes, 'listPods' | 'eachPod' | 'listAllPods' | 'evictPod'>;

/** Returns the result of an eviction, if the error is about the pod. */
function evictionRefused(error: unknown): 'refused' | 'gone' | undefined {
  if (!isMigrationError(error)) return undefined;
  // Source: Kubernetes documentation, "API-initiated Eviction". A conflict means that another pod has the name now.
  if (error.name === 'NotFound' || error.name === 'Busy') return 'gone';
  const isBudget = error.name === 'Throttled' && /disruption budget/i.test(error.message);
  return isBudget || error.name === 'AccessDenied' ? 'refused' : undefined;
}

async function evict(
  api: KubernetesApi,
  { namespace, name, uid }: Pick<Pod, 'namespace' | 'name' | 'uid'>,
): Promise<'evicted' | 'refused' | 'gone'> {
  const content = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions: { preconditions: { uid } },
  };
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`;
  const request = { what: `evict pod ${namespace}/${name}`, method: 'POST', path } as const;
  try {
    await api.call({ ...request, body: { type: 'application/json', content } }, z.unknown());
    return 'evicted';
  } catch (error) {
    const refused = evictionRefused(error);
    if (refused === undefined) throw error;
    return refused;
  }
}

function createPods(api: KubernetesApi): Pods {
  // Without ReplicaSets, which would double the number of calls.
  const eachPod = (visit: (pods: Pod[]) => void): Promise<void> =>
    api.visitPages(ALL_PODS, pod, (found) => visit(found.map((each) => toPod(each))));
  return {
    listPods: async (namespace) => {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      const pods = await api.list({ path, what: `list pods in ${namespace}` }, pod);
      const deployments = new Map<string, { kind: string; name: string }>();
      if (pods.some(({ metadata }) => controllerOf(metadata.ownerReferences)?.kind === 'ReplicaSet')) {
        const replicaSets: ListOptions = {
          path: appsPath(namespace, 'replicasets'),
          what: `list replica sets in ${namespace}`,
        };
        for (const { metadata } of await api.list(replicaSets, replicaSet)) {
          const controller = controllerOf(metadata.ownerReferences);
          if (controller) deployments.set(metadata.name, controller);
        }
      }
      return pods.map((each) => toPod(each, deployments));
    },
    evictPod: (which) => evict(api, which),
    eachPod,
    listAllPods: async () => {
      const all: Pod[] = [];
      await eachPod((pods) => void all.push(...pods));
      return all;
    },
  };
}

type ServiceAccounts = Pick<
  Kubernetes,
  | 'listServiceAccounts'
  | 'listAnnotatedServiceAccounts'
  | 'listAttributedServiceAccounts'
  | 'getServiceAccount'
  | 'annotateServiceAccount'
>;

function createServiceAccounts(api: KubernetesApi): ServiceAccounts {
  const listServiceAccounts = async (): Promise<ServiceAccount[]> =>
    (await api.list(ALL_SERVICE_ACCOUNTS, serviceAccount)).map(toServiceAccount);
  return {
    listServiceAccounts,
    listAnnotatedServiceAccounts: async () =>
      (await listServiceAccounts()).flatMap(({ roleArn, ...account }) =>
        roleArn === undefined ? [] : [{ ...account, roleArn }],
      ),
    listAttributedServiceAccounts: async (namespace) => {
      const options = { path: accountsPath(namespace), what: `list service accounts in ${namespace}` };
      return (await api.list(options, serviceAccountDetail)).flatMap(
        (found) => toAttributedServiceAccount(found) ?? [],
      );
    },
    // Uses the list, for which the service already has a right, so that no additional right is needed.
    getServiceAccount: async (namespace, name) => {
      const query = new URLSearchParams({ fieldSelector: `metadata.name=${name}` });
      const { items } = await api.call(
        {
          what: `get service account ${namespace}/${name}`,
          method: 'GET',
          path: `${accountsPath(namespace)}?${query.toString()}`,
        },
        pageOf(serviceAccountDetail),
      );
      const found = items.find(({ metadata }) => metadata.name === name);
      return found && toServiceAccountDetail(found);
    },
    annotateServiceAccount: async ({ namespace, name, resourceVersion }, roleArn) => {
      const body = {
        type: 'application/merge-patch+json',
        content: { metadata: { resourceVersion, annotations: { [IRSA_ANNOTATION]: roleArn } } },
      } as const;
      await api.call(
        {
          what: `annotate service account ${namespace}/${name}`,
          method: 'PATCH',
          path: `${accountsPath(namespace)}/${encodeURIComponent(name)}?fieldManager=${SERVICE_MANAGER}`,
          body,
        },
        z.unknown(),
      );
    },
  };
}

type Workloads = Pick<Kubernetes, 'listWorkloads' | 'getWorkload' | 'restartWorkload'>;

const createWorkloads = (api: KubernetesApi): Workloads => ({
  listWorkloads: async (namespace) => {
    const workloads: Workload[] = [];
    for (const kind of WORKLOAD_KINDS) {
      const plural = WORKLOAD_PLURALS[kind];
      const found = await api.list(
        { path: appsPath(namespace, plural), what: `list ${plural} in ${namespace}` },
        workload,
      );
      workloads.push(...found.map((each) => toWorkload(kind, each)));
    }
    return workloads;
  },
  getWorkload: async (ref) => {
    const found = await unlessNotFound(() =>
      api.call({ what: `get ${named(ref)}`, method: 'GET', path: workloadPath(ref) }, workload),
    );
    return found && toWorkload(ref.kind, found);
  },
  restartWorkload: async (ref, marker) => {
    const body = {
      type: 'application/strategic-merge-patch+json',
      content: { spec: { template: { metadata: { annotations: { [MARKER]: marker } } } } },
    } as const;
    await api.call(
      {
        what: `restart ${named(ref)}`,
        method: 'PATCH',
        path: `${workloadPath(ref)}?fieldManager=${SERVICE_MANAGER}`,
        body,
      },
      z.unknown(),
    );
  },
});

type ClusterObjects = Pick<
  Kubernetes,
  'listNodes' | 'listMutatingWebhooks' | 'listCustomResources' | 'listApiGroups' | 'listObjects'
>;

/** Where the objects of a resource are. The core group has no name. */
function listOfKind({ group, version, plural, namespace }: ListedKind): ListOptions {
  const parts = ['apis', group, version, ...(namespace === undefined ? [] : ['namespaces', namespace]), plural];
  const what = `list ${resourceName({ group, plural })}${namespace === undefined ? '' : ` in ${namespace}`}`;
  return {
    path: `/${parts.map(encodeURIComponent).join('/')}`.replace('/apis//', '/api/'),
    what,
    access: CLUSTER_OBJECT_ACCESS,
  };
}

const createClusterObjects = (api: KubernetesApi): ClusterObjects => ({
  listNodes: async () => (await api.list(NODES, node)).map(toNode),
  listMutatingWebhooks: async () =>
    (await api.list(MUTATING_WEBHOOKS, mutatingWebhookConfiguration)).flatMap(toMutatingWebhooks),
  listCustomResources: async (kind) => {
    const found = (await unlessNotFound(() => api.list(listOfKind(kind), customResource))) ?? [];
    return found.map(({ metadata: { namespace, name } }) => (namespace ? `${namespace}/${name}` : name));
  },
  listApiGroups: async () => {
    const { groups } = await api.call({ what: 'list API groups', method: 'GET', path: '/apis' }, apiGroups);
    return groups.map(({ name, versions }) => ({ name, versions: versions.map(({ version }) => version) }));
  },
  listObjects: (kind) => unlessNotFound(() => api.list(listOfKind(kind), objectsWith(kind.fields))),
});

/** Returns the port for one API server. */
export const createHttpKubernetes = (options: KubernetesApiOptions): Kubernetes => {
  const api = new KubernetesApi(options);
  return { ...createPods(api), ...createServiceAccounts(api), ...createWorkloads(api), ...createClusterObjects(api) };
};
