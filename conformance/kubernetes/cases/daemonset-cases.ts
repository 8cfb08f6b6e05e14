/** Rollouts of DaemonSets. */
import type { Case, Note, Start } from './case.ts';
import { plainStatus, podsOf, restart, rolledOut, rolloutOf, workloadAt } from './facts.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Item, Server } from './server.ts';

const SETS = 'daemonsets';
const NAME = 'agent';
const setOf = (server: Server): Promise<Item> => workloadAt(server, SETS, NAME);
const patch = (server: Server, body: unknown): Promise<unknown> =>
  server.request('PATCH', pathOf(server, APPS, SETS, NAME), { body });

/** A DaemonSet on nodes of the case. */
const start = (name: string, nodes: number, more: object = {}): Start => ({
  nodes: [{ count: nodes }],
  workloads: [{ kind: 'DaemonSet', name: NAME, nodeSelector: { pool: name }, ...more }],
});

/** Returns on how many nodes two pods were at the same time that were not terminating. */
const doubled = (before: Item[], changes: { type: string; object: Item }[]): number => {
  const nodes = new Map<string, Set<string>>();
  const both = new Set<string>();
  for (const { type, object } of [...before.map((pod) => ({ type: 'ADDED', object: pod })), ...changes]) {
    const node = object.spec['nodeName'];
    if (typeof node !== 'string') continue;
    const pods = nodes.get(node) ?? new Set<string>();
    nodes.set(node, pods);
    if (type === 'DELETED') pods.delete(object.metadata.uid);
    else pods.add(object.metadata.uid);
    if (pods.size > 1) both.add(node);
  }
  return both.size;
};

const rollOut = async (server: Server, note: Note, what = 'rollout'): Promise<void> => {
  const before = await podsOf(server);
  const pods = await server.observe(CORE, 'pods');
  await patch(server, restart(what));
  await rolledOut(server, SETS, NAME);
  const changes = await pods.changes();
  const { terminated, created, mostPods, leastReady } = rolloutOf(before, changes);
  note(`${what}: numbers`, { terminated: terminated.length, created: created.length, mostPods, leastReady });
  note(`${what}: nodes that had two pods at once`, doubled(before, changes));
  note(`${what}: status`, plainStatus(server, await setOf(server)));
};

const rolling = (name: string, shows: string, nodes: number, more: object = {}): Case => ({
  name: `daemonset-${name}`,
  shows,
  start: start(`daemonset-${name}`, nodes, more),
  run: (server, note) => rollOut(server, note),
});

export const DAEMON_SET_CASES: Case[] = [
  rolling('default', 'By default, one pod of a DaemonSet is missing during a rollout.', 3),
  rolling('ten-percent', 'With maxUnavailable 10% on 200 nodes, 20 pods are missing at once.', 200, {
    maxUnavailable: '10%',
  }),
  rolling('rounded', 'A percentage of the nodes is rounded up.', 5, { maxUnavailable: '30%' }),
  rolling('min-ready', 'The next pod is replaced only once the one before has been ready for minReadySeconds.', 3, {
    minReadySeconds: 2,
  }),
  {
    ...rolling('surge', 'With maxSurge, a new pod runs next to the old one, and none is missing.', 3),
    start: start('daemonset-surge', 3, {
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    }),
  },
  {
    name: 'daemonset-on-delete',
    shows: 'With OnDelete, a changed template waits until pods are deleted.',
    start: start('daemonset-on-delete', 3, { updateStrategy: 'OnDelete' }),
    run: async (server, note) => {
      const before = await podsOf(server);
      const pods = await server.observe(CORE, 'pods');
      await patch(server, restart('one'));
      await server.settle(
        'the change is observed',
        async () => (await setOf(server)).status['observedGeneration'] === 2,
      );
      note('terminated by the change', rolloutOf(before, await pods.changes()).terminated.length);
      note('status after the change', plainStatus(server, await setOf(server)));
      await server.request('DELETE', pathOf(server, CORE, 'pods', before[1]?.metadata.name));
      await server.settle('the pod is back', async () => (await setOf(server)).status['numberReady'] === 3);
      note('status after a deletion', plainStatus(server, await setOf(server)));
    },
  },
  {
    name: 'daemonset-nodes',
    shows: 'A DaemonSet leaves nodes that it does not select alone, and runs on those that are cordoned.',
    start: start('daemonset-nodes', 3),
    run: async (server, note) => {
      note('at first', plainStatus(server, await setOf(server)));
      const [pod] = await podsOf(server);
      const node = String(pod?.spec['nodeName']);
      await server.request('PATCH', `${CORE}/nodes/${node}`, { body: { spec: { unschedulable: true } } });
      await server.settle('the node is cordoned');
      note('cordoned', plainStatus(server, await setOf(server)));
      await rollOut(server, note, 'rollout with a cordoned node');
      await server.request('PATCH', `${CORE}/nodes/${node}`, { body: { metadata: { labels: { pool: null } } } });
      await server.settle('the node is left', async () => (await podsOf(server)).length === 2);
      note('with a node less', plainStatus(server, await setOf(server)));
    },
  },
];
