/** A real API server with its controllers, for one case: a namespace of its own, with copies of the sandbox's objects. */
import { setTimeout as sleep } from 'node:timers/promises';
import { podsOf } from '../../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { createClient, type KubeClient } from '../plane/client.ts';
import { asAnswer, messageOf } from './http.ts';
import { manifestOf, type SandboxServer } from './sandbox-server.ts';
import {
  APPS,
  CORE,
  pathOf,
  POLICY,
  type Answer,
  type Change,
  type Item,
  type Observation,
  type Sent,
  type Server,
} from './server.ts';

/** Where a control plane serves, and the token of its administrator. */
export interface Address {
  url: string;
  /** PEM of the authority that signed its certificate. */
  ca: string;
  token: string;
}

/** Milliseconds of real time. */
const POLL = 100;
const LONGEST = 120_000;
/** Nothing has changed for so long: several times as long as a pod takes to become ready or to end. */
const QUIET = 2000;
/** The field manager that the sandbox's scenarios name for workloads. */
const MANAGER = 'helm';
const APPLY = 'application/apply-patch+yaml';
/** What controllers change in a namespace. */
const WATCHED: [string, string][] = [
  [CORE, 'pods'],
  [APPS, 'replicasets'],
  [APPS, 'deployments'],
  [APPS, 'daemonsets'],
  [APPS, 'statefulsets'],
  [POLICY, 'poddisruptionbudgets'],
];

/** Label of the nodes of a case: unlike `pool`, no case changes it. */
const CASE = 'conformance/case';
const nodesOf = (name: string): string => `${CORE}/nodes?labelSelector=${encodeURIComponent(`${CASE}=${name}`)}`;

export interface RealServer extends Server {
  /** Deletes what the case has made, and ends its watches. */
  close(): Promise<void>;
}

/** Reads the changes that a watch sends, until it is ended. */
const readWatch = async (
  client: KubeClient,
  path: string,
  signal: AbortSignal,
  onChange: (change: Change) => void,
): Promise<void> => {
  const response = await client.open('GET', path, { signal });
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onChange(JSON.parse(line) as Change);
  });
  response.on('error', () => undefined);
};

