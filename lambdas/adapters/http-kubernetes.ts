import { z } from 'zod';
import { MigrationError } from '../domain/errors.ts';
import type { ErrorName } from '../domain/errors.ts';
import type { Container, Kubernetes, Pod, Workload, WorkloadKind, WorkloadRef } from '../ports/kubernetes.ts';
import type { PlainHttp, PlainHttpResponse } from './clients.ts';

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
const MARKER = 'eks-pod-identity-migrator/restarted-for';
const PLURALS: Record<WorkloadKind, string> = { Deployment: 'deployments', DaemonSet: 'daemonsets' };

// Only what is read is described: the API adds fields with each version, and Go writes empty lists and maps as null.
const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish().transform((items) => items ?? []);
const strings = z.record(z.string(), z.string()).nullish().transform((map) => map ?? {});
const owners = listOf(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().nullish() }));
const container = z.looseObject({
  name: z.string(),
  env: listOf(z.looseObject({ name: z.string(), value: z.string().nullish() })),
  volumeMounts: listOf(z.looseObject({ name: z.string() })),
});
const tokenSource = z.looseObject({ serviceAccountToken: z.looseObject({ audience: z.string().nullish() }).nullish() });
const pod = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().nullish(),
    labels: strings,
    annotations: strings,
    ownerReferences: owners,
  }),
  spec: z.looseObject({
    serviceAccountName: z.string().nullish(),
    nodeName: z.string().nullish(),
    initContainers: listOf(container),
    containers: listOf(container),
    volumes: listOf(z.looseObject({ name: z.string(), projected: z.looseObject({ sources: listOf(tokenSource) }).nullish() })),
  }),
  status: z.looseObject({ phase: z.string().nullish(), conditions: listOf(z.looseObject({ type: z.string(), status: z.string() })) }).nullish(),
});
const replicaSet = z.looseObject({ metadata: z.looseObject({ name: z.string(), ownerReferences: owners }) });
const count = z.number().int().nullish().transform((value) => value ?? 0);
const workload = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), generation: count }),
  spec: z.looseObject({
    replicas: z.number().int().nullish(),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: strings }).nullish(),
      spec: z.looseObject({ serviceAccountName: z.string().nullish() }),
    }),
  }),
  // The counts of a Deployment and those of a DaemonSet; either has its own only.
  status: z
    .looseObject({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      desiredNumberScheduled: count,
      currentNumberScheduled: count,
      updatedNumberScheduled: count,
      numberReady: count,
    })
    .prefault({}),
});
const page = z.looseObject({ metadata: z.looseObject({ continue: z.string().nullish() }), items: listOf(z.unknown()) });
const refusal = z.looseObject({ message: z.string() });

type ApiContainer = z.infer<typeof container>;
const toContainer = ({ name, env, volumeMounts }: ApiContainer, init: boolean): Container => ({
  name,
  init,
  // A value that comes from elsewhere (valueFrom) is not in the pod: the name is there without one.
  env: Object.fromEntries(env.map((variable) => [variable.name, variable.value ?? undefined])),
  mounts: volumeMounts.map((mount) => mount.name),
});

const controllerOf = (references: z.infer<typeof owners>): { kind: string; name: string } | undefined => {
  const controller = references.find((reference) => reference.controller);
  return controller && { kind: controller.kind, name: controller.name };
};

/** `deployments`: what controls each ReplicaSet of the namespace. */
const toPod = ({ metadata, spec, status }: z.infer<typeof pod>, deployments: Map<string, { kind: string; name: string }>): Pod => {
  const controller = controllerOf(metadata.ownerReferences);
  const owner = controller?.kind === 'ReplicaSet' ? (deployments.get(controller.name) ?? controller) : controller;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    createdAt: new Date(metadata.creationTimestamp).toISOString(),
    serviceAccount: spec.serviceAccountName ?? 'default',
    ...(spec.nodeName ? { node: spec.nodeName } : {}),
    labels: metadata.labels,
    annotations: metadata.annotations,
    phase: status?.phase ?? 'Unknown',
    ready: status?.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
    terminating: Boolean(metadata.deletionTimestamp),
    ...(owner ? { owner } : {}),
    containers: [...spec.initContainers.map((each) => toContainer(each, true)), ...spec.containers.map((each) => toContainer(each, false))],
    // A token without an audience is for the API server itself; every pod has one, and AWS takes none of them.
    tokens: spec.volumes.flatMap((volume) =>
      (volume.projected?.sources ?? []).flatMap((source) =>
        source.serviceAccountToken?.audience ? [{ volume: volume.name, audience: source.serviceAccountToken.audience }] : [],
      ),
    ),
  };
};

const toWorkload = (kind: WorkloadKind, { metadata, spec, status }: z.infer<typeof workload>): Workload => {
  const counts =
    kind === 'Deployment'
      ? { desired: spec.replicas ?? 1, total: status.replicas, updated: status.updatedReplicas, ready: status.readyReplicas }
      : { desired: status.desiredNumberScheduled, total: status.currentNumberScheduled, updated: status.updatedNumberScheduled, ready: status.numberReady };
  const { desired, total, updated, ready } = counts;
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.template.spec.serviceAccountName ?? 'default',
    desired,
    ready,
    settled: status.observedGeneration >= metadata.generation && updated === desired && ready === desired && total === desired,
    templateAnnotations: spec.template.metadata?.annotations ?? {},
  };
};

interface CallOptions {
  /** For messages: `list pods in kube-system`. */
  what: string;
  method: 'GET' | 'PATCH';
  path: string;
  body?: unknown;
}

