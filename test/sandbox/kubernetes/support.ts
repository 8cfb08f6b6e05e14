/** A lab: a cluster without an account, and its API server without a gateway. */
import type { PlainHttp } from '../../../lambdas/adapters/clients.ts';
import type { HttpRequest, HttpResponse } from '../../../sandbox/http.ts';
import { seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import { seedCluster } from '../../../sandbox/kubernetes/cluster-objects.ts';
import type {
  AddonObjects,
  DaemonSet,
  Deployment,
  KubeObject,
  Pod,
  StatefulSet,
} from '../../../sandbox/objects/objects.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import type { AccessEntryState, ClusterState, World } from '../../../sandbox/world/world.ts';
import { bareCluster, bareWorld, START } from '../../../sandbox/build/bare-world.ts';

export { START } from '../../../sandbox/build/bare-world.ts';
export const ROLE = 'arn:aws:iam::111122223333:role/ebs-csi';
/** The default caller of tests, an administrator. */
export const ADMIN = 'arn:aws:iam::111122223333:role/admin';
const DAY = 86_400_000;

export const ebs: AddonObjects = {
  namespace: 'kube-system',
  serviceAccounts: ['ebs-csi-controller-sa', 'ebs-csi-node-sa'],
  workloads: [
    {
      kind: 'Deployment',
      name: 'ebs-csi-controller',
      serviceAccount: 'ebs-csi-controller-sa',
      replicas: 2,
      labels: { app: 'ebs-csi-controller' },
      containers: [
        { name: 'ebs-plugin', image: 'ebs' },
        { name: 'csi-attacher', image: 'attacher' },
      ],
    },
    {
      kind: 'DaemonSet',
      name: 'ebs-csi-node',
      serviceAccount: 'ebs-csi-node-sa',
      labels: { app: 'ebs-csi-node' },
      containers: [{ name: 'ebs-plugin', image: 'ebs' }],
    },
  ],
};

/** Objects with a StatefulSet of three pods, which also use IRSA. */
export const database = (change: Partial<AddonObjects['workloads'][number]> = {}): AddonObjects => ({
  namespace: 'kube-system',
  serviceAccounts: [],
  workloads: [
    {
      kind: 'StatefulSet',
      name: 'db',
      serviceAccount: 'ebs-csi-controller-sa',
      replicas: 3,
      labels: { app: 'db' },
      containers: [
        { name: 'main', image: 'db:1' },
        { name: 'exporter', image: 'exporter' },
      ],
      ...change,
    },
  ],
});

/** Returns `ebs` with changes to the controller's workload. */
export const ebsWith = (change: Partial<AddonObjects['workloads'][number]>): AddonObjects => ({
  ...ebs,
  workloads: ebs.workloads.map((workload) => (workload.kind === 'Deployment' ? { ...workload, ...change } : workload)),
});

/** Fields of responses of any kind. */
interface Document extends KubeObject {
  metadata: KubeObject['metadata'] & { continue?: string; remainingItemCount?: number };
  message: string;
  reason: string;
  code: number;
  details: Record<string, unknown>;
  items: KubeObject[];
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

/** Returns an access entry. `policies`: names of access policies, cluster-wide or, after a colon, for a namespace. */
export const newEntry = (
  principalArn: string,
  options: { groups?: string[]; policies?: string[]; username?: string; type?: string } = {},
): AccessEntryState => ({
  principalArn,
  kubernetesGroups: options.groups ?? [],
  ...(options.username === undefined ? {} : { username: options.username }),
  type: options.type ?? 'STANDARD',
  tags: {},
  createdAt: START,
  policies: (options.policies ?? []).map((policy) => {
    const [name = '', namespace] = policy.split(':');
    return {
      policyArn: `arn:aws:eks::aws:cluster-access-policy/${name}`,
      scope: {
        type: namespace === undefined ? 'cluster' : 'namespace',
        namespaces: namespace === undefined ? [] : [namespace],
      },
      associatedAt: START,
    };
  }),
});

export interface Lab {
  world: World;
  cluster: ClusterState;
  /** Advances the time by a number of seconds. */
  pass: (seconds: number) => void;
  call: (
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; body?: unknown; query?: Record<string, string>; as?: string },
  ) => Promise<{ status: number; body: Document; text: string; described: unknown[]; raw: HttpResponse }>;
  pods: (app: string) => Pod[];
  deployment: () => Deployment;
  daemonSet: () => DaemonSet;
  statefulSet: () => StatefulSet;
}

export const newLab = (
  options: { nodes?: number; knobs?: Partial<Knobs>; seed?: number; catalogue?: World['catalogue'] } = {},
): Lab => {
  const world = bareWorld({
    seed: options.seed ?? 1,
    knobs: options.knobs ?? {},
    catalogue: options.catalogue ?? new Map(),
  });
  const cluster = bareCluster({
    name: 'dev',
    createdAt: START - 100 * DAY,
    endpoint: 'https://ABC.gr7.eu-west-1.eks.amazonaws.com',
    accessEntries: new Map([[ADMIN, newEntry(ADMIN, { policies: ['AmazonEKSClusterAdminPolicy'] })]]),
  });
  seedCluster(world, cluster, options.nodes ?? 3);
  const service = createKubernetesService(world, cluster);
  return {
    world,
    cluster,
    pass: (seconds) => world.schedule.advanceTo(world.schedule.now() + seconds * 1000),
    call: async (method, path, { headers = {}, body, query = {}, as = ADMIN } = {}) => {
      const described: unknown[] = [];
      const text =
        body === undefined ? '' : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const typed = method === 'POST' ? { 'content-type': 'application/json', ...headers } : headers;
      const request: HttpRequest = {
        method,
        host: 'ABC',
        path,
        query,
        headers: typed,
        body: typeof text === 'string' ? Buffer.from(text) : text,
      };
      const context = {
        caller: { accessKeyId: 'AK', principalArn: as, account: cluster.account },
        region: cluster.region,
        describe: (...call: unknown[]) => void (described[0] = call),
        authorize: () => undefined,
      };
      const raw = await service(request, context);
      const answer = String(raw.body);
      // The response of a watch has one document per line.
      const document = query['watch'] === undefined ? answer : (answer.split('\n')[0] ?? '');
      const isText = raw.headers['content-type']?.startsWith('application/json') !== true;
      return {
        status: raw.status,
        body: JSON.parse(isText ? '{}' : document || '{}') as Document,
        text: answer,
        described: described[0] as unknown[],
        raw,
      };
    },
    pods: (app) => listObjects(cluster.kube, 'Pod').filter(({ metadata }) => metadata.labels?.['app'] === app),
    deployment: () => getObject(cluster.kube, 'Deployment', 'kube-system', 'ebs-csi-controller')!,
    daemonSet: () => getObject(cluster.kube, 'DaemonSet', 'kube-system', 'ebs-csi-node')!,
    statefulSet: () => getObject(cluster.kube, 'StatefulSet', 'kube-system', 'db')!,
  };
};

/** Creates a lab with the EBS driver, which has used IRSA for a day. */
export const newEbsLab = (options: Parameters<typeof newLab>[0] & { objects?: AddonObjects } = {}): Lab => {
  const lab = newLab(options);
  seedAddonObjects(lab.world, lab.cluster, 'aws-ebs-csi-driver', options.objects ?? ebs, {
    irsaServiceAccounts: ['ebs-csi-controller-sa'],
    roleArn: ROLE,
    podsCreatedAt: START - DAY,
  });
  return lab;
};

/** Creates a lab like `newEbsLab`, with the StatefulSet. */
export const newDatabaseLab = (
  options: Parameters<typeof newEbsLab>[0] & { change?: Parameters<typeof database>[0] } = {},
): Lab => {
  const lab = newEbsLab(options);
  seedAddonObjects(lab.world, lab.cluster, 'db', database(options.change), {
    irsaServiceAccounts: [],
    podsCreatedAt: START - DAY,
    manager: 'helm',
  });
  return lab;
};

/** Returns an association for the controller's service account, created at `createdAt`. */
export const associate = (
  { world, cluster }: Lab,
  createdAt = world.schedule.now(),
  serviceAccount = 'ebs-csi-controller-sa',
): void => {
  const id = `a-${cluster.associations.size}`;
  cluster.associations.set(id, {
    id,
    arn: `${cluster.arn}/${id}`,
    namespace: 'kube-system',
    serviceAccount,
    roleArn: ROLE,
    tags: {},
    createdAt,
    modifiedAt: createdAt,
  });
};

export const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
export const jsonPatch = { 'content-type': 'application/json-patch+json' };
export const merge = { 'content-type': 'application/merge-patch+json' };
export const DEPLOYMENT = '/apis/apps/v1/namespaces/kube-system/deployments/ebs-csi-controller';
export const DAEMON_SET = '/apis/apps/v1/namespaces/kube-system/daemonsets/ebs-csi-node';
export const STATEFUL_SET = '/apis/apps/v1/namespaces/kube-system/statefulsets/db';
export const restartPatch = (value: string) => ({
  spec: { template: { metadata: { annotations: { restarted: value } } } },
});

/** Returns the lab's API server as the product's adapter accesses it. */
export const plainHttp =
  (lab: Lab): PlainHttp =>
  async (request) => {
    const url = new URL(request.url);
    const { raw } = await lab.call(request.method, url.pathname, {
      headers: request.headers,
      query: Object.fromEntries(url.searchParams),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return { status: raw.status, headers: raw.headers, body: String(raw.body) };
  };
