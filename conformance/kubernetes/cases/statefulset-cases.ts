/** Rollouts of StatefulSets. */
import type { Case, Note } from './case.ts';
import { plainStatus, podsOf, restart, rolledOut, rolloutOf, workloadAt } from './facts.ts';
import type { Rollout } from './facts.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Item, Server } from './server.ts';

const SETS = 'statefulsets';
const NAME = 'db';
const setOf = (server: Server): Promise<Item> => workloadAt(server, SETS, NAME);
const patch = (server: Server, body: unknown): Promise<unknown> =>
  server.request('PATCH', pathOf(server, APPS, SETS, NAME), { body });
const start = (replicas: number, more: object = {}) => ({
  workloads: [{ kind: 'StatefulSet' as const, name: NAME, replicas, ...more }],
});

/** Rolls out a change, and notes order, extremes and status. */
const rollOut = async (server: Server, note: Note, change: unknown, what = 'rollout'): Promise<void> => {
  const before = await podsOf(server);
  const pods = await server.observe(CORE, 'pods');
  await patch(server, change);
  await rolledOut(server, SETS, NAME);
  const { terminated, created, mostPods, leastReady } = rolloutOf(before, await pods.changes());
  note(`${what}: pods terminated, in order`, terminated);
  note(`${what}: pods created, in order`, created);
  note(`${what}: most pods`, mostPods);
  note(`${what}: least ready`, leastReady);
  note(`${what}: status`, plainStatus(server, await setOf(server)));
};

/** Notes which pods have the newest template. */
const noteUpdated = async (server: Server, note: Note, what: string): Promise<void> => {
  const { status } = await setOf(server);
  const pods = await podsOf(server);
  note(
    `${what}: pods of the newest revision`,
    pods
      .filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] === status['updateRevision'])
      .map(({ metadata }) => metadata.name),
  );
  note(`${what}: the revisions are the same`, status['updateRevision'] === status['currentRevision']);
};

const scale = (server: Server, replicas: number): Promise<unknown> =>
  server.request('PATCH', `${pathOf(server, APPS, SETS, NAME)}/scale`, {
    type: 'application/merge-patch+json',
    body: { spec: { replicas } },
  });

export const STATEFUL_SET_CASES: Case[] = [
  {
    name: 'statefulset-rollout-order',
    shows: 'A StatefulSet of 18 pods replaces them one by one, from the highest ordinal down.',
    start: start(18),
    run: async (server, note) => {
      await rollOut(server, note, restart('one'));
      await noteUpdated(server, note, 'at the end');
      note('generation', (await setOf(server)).metadata.generation);
    },
  },
  {
    name: 'statefulset-partition',
    shows: 'A partition keeps the pods below it at the older revision, also when one of them is deleted.',
    start: start(5),
    run: async (server, note) => {
      await patch(server, { spec: { updateStrategy: { rollingUpdate: { partition: 3 } } } });
      const before = await podsOf(server);
      const pods = await server.observe(CORE, 'pods');
      await patch(server, restart('one'));
      await server.settle('two pods are updated', async () => (await setOf(server)).status['updatedReplicas'] === 2);
      note('terminated above the partition', rolloutOf(before, await pods.changes()).terminated);
      note('status at the partition', plainStatus(server, await setOf(server)));
      await noteUpdated(server, note, 'at the partition');
      await server.request('DELETE', pathOf(server, CORE, 'pods', `${NAME}-1`));
      await server.settle('the deleted pod is back', async () => (await setOf(server)).status['readyReplicas'] === 5);
      await noteUpdated(server, note, 'after a deletion below');
      await server.request('DELETE', pathOf(server, CORE, 'pods', `${NAME}-4`));
      await server.settle('the deleted pod is back', async () => (await setOf(server)).status['readyReplicas'] === 5);
      await noteUpdated(server, note, 'after a deletion above');
      await rollOut(
        server,
        note,
        { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } },
        'without partition',
      );
      await noteUpdated(server, note, 'at the end');
    },
  },
  {
    name: 'statefulset-on-delete',
    shows: 'With OnDelete, a changed template waits until pods are deleted.',
    start: start(3, { updateStrategy: 'OnDelete' }),
    run: async (server, note) => {
      const before = await podsOf(server);
      const pods = await server.observe(CORE, 'pods');
      await patch(server, restart('one'));
      await server.settle(
        'the change is observed',
        async () => (await setOf(server)).status['observedGeneration'] === 2,
      );
      note('terminated by the change', rolloutOf(before, await pods.changes()).terminated);
      note('status after the change', plainStatus(server, await setOf(server)));
      for (const ordinal of [1, 2, 0]) {
        await server.request('DELETE', pathOf(server, CORE, 'pods', `${NAME}-${ordinal}`));
        await server.settle('the pod is back', async () => (await setOf(server)).status['readyReplicas'] === 3);
        await noteUpdated(server, note, `after the deletion of ${ordinal}`);
        note(`status after the deletion of ${ordinal}`, plainStatus(server, await setOf(server)));
      }
    },
  },
  {
    name: 'statefulset-scale',
    shows: 'A StatefulSet that is scaled up and down creates pods in order, and ends them in the opposite order.',
    start: start(2),
    run: async (server, note) => {
      for (const replicas of [6, 1]) {
        const before = await podsOf(server);
        const pods = await server.observe(CORE, 'pods');
        await scale(server, replicas);
        await rolledOut(server, SETS, NAME);
        const { terminated, created, leastReady } = rolloutOf(before, await pods.changes());
        note(`scaled to ${replicas}`, { terminated, created, leastReady });
        note(`status at ${replicas}`, plainStatus(server, await setOf(server)));
      }
      await scale(server, 0);
      await server.settle('no pod is left', async () => (await podsOf(server)).length === 0);
      note('status at 0', plainStatus(server, await setOf(server)));
    },
  },
  {
    name: 'statefulset-parallel',
    shows: 'With the pod management policy Parallel, pods are created at once, but still replaced one by one.',
    start: start(4, { spec: { podManagementPolicy: 'Parallel' } }),
    run: async (server, note) => {
      await rollOut(server, note, restart('one'));
      const before = await podsOf(server);
      const pods = await server.observe(CORE, 'pods');
      await scale(server, 1);
      await rolledOut(server, SETS, NAME);
      const { terminated, leastReady } = rolloutOf(before, await pods.changes());
      note('scaled down: terminated', terminated.toSorted());
      note('scaled down: least ready', leastReady);
    },
  },
  {
    name: 'statefulset-min-ready',
    shows: 'The next pod is replaced only once the one before has been ready for minReadySeconds.',
    start: start(3, { minReadySeconds: 2 }),
    run: async (server, note) => {
      await rollOut(server, note, restart('one'));
    },
  },
  {
    name: 'statefulset-second-change',
    shows: 'A second change in the middle of a rollout starts again from the highest ordinal.',
    start: start(4),
    run: async (server, note) => {
      const before = await podsOf(server);
      const pods = await server.observe(CORE, 'pods');
      await patch(server, restart('one'));
      const soFar = (): Rollout => rolloutOf(before, pods.soFar());
      await server.until('two pods are replaced', async () => soFar().created.includes(`${NAME}-2`));
      const earlier = soFar().terminated.length;
      await patch(server, restart('two'));
      await rolledOut(server, SETS, NAME);
      const { terminated, leastReady } = rolloutOf(before, await pods.changes());
      note('pods terminated after the second change, in order', terminated.slice(earlier));
      note('least ready', leastReady);
      await noteUpdated(server, note, 'at the end');
    },
  },
];
