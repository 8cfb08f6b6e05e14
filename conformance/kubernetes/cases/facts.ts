/** Facts of rollouts, read from the changes of pods and from the objects at rest. */
import { isObject } from '../../../sandbox/json.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Answer, Change, Item, Server } from './server.ts';

interface PodState {
  active: boolean;
  ready: boolean;
}

const isReady = ({ status }: Item): boolean =>
  ((status?.['conditions'] ?? []) as { type: string; status: string }[]).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );

/** What happened to pods, in order; `start`: the pods before. */
export interface Rollout {
  /** Names in the order in which the pods began to terminate. */
  terminated: string[];
  /** Names in the order in which pods were created. */
  created: string[];
  /** The greatest number of pods that were not terminating, and the least number of those that were ready. */
  mostPods: number;
  leastReady: number;
}

/** Follows the pods of a workload through its changes. `start`: its pods before. */
export const rolloutOf = (start: Item[], changes: Change[]): Rollout => {
  const stateOf = (pod: Item): PodState => ({
    active: pod.metadata.deletionTimestamp === undefined,
    ready: isReady(pod),
  });
  const pods = new Map(start.map((pod) => [pod.metadata.uid, stateOf(pod)]));
  const count = (counts: (pod: PodState) => boolean): number => [...pods.values()].filter(counts).length;
  const isActive = ({ active }: PodState): boolean => active;
  const works = ({ active, ready }: PodState): boolean => active && ready;
  const rollout: Rollout = { terminated: [], created: [], mostPods: count(isActive), leastReady: count(works) };
  for (const { type, object } of changes) {
    const { name, uid } = object.metadata;
    const before = pods.get(uid);
    const now = stateOf(object);
    if (!before) rollout.created.push(name);
    if (before?.active !== false && (!now.active || type === 'DELETED')) rollout.terminated.push(name);
    if (type === 'DELETED') pods.delete(uid);
    else pods.set(uid, now);
    rollout.mostPods = Math.max(rollout.mostPods, count(isActive));
    rollout.leastReady = Math.min(rollout.leastReady, count(works));
  }
  return rollout;
};

/**
 * Returns the greatest number of pods that ReplicaSets wanted together. Pods themselves can be more for a moment: a
 * ReplicaSet's controller creates pods while another one's still deletes.
 */
export const mostWanted = (start: Item[], changes: Change[]): number => {
  const wanted = new Map(start.map(({ metadata, spec }) => [metadata.uid, Number(spec['replicas'])]));
  const sum = (): number => [...wanted.values()].reduce((total, one) => total + one, 0);
  let most = sum();
  for (const { type, object } of changes) {
    wanted.set(object.metadata.uid, type === 'DELETED' ? 0 : Number(object.spec['replicas']));
    most = Math.max(most, sum());
  }
  return most;
};

/** Returns the status of an answer, and what an error says: reason, message and details. */
export const answerOf = (server: Server, { status, body }: Answer): unknown =>
  status < 300
    ? { status }
    : {
        status,
        reason: body['reason'],
        message: plainText(String(body['message']), server),
        details: JSON.parse(plainText(JSON.stringify(body['details'] ?? null), server)) as unknown,
      };

/** Returns who owns which fields, without times. */
export const ownersOf = ({ metadata }: Item): unknown =>
  (metadata.managedFields ?? [])
    .map(({ time: _time, ...entry }) => entry)
    .toSorted((a, b) =>
      JSON.stringify([a['manager'], a['operation'], a['subresource']]).localeCompare(
        JSON.stringify([b['manager'], b['operation'], b['subresource']]),
      ),
    );

export const itemsOf = async (server: Server, group: string, resource: string): Promise<Item[]> => {
  const { body } = await server.request('GET', pathOf(server, group, resource));
  return ((body['items'] ?? []) as Item[]).toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
};

export const podsOf = (server: Server): Promise<Item[]> => itemsOf(server, CORE, 'pods');

export const workloadAt = async (server: Server, resource: string, name: string): Promise<Item> => {
  const { body } = await server.request('GET', pathOf(server, APPS, resource, name));
  return body as Item;
};

/** Returns whether a rollout is complete, by the rules of `kubectl rollout status`. */
const isRolledOut = (workload: Item): boolean => {
  const { metadata, spec, status } = workload;
  if (status['observedGeneration'] !== metadata.generation) return false;
  const wanted = status['desiredNumberScheduled'] ?? spec['replicas'] ?? 1;
  const count = (name: string): unknown => status[name] ?? 0;
  return 'desiredNumberScheduled' in status
    ? count('updatedNumberScheduled') === wanted && count('numberAvailable') === wanted
    : count('updatedReplicas') === wanted && count('availableReplicas') === wanted && count('replicas') === wanted;
};

/** Replaces what is drawn at random in a name: the hash of a template, and the suffix of a pod. */
export const plainText = (text: string, server: Server): string =>
  text
    .replaceAll(
      /\b([a-z][a-z0-9-]*?)-[bcdfghjklmnpqrstvwxz2456789]{7,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b/g,
      '$1-<id>',
    )
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
    .replaceAll(server.namespace, '<namespace>');

/** Returns the status without times, hashes and generated names. */
export const plainStatus = (server: Server, { status }: Item): unknown => {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'string') return plainText(value, server);
    if (Array.isArray(value)) return value.map(plain);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !/^last(Transition|Update|Heartbeat)Time$/.test(key))
        .map(([key, one]) => [key, /(current|update)Revision$/.test(key) ? '<revision>' : plain(one)]),
    );
  };
  const { conditions, ...rest } = status;
  const sorted = (conditions as { type: string }[] | undefined)?.toSorted((a, b) => a.type.localeCompare(b.type));
  return plain({ ...rest, ...(sorted ? { conditions: sorted } : {}) });
};

/** Waits until a workload is rolled out, and everything is at rest. */
export const rolledOut = (server: Server, resource: string, name: string): Promise<void> =>
  server.settle(`${resource} ${name} is rolled out`, async () => isRolledOut(await workloadAt(server, resource, name)));

/** The strategic merge patch by which `kubectl rollout restart` replaces pods. */
export const restart = (value: string) => ({
  spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': value } } } },
});