const refusalOf = (status: number): [ErrorName, string] => {
  if (status === 401) return ['Unauthorised', 'Give the calling role an access entry on the cluster (aws eks create-access-entry); a new one takes some seconds to work.'];
  if (status === 403) return ['AccessDenied', "Associate AmazonEKSEditPolicy for the add-on's namespace with the calling role's access entry (aws eks associate-access-policy)."];
  if (status === 404) return ['NotFound', 'Check that it was not removed in the meantime.'];
  if (status === 409) return ['Busy', 'Somebody else changed it at the same moment; try again.'];
  // A page of a list that has grown too old.
  if (status === 410) return ['Busy', 'The list changed while it was read; read it again from the start.'];
  if (status === 429) return ['Throttled', 'Try again in some seconds.'];
  if (status >= 500) return ['ServiceUnavailable', 'Try again in some seconds; if it goes on, look at the health of the control plane.'];
  return ['InvalidRequest', "Trying again will not help; compare the call with the cluster's Kubernetes version."];
};

/** TLS found another certificate than the cluster's authority vouches for: no retry helps. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_/;

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** The Kubernetes port over HTTPS. Every call is made once: retries are the state machine's. */
export const createHttpKubernetes = (options: HttpKubernetesOptions): Kubernetes => {
  let known: Awaited<ReturnType<HttpKubernetesOptions['endpoint']>> | undefined;

  const exchange = async ({ what, method, path, body }: CallOptions, url: string): Promise<PlainHttpResponse> => {
    const authority = known?.certificateAuthority;
    const headers = { accept: 'application/json', authorization: `Bearer ${await options.token()}` };
    try {
      return await options.http({
        method,
        url: `${url}${path}`,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/strategic-merge-patch+json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(authority === undefined ? {} : { certificateAuthority: Buffer.from(authority, 'base64').toString('utf8') }),
      });
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: unknown };
      const why = `Could not ${what} on cluster ${options.cluster ?? url}: ${String(message ?? error)}.`;
      if (typeof code === 'string' && CERTIFICATE.test(code)) {
        throw new MigrationError('InvalidRequest', `${why} Compare the certificate authority that DescribeCluster gives with what answers at ${url}; a proxy may stand in between.`, { cause: error });
      }
      throw new MigrationError('ConnectionLost', `${why} Check that ${url} can be reached from here (VPC, security group, private endpoint); then try again.`, { cause: error });
    }
  };

  const call = async <T extends z.ZodType>(request: CallOptions, schema: T): Promise<z.output<T>> => {
    known ??= await options.endpoint();
    const url = known.url.replace(/\/$/, '');
    const response = await exchange(request, url);
    const document = parseJson(response.body);
    const where = `${request.what} on cluster ${options.cluster ?? url}`;
    if (response.status < 200 || response.status > 299) {
      const [name, remedy] = refusalOf(response.status);
      const status = refusal.safeParse(document);
      throw new MigrationError(name, `The API server answered ${response.status} to ${where}: ${status.success ? status.data.message : response.body.slice(0, 200)}. ${remedy}`);
    }
    if (document === undefined) {
      throw new MigrationError('ServiceUnavailable', `The API server's answer to ${where} is not JSON. Check what stands between this and ${url}; then try again.`);
    }
    const parsed = schema.safeParse(document);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MigrationError('InvalidRequest', `The API server's answer to ${where} is not as expected at ${issue?.path.join('.')}: ${issue?.message}. Check that its Kubernetes version is supported.`);
  };

  const list = async <T extends z.ZodType>(path: string, what: string, item: T): Promise<z.output<T>[]> => {
    const items: z.output<T>[] = [];
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(token ? { continue: token } : {}) });
      const { metadata, items: found } = await call({ what, method: 'GET', path: `${path}?${query.toString()}` }, page.extend({ items: listOf(item) }));
      items.push(...found);
      token = metadata.continue ?? undefined;
    } while (token);
    return items;
  };

  const appsPath = (namespace: string, plural: string): string => `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`;
  const workloadPath = ({ kind, namespace, name }: WorkloadRef): string => `${appsPath(namespace, PLURALS[kind])}/${encodeURIComponent(name)}`;
  const named = ({ kind, namespace, name }: WorkloadRef): string => `${kind} ${namespace}/${name}`;

  return {
    listPods: async (namespace) => {
      const pods = await list(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`, `list pods in ${namespace}`, pod);
      const deployments = new Map<string, { kind: string; name: string }>();
      if (pods.some(({ metadata }) => controllerOf(metadata.ownerReferences)?.kind === 'ReplicaSet')) {
        for (const { metadata } of await list(appsPath(namespace, 'replicasets'), `list replica sets in ${namespace}`, replicaSet)) {
          const controller = controllerOf(metadata.ownerReferences);
          if (controller) deployments.set(metadata.name, controller);
        }
      }
      return pods.map((each) => toPod(each, deployments));
    },
    listWorkloads: async (namespace) => {
      const workloads: Workload[] = [];
      for (const kind of Object.keys(PLURALS) as WorkloadKind[]) {
        const found = await list(appsPath(namespace, PLURALS[kind]), `list ${PLURALS[kind]} in ${namespace}`, workload);
        workloads.push(...found.map((each) => toWorkload(kind, each)));
      }
      return workloads;
    },
    getWorkload: async (ref) => {
      try {
        return toWorkload(ref.kind, await call({ what: `get ${named(ref)}`, method: 'GET', path: workloadPath(ref) }, workload));
      } catch (error) {
        if (error instanceof MigrationError && error.name === 'NotFound') return undefined;
        throw error;
      }
    },
    restartWorkload: async (ref, marker) => {
      const body = { spec: { template: { metadata: { annotations: { [MARKER]: marker } } } } };
      await call({ what: `restart ${named(ref)}`, method: 'PATCH', path: workloadPath(ref), body }, z.unknown());
    },
  };
};
