import { z } from 'zod';
import { grantForms } from '../domain/access/command.ts';
import { isMigrationError, MigrationError } from '../domain/errors.ts';
import type { ErrorName } from '../domain/errors.ts';
import { IRSA_ANNOTATION } from '../domain/irsa.ts';
import { SERVICE_MANAGER, WORKLOAD_KINDS, WORKLOAD_PLURALS } from '../domain/kubernetes.ts';
import type { Kubernetes, Pod, ServiceAccount, Workload, WorkloadRef } from '../ports/kubernetes.ts';
import type { PlainHttp, PlainHttpResponse } from './clients.ts';
import {
  controllerOf,
  customResource,
  listOf,
  mutatingWebhookConfiguration,
  node,
  pod,
  replicaSet,
  serviceAccount,
  serviceAccountDetail,
  toMutatingWebhooks,
  toNode,
  toPod,
  toServiceAccount,
  toServiceAccountDetail,
  toWorkload,
  workload,
} from './kubernetes-objects.ts';

export interface HttpKubernetesOptions {
  http: PlainHttp;
  /** Where the API server is; asked once. `certificateAuthority`: base64 of a PEM, as DescribeCluster gives it. */
  endpoint: () => Promise<{ url: string; certificateAuthority?: string }>;
  /** A bearer token; asked before each call. */
  token: () => Promise<string>;
  /** The cluster's name for messages; its URL where it is left out. */
  cluster?: string;
}

/** Objects a page: what kubectl asks for. */
const PAGE = 500;
/** Pages of one list: a million objects. Whoever gives more gives no end. */
const MOST_PAGES = 2000;
const MARKER = `${SERVICE_MANAGER}/restarted-for`;

const page = z.looseObject({ metadata: z.looseObject({ continue: z.string().nullish() }), items: listOf(z.unknown()) });
const refusal = z.looseObject({ message: z.string() });

interface CallOptions {
  /** For messages: `list pods in kube-system`. */
  what: string;
  method: 'GET' | 'PATCH';
  path: string;
  body?: { type: 'application/strategic-merge-patch+json' | 'application/merge-patch+json'; content: unknown };
  /** What the calling role needs where it may not do this. */
  access?: string;
}

const NAMESPACE_ACCESS = 'AmazonEKSEditPolicy for that namespace';
/**
 * EKS's policies for viewing and editing read no custom resources, and nothing that is outside of namespaces, such as
 * nodes and webhook configurations (EKS User Guide, "Review access policy permissions").
 */
const CLUSTER_OBJECT_ACCESS = 'AmazonEKSAdminViewPolicy for the whole cluster';
const ALL_NAMESPACES_ACCESS = 'AmazonEKSViewPolicy for the whole cluster';

/** By the schema of its items: zod compiles one at its first use. */
const pageSchemas = new WeakMap<z.ZodType, z.ZodType>();
const pageOf = <T extends z.ZodType>(item: T) => {
  const made = () => page.extend({ items: listOf(item) });
  const known = pageSchemas.get(item) as ReturnType<typeof made> | undefined;
  if (known) return known;
  const schema = made();
  pageSchemas.set(item, schema);
  return schema;
};

const refusalOf = (status: number, access: string, cluster: string): [ErrorName, string] => {
  const grant = grantForms(cluster);
  if (status === 401)
    return [
      'Unauthorised',
      `Give the calling role an access entry: ${grant} makes those of the service's roles; for another role: aws eks create-access-entry. A new one takes some seconds to work.`,
    ];
  if (status === 403)
    return [
      'AccessDenied',
      `Give the calling role what it lacks: ${grant} does it for the service's roles; for another role associate ${access} with its access entry (aws eks associate-access-policy).`,
    ];
  if (status === 404) return ['NotFound', 'Check that it was not removed in the meantime.'];
  if (status === 409) return ['Busy', 'Somebody else changed it at the same moment; try again.'];
  // A page of a list that has grown too old.
  if (status === 410) return ['Busy', 'The list changed while it was read; read it again from the start.'];
  if (status === 429) return ['Throttled', 'Try again in some seconds.'];
  if (status >= 500)
    return ['ServiceUnavailable', 'Try again in some seconds; if it goes on, look at the health of the control plane.'];
  return ['InvalidRequest', "Trying again will not help; compare the call with the cluster's Kubernetes version."];
};

/** The text without the token that the call was made with: whoever repeats it must not get it into a log. */
const without = (text: string, token: string): string => text.replaceAll(token, '[token]');