/** Returns the versions of everything that controllers change in a namespace. */
const versionsOf = async (client: KubeClient, namespace: string): Promise<string> => {
  const lists = await Promise.all(
    WATCHED.map(([group, resource]) => client.request('GET', `${group}/namespaces/${namespace}/${resource}`)),
  );
  return lists
    .flatMap(({ body }) => (body as { items?: Item[] }).items ?? [])
    .map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`)
    .join();
};

const untilQuiet = async (client: KubeClient, namespace: string): Promise<void> => {
  let before = await versionsOf(client, namespace);
  for (let since = Date.now(); Date.now() - since < QUIET;) {
    await sleep(POLL);
    const now = await versionsOf(client, namespace);
    if (now !== before) since = Date.now();
    before = now;
  }
};

const until = async (what: string, done: () => Promise<boolean>): Promise<void> => {
  const end = Date.now() + LONGEST;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`The real control plane did not get to this: ${what}.`);
    await sleep(POLL);
  }
};

/** Connects to a real API server; `namespace` must exist, or be created by the caller. */
export const connect = ({ url, ca, token }: Address, namespace: string): RealServer => {
  const client = createClient(url, ca, token);
  const watches = new AbortController();
  const request = async (method: string, path: string, sent: Sent = {}): Promise<Answer> => {
    const { headers, body } = messageOf(method, sent);
    const { status, text } = await client.request(method, path, { headers, ...(body === '' ? {} : { body }) });
    return asAnswer(status, text);
  };
  const quiet = (): Promise<void> => untilQuiet(client, namespace);
  const observe = async (group: string, resource: string): Promise<Observation> => {
    const path = pathOf({ namespace } as Server, group, resource);
    const { body } = await request('GET', path);
    const { resourceVersion } = body['metadata'] as { resourceVersion: string };
    const seen: Change[] = [];
    const from = `${path}?watch=true&resourceVersion=${resourceVersion}`;
    await readWatch(client, from, watches.signal, (change) => seen.push(change));
    return {
      changes: async () => {
        // What was written before is in the watch cache, and arrives within moments.
        for (let before = -1; before !== seen.length;) {
          before = seen.length;
          await sleep(POLL * 3);
        }
        return [...seen];
      },
      soFar: () => [...seen],
    };
  };
  return {
    namespace,
    request,
    until,
    observe,
    settle: async (what, done) => {
      if (done) await until(what, done);
      await quiet();
      if (done && !(await done())) throw new Error(`On the real control plane this did not last: ${what}.`);
    },
    close: async () => {
      watches.abort();
      await request('DELETE', `${CORE}/namespaces/${namespace}`);
      await request('DELETE', nodesOf(namespace));
      client.close();
    },
  };
};

const created = async (answer: Promise<Answer>, what: string): Promise<void> => {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`The real API server did not accept ${what}: ${status} ${text.slice(0, 300)}`);
};

/** Makes nodes for the cases that have none of their own. */
export const addSharedNodes = async (address: Address, count = 3): Promise<void> => {
  const server = connect(address, 'default');
  for (let index = 0; index < count; index += 1) {
    const name = `shared-${index}`;
    const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
    const answer = await server.request('POST', `${CORE}/nodes`, { body: node });
    if (answer.status !== 409) await created(Promise.resolve(answer), `the node ${name}`);
  }
};

/** Makes the nodes, service accounts and workloads of the case's sandbox in the real cluster, and waits for the pods. */
export const copyStart = async (server: RealServer, { world, cluster, namespace }: SandboxServer): Promise<void> => {
  // An earlier run may have left the namespace, or may still be deleting it.
  const place = `${CORE}/namespaces/${namespace}`;
  await server.request('DELETE', nodesOf(namespace));
  await server.request('DELETE', place);
  await server.until(`the namespace ${namespace} of an earlier run is gone`, async () => {
    const { status } = await server.request('GET', place);
    return status === 404;
  });
  await created(
    server.request('POST', `${CORE}/namespaces`, {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    }),
    `the namespace ${namespace}`,
  );
  const pooled = listObjects(cluster.kube, 'Node').filter(({ metadata }) => metadata.labels?.['pool'] === namespace);
  for (const [index, { metadata, spec }] of pooled.entries()) {
    const name = `${namespace}-${index}`;
    const labels = { ...metadata.labels, 'kubernetes.io/hostname': name, [CASE]: namespace };
    const taints = spec?.['taints'];
    // Cordoned nodes run DaemonSets only: pods of other cases would be lost with them.
    const own = { unschedulable: true, ...(taints ? { taints } : {}) };
    await created(
      server.request('POST', `${CORE}/nodes`, {
        body: { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: own },
      }),
      `the node ${name}`,
    );
  }
  const accounts = pathOf(server, CORE, 'serviceaccounts');
  await server.until('the namespace has its default service account', async () => {
    const { status } = await server.request('GET', `${accounts}/default`);
    return status === 200;
  });
  for (const { metadata } of listObjects(cluster.kube, 'ServiceAccount', namespace)) {
    if (metadata.name === 'default') continue;
    await created(
      server.request('POST', accounts, {
        body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: metadata.name } },
      }),
      `the service account ${metadata.name}`,
    );
  }
  for (const kind of ['Deployment', 'DaemonSet', 'StatefulSet'] as const) {
    for (const workload of listObjects(cluster.kube, kind, namespace)) {
      const path = pathOf(server, APPS, `${kind.toLowerCase()}s`, workload.metadata.name);
      await created(
        server.request('PATCH', `${path}?fieldManager=${MANAGER}`, { type: APPLY, body: manifestOf(workload) }),
        `${kind} ${workload.metadata.name}`,
      );
      const wanted = podsOf({ world, cluster }, workload).length;
      await server.until(`${kind} ${workload.metadata.name} is ready`, async () =>
        isReady(await server.request('GET', path), wanted),
      );
    }
  }
};

/** Returns whether so many pods of a workload are available, and no others exist. */
const isReady = ({ body }: Answer, wanted: number): boolean => {
  const { metadata, status } = body as Item;
  const all = status['currentNumberScheduled'] ?? status['replicas'] ?? 0;
  const available = status['numberAvailable'] ?? status['availableReplicas'] ?? 0;
  return status['observedGeneration'] === metadata.generation && wanted === all && wanted === available;
};
