/** The sandbox's API server and controllers in this process, in virtual time, for one case. */
import { homeOf, buildWorld } from '../../../sandbox/build/build.ts';
import type { Json } from '../../../sandbox/json.ts';
import { ensureNamespace } from '../../../sandbox/kubernetes/cluster-objects.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import type { Kind, KubeObject } from '../../../sandbox/objects/objects.ts';
import { getObject, KINDS, listObjects } from '../../../sandbox/objects/store.ts';
import { operatorRoleArn } from '../../../sandbox/authorization/access-keys.ts';
import { parseScenario } from '../../../sandbox/build/load.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import type { Case } from './case.ts';
import { asAnswer, requestOf } from './http.ts';
import type { Change, Item, Observation, Server } from './server.ts';

/** EKS supports all versions then that the cases run on. */
const START = '2026-03-02T09:00:00.000Z';
const ACCOUNT = '111122223333';
/** The steps in which time passes until something holds, and the longest wait; milliseconds of virtual time. */
const STEP = 50;
const LONGEST = 3_600_000;
/** Nothing has changed for so long: longer than anything in a case takes. */
const QUIET = 15_000;

export interface SandboxServer extends Server {
  world: World;
  cluster: ClusterState;
}

/** Returns the case's start as a scenario of its own. */
const scenarioOf = ({ name, start = {} }: Pick<Case, 'name' | 'start'>, version: string): unknown => ({
  startAt: START,
  knobs: { podReadySeconds: 5, podTerminationSeconds: 3 },
  accounts: [
    {
      id: ACCOUNT,
      clusters: [
        {
          name: 'cases',
          region: 'eu-west-1',
          version,
          nodes: [{ count: 3 }, ...(start.nodes ?? []).map((group) => ({ ...group, labels: { pool: name } }))],
          workloads: (start.workloads ?? []).map(({ spec: _spec, ...workload }) => ({ ...workload, namespace: name })),
        },
      ],
    },
  ],
});

/** Returns the changes since the objects were as in `known`, and updates it. */
const changesOf = (known: Map<string, Item>, objects: KubeObject[]): Change[] => {
  const changes: Change[] = [];
  const alive = new Set<string>();
  for (const object of objects) {
    const { uid, resourceVersion } = object.metadata;
    alive.add(uid);
    const before = known.get(uid);
    if (before?.metadata.resourceVersion === resourceVersion) continue;
    const copy = structuredClone(object) as unknown as Item;
    known.set(uid, copy);
    changes.push({ type: before ? 'MODIFIED' : 'ADDED', object: copy });
  }
  // Without the time of its removal, an object is removed before anything else happens.
  const removed = [...known].filter(([uid]) => !alive.has(uid));
  for (const [uid] of removed) known.delete(uid);
  return [
    ...removed.map(([, object]): Change => ({ type: 'DELETED', object })),
    ...changes.sort((a, b) => Number(a.object.metadata.resourceVersion) - Number(b.object.metadata.resourceVersion)),
  ];
};

const kindOf = (resource: string): Kind => {
  const info = Object.values(KINDS).find(({ plural }) => plural === resource);
  if (!info) throw new Error(`The sandbox has no resource ${resource}. Correct the case.`);
  return info.kind;
};

/** Opens the sandbox's API server for a case. */
export const openSandboxServer = (given: Pick<Case, 'name' | 'start'>, version: string): SandboxServer => {
  const scenario = parseScenario(scenarioOf(given, version), `of the case ${given.name}`);
  const world = buildWorld(scenario, { roles: [] });
  const { account, region } = homeOf(scenario);
  const cluster = world.accounts.get(account)?.clusters.get(`${region}/cases`);
  if (!cluster) throw new Error('The world of the case has no cluster.');
  const namespace = given.name;
  for (const { kind, name, spec } of given.start?.workloads ?? []) {
    const workload = getObject(cluster.kube, kind, namespace, name);
    if (workload && spec) workload.spec = { ...workload.spec, ...spec } as never;
  }
  ensureNamespace(cluster, namespace, world.schedule.now());
  const service = createKubernetesService(world, cluster);
  const caller = { accessKeyId: 'CASES', principalArn: operatorRoleArn(world), account };
  const context = { caller, region, describe: () => undefined, authorize: () => undefined };

  const pass = (milliseconds: number): void => world.schedule.advanceTo(world.schedule.now() + milliseconds);
  const until = async (what: string, done: () => Promise<boolean>): Promise<void> => {
    const end = world.schedule.now() + LONGEST;
    while (!(await done())) {
      if (world.schedule.now() > end) throw new Error(`The sandbox did not get to this: ${what}.`);
      pass(STEP);
    }
  };
  const quiet = (): void => {
    for (let before = -1; before !== cluster.kube.resourceVersion;) {
      before = cluster.kube.resourceVersion;
      pass(QUIET);
    }
  };
  const observe = async (_group: string, resource: string): Promise<Observation> => {
    const kind = kindOf(resource);
    const known = new Map<string, Item>();
    const seen: Change[] = [];
    const look = (): void => void seen.push(...changesOf(known, listObjects(cluster.kube, kind, namespace)));
    look();
    seen.length = 0;
    observers.push(look);
    world.schedule.watch(look);
    return { changes: async () => [...seen], soFar: () => [...seen] };
  };
  const observers: (() => void)[] = [];
  return {
    world,
    cluster,
    namespace,
    request: async (method, path, sent = {}) => {
      const response = await service(requestOf(method, path, sent), context);
      for (const look of observers) look();
      return asAnswer(response.status, String(response.body));
    },
    settle: async (what, done) => {
      if (done) await until(what, done);
      quiet();
      if (done && !(await done())) throw new Error(`In the sandbox this did not last: ${what}.`);
    },
    until,
    observe,
  };
};

/** Returns an object of the sandbox as a client would apply it: without what the server and its controllers set. */
export const manifestOf = ({ apiVersion, kind, metadata, spec }: KubeObject): Json => {
  const { name, namespace, labels, annotations = {} } = metadata;
  const { 'deployment.kubernetes.io/revision': _revision, ...own } = annotations;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(labels ? { labels } : {}),
      ...(Object.keys(own).length > 0 ? { annotations: own } : {}),
    },
    spec,
  };
};