/** TLS found another certificate than the cluster's authority vouches for: no retry helps. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_/;

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const unlessNotFound = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await run();
  } catch (error) {
    if (isMigrationError(error, 'NotFound')) return undefined;
    throw error;
  }
};

/** The Kubernetes port over HTTPS. Every call is made once: retries are the state machine's. */
export const createHttpKubernetes = (options: HttpKubernetesOptions): Kubernetes => {
  let known: Awaited<ReturnType<HttpKubernetesOptions['endpoint']>> | undefined;

  const exchange = async (
    { what, method, path, body }: CallOptions,
    url: string,
    token: string,
  ): Promise<PlainHttpResponse> => {
    const authority = known?.certificateAuthority;
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    try {
      return await options.http({
        method,
        url: `${url}${path}`,
        headers: body === undefined ? headers : { ...headers, 'content-type': body.type },
        ...(body === undefined ? {} : { body: JSON.stringify(body.content) }),
        ...(authority === undefined ? {} : { certificateAuthority: Buffer.from(authority, 'base64').toString('utf8') }),
      });
    } catch (error) {
      // Of whoever stands around the call: it was not made.
      if (isMigrationError(error)) throw error;
      const { code, message } = error as { code?: unknown; message?: unknown };
      const why = `Could not ${what} on cluster ${options.cluster ?? url}: ${without(String(message ?? error), token)}.`;
      if (code === 'EMSGSIZE')
        throw new MigrationError('InvalidRequest', `${why} Look at what answers at ${url}.`, { cause: error });
      if (typeof code === 'string' && CERTIFICATE.test(code)) {
        throw new MigrationError(
          'InvalidRequest',
          `${why} Compare the certificate authority that DescribeCluster gives with what answers at ${url}; a proxy may stand in between.`,
          { cause: error },
        );
      }
      throw new MigrationError(
        'ConnectionLost',
        `${why} Check that ${url} can be reached from here (VPC, security group, private endpoint); then try again.`,
        { cause: error },
      );
    }
  };

  const call = async <T extends z.ZodType>(request: CallOptions, schema: T): Promise<z.output<T>> => {
    known ??= await options.endpoint();
    const url = known.url.replace(/\/$/, '');
    const token = await options.token();
    const response = await exchange(request, url, token);
    const document = response.content ?? parseJson(response.body);
    const where = `${request.what} on cluster ${options.cluster ?? url}`;
    if (response.status < 200 || response.status > 299) {
      const [name, remedy] = refusalOf(response.status, request.access ?? NAMESPACE_ACCESS, options.cluster ?? 'NAME');
      const status = refusal.safeParse(document);
      throw new MigrationError(
        name,
        `The API server answered ${response.status} to ${where}: ${without(status.success ? status.data.message : response.body, token).slice(0, 1000)}. ${remedy}`,
      );
    }
    if (document === undefined) {
      throw new MigrationError(
        'ServiceUnavailable',
        `The API server's answer to ${where} is not JSON. Check what stands between this and ${url}; then try again.`,
      );
    }
    const parsed = schema.safeParse(document);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MigrationError(
      'InvalidRequest',
      `The API server's answer to ${where} is not as expected at ${issue?.path.join('.')}: ${issue?.message}. Check that its Kubernetes version is supported.`,
    );
  };

  /** Visits a list page by page: no page is kept. */
  const visitPages = async <T extends z.ZodType>(
    path: string,
    what: string,
    item: T,
    access: string | undefined,
    visit: (items: z.output<T>[]) => void,
  ): Promise<void> => {
    let next: string | undefined;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(next ? { continue: next } : {}) });
      const { metadata, items: found } = await call(
        { what, method: 'GET', path: `${path}?${query.toString()}`, ...(access ? { access } : {}) },
        pageOf(item),
      );
      visit(found);
      next = metadata.continue ?? undefined;
      if (!next) return;
    }
    throw new MigrationError(
      'InvalidRequest',
      `The API server's answer to ${what} on cluster ${options.cluster ?? ''} has more than ${MOST_PAGES} pages. Look at what answers there.`,
    );
  };

  const list = async <T extends z.ZodType>(
    path: string,
    what: string,
    item: T,
    access?: string,
  ): Promise<z.output<T>[]> => {
    const items: z.output<T>[] = [];
    await visitPages(path, what, item, access, (found) => void items.push(...found));
    return items;
  };

  const listServiceAccounts = async (): Promise<ServiceAccount[]> =>
    (
      await list(
        '/api/v1/serviceaccounts',
        'list service accounts in all namespaces',
        serviceAccount,
        ALL_NAMESPACES_ACCESS,
      )
    ).map(toServiceAccount);
  // Without their replica sets, which would be as many calls again.
  const eachPod = (visit: (pods: Pod[]) => void): Promise<void> =>
    visitPages('/api/v1/pods', 'list pods in all namespaces', pod, ALL_NAMESPACES_ACCESS, (found) =>
      visit(found.map((each) => toPod(each))),
    );

  const accountsPath = (namespace: string): string =>
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts`;
  const appsPath = (namespace: string, plural: string): string =>
    `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`;
  const workloadPath = ({ kind, namespace, name }: WorkloadRef): string =>
    `${appsPath(namespace, WORKLOAD_PLURALS[kind])}/${encodeURIComponent(name)}`;
  const named = ({ kind, namespace, name }: WorkloadRef): string => `${kind} ${namespace}/${name}`;

  return {
    listPods: async (namespace) => {
      const pods = await list(
        `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
        `list pods in ${namespace}`,
        pod,
      );
      const deployments = new Map<string, { kind: string; name: string }>();
      if (pods.some(({ metadata }) => controllerOf(metadata.ownerReferences)?.kind === 'ReplicaSet')) {
        for (const { metadata } of await list(
          appsPath(namespace, 'replicasets'),
          `list replica sets in ${namespace}`,
          replicaSet,
        )) {
          const controller = controllerOf(metadata.ownerReferences);
          if (controller) deployments.set(metadata.name, controller);
        }
      }
      return pods.map((each) => toPod(each, deployments));
    },
    eachPod,
    listAllPods: async () => {
      const all: Pod[] = [];
      await eachPod((pods) => void all.push(...pods));
      return all;
    },
    listServiceAccounts,
    listAnnotatedServiceAccounts: async () =>
      (await listServiceAccounts()).flatMap(({ roleArn, ...account }) =>
        roleArn === undefined ? [] : [{ ...account, roleArn }],
      ),
    // By the list, which the service may read already, and not by a right of its own.
    getServiceAccount: async (namespace, name) => {
      const query = new URLSearchParams({ fieldSelector: `metadata.name=${name}` });
      const { items } = await call(
        {
          what: `look at service account ${namespace}/${name}`,
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
      await call(
        {
          what: `annotate service account ${namespace}/${name}`,
          method: 'PATCH',
          path: `${accountsPath(namespace)}/${encodeURIComponent(name)}?fieldManager=${SERVICE_MANAGER}`,
          body,
        },
        z.unknown(),
      );
    },
    listNodes: async () => (await list('/api/v1/nodes', 'list nodes', node, CLUSTER_OBJECT_ACCESS)).map(toNode),
    listMutatingWebhooks: async () =>
      (
        await list(
          '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
          'list mutating webhook configurations',
          mutatingWebhookConfiguration,
          CLUSTER_OBJECT_ACCESS,
        )
      ).flatMap(toMutatingWebhooks),
    listWorkloads: async (namespace) => {
      const workloads: Workload[] = [];
      for (const kind of WORKLOAD_KINDS) {
        const found = await list(
          appsPath(namespace, WORKLOAD_PLURALS[kind]),
          `list ${WORKLOAD_PLURALS[kind]} in ${namespace}`,
          workload,
        );
        workloads.push(...found.map((each) => toWorkload(kind, each)));
      }
      return workloads;
    },
    getWorkload: async (ref) => {
      const found = await unlessNotFound(() =>
        call({ what: `get ${named(ref)}`, method: 'GET', path: workloadPath(ref) }, workload),
      );
      return found && toWorkload(ref.kind, found);
    },
    listCustomResources: async ({ group, version, plural }) => {
      const path = `/apis/${[group, version, plural].map(encodeURIComponent).join('/')}`;
      const found =
        (await unlessNotFound(() => list(path, `list ${plural}.${group}`, customResource, CLUSTER_OBJECT_ACCESS))) ??
        [];
      return found.map(({ metadata: { namespace, name } }) => (namespace ? `${namespace}/${name}` : name));
    },
    restartWorkload: async (ref, marker) => {
      const body = {
        type: 'application/strategic-merge-patch+json',
        content: { spec: { template: { metadata: { annotations: { [MARKER]: marker } } } } },
      } as const;
      await call(
        {
          what: `restart ${named(ref)}`,
          method: 'PATCH',
          path: `${workloadPath(ref)}?fieldManager=${SERVICE_MANAGER}`,
          body,
        },
        z.unknown(),
      );
    },
  };
};
