/** Rollouts of Deployments. */
import type { Case, Note } from './case.ts';
import {
  itemsOf,
  mostWanted,
  plainStatus,
  plainText,
  podsOf,
  restart,
  rolledOut,
  rolloutOf,
  workloadAt,
} from './facts.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Answer, Item, Server } from './server.ts';

const DEPLOYMENTS = 'deployments';
const NAME = 'web';
const REVISION = 'deployment.kubernetes.io/revision';
const deploymentOf = (server: Server): Promise<Item> => workloadAt(server, DEPLOYMENTS, NAME);
const patch = (server: Server, body: unknown, type?: string): Promise<Answer> =>
  server.request('PATCH', `${pathOf(server, APPS, DEPLOYMENTS, NAME)}?fieldManager=kubectl-rollout`, {
    body,
    ...(type === undefined ? {} : { type }),
  });
const start = (replicas: number, more: object = {}) => ({
  workloads: [{ kind: 'Deployment' as const, name: NAME, replicas, ...more }],
});
const scale = (server: Server, replicas: number): Promise<unknown> =>
  server.request('PATCH', `${pathOf(server, APPS, DEPLOYMENTS, NAME)}/scale`, {
    type: 'application/merge-patch+json',
    body: { spec: { replicas } },
  });

/** Notes the ReplicaSets by their revision: replicas, and the annotations by which a rollout is scaled in proportion. */
const noteReplicaSets = async (server: Server, note: Note, what: string): Promise<void> => {
  const sets = await itemsOf(server, APPS, 'replicasets');
  note(
    `${what}: replica sets`,
    sets
      .map(({ metadata, spec, status }) => ({
        revision: Number(metadata.annotations?.[REVISION]),
        history: metadata.annotations?.['deployment.kubernetes.io/revision-history'] ?? null,
        desired: metadata.annotations?.['deployment.kubernetes.io/desired-replicas'] ?? null,
        most: metadata.annotations?.['deployment.kubernetes.io/max-replicas'] ?? null,
        replicas: spec['replicas'],
        ready: status['readyReplicas'] ?? 0,
        name: plainText(metadata.name, server),
      }))
      .toSorted((a, b) => a.revision - b.revision),
  );
};

const noteState = async (server: Server, note: Note, what: string): Promise<void> => {
  const deployment = await deploymentOf(server);
  note(`${what}: status`, plainStatus(server, deployment));
  note(`${what}: generation`, deployment.metadata.generation);
  note(`${what}: revision`, deployment.metadata.annotations?.[REVISION]);
  await noteReplicaSets(server, note, what);
};

interface Watched {
  /** Returns how many pods were created by now. */
  created: () => number;
  /** Returns the extremes. `counts`: also how many pods came and went. */
  numbers: (counts: boolean) => Promise<unknown>;
}

/** Observes pods and ReplicaSets from now on. */
const watchRollout = async (server: Server): Promise<Watched> => {
  const before = await podsOf(server);
  const setsBefore = await itemsOf(server, APPS, 'replicasets');
  const pods = await server.observe(CORE, 'pods');
  const sets = await server.observe(APPS, 'replicasets');
  return {
    created: () => rolloutOf(before, pods.soFar()).created.length,
    numbers: async (counts) => {
      const { terminated, created, leastReady } = rolloutOf(before, await pods.changes());
      return {
        mostPods: mostWanted(setsBefore, await sets.changes()),
        leastReady,
        ...(counts ? { terminated: terminated.length, created: created.length } : {}),
      };
    },
  };
};

/** Rolls out a change, and notes extremes and status. */
const rollOut = async (server: Server, note: Note, change: unknown, what = 'rollout'): Promise<void> => {
  const watched = await watchRollout(server);
  await patch(server, change);
  await rolledOut(server, DEPLOYMENTS, NAME);
  note(`${what}: numbers`, await watched.numbers(true));
  await noteState(server, note, what);
};

/** A rollout within limits. */
const within = (name: string, shows: string, replicas: number, limits: object): Case => ({
  name: `deployment-${name}`,
  shows,
  start: start(replicas, limits),
  run: (server, note) => rollOut(server, note, restart('one')),
});

export const DEPLOYMENT_CASES: Case[] = [
  within('default-limits', 'By default, a rollout of 8 pods adds up to 2 and misses up to 2.', 8, {}),
  within('rounded-limits', 'Percentages are rounded up for the surge, and down for what may be missing.', 5, {
    maxSurge: '30%',
    maxUnavailable: '30%',
  }),
  within('surge-only', 'With maxUnavailable 0, no pod is missing.', 3, { maxSurge: 1, maxUnavailable: 0 }),
  within('no-surge', 'With maxSurge 0, no pod is added.', 3, { maxSurge: 0, maxUnavailable: 1 }),
  within('one-pod', 'A Deployment of one pod adds a pod before it removes the old one.', 1, {}),
  within('all-at-once', 'With both limits at 100%, all pods may be replaced at once.', 4, {
    maxSurge: '100%',
    maxUnavailable: '100%',
  }),
  within('recreate', 'With Recreate, all pods end before a new one is created.', 3, { updateStrategy: 'Recreate' }),
  within('min-ready', 'A new pod counts only once it has been ready for minReadySeconds.', 3, {
    minReadySeconds: 2,
    maxSurge: 1,
    maxUnavailable: 0,
  }),
  {
    name: 'deployment-paused',
    shows: 'A paused Deployment observes a change without replacing a pod, and rolls it out once it is resumed.',
    start: start(3),
    run: async (server, note) => {
      const watched = await watchRollout(server);
      await patch(server, { spec: { paused: true } });
      await server.settle('the pause is observed');
      await noteState(server, note, 'paused');
      await patch(server, restart('one'));
      await server.settle('the change is observed');
      note('numbers while paused', await watched.numbers(true));
      await noteState(server, note, 'changed while paused');
      await scale(server, 5);
      await server.settle('it is scaled');
      await noteState(server, note, 'scaled while paused');
      await patch(server, { spec: { paused: null } });
      await rolledOut(server, DEPLOYMENTS, NAME);
      note('numbers', await watched.numbers(false));
      await noteState(server, note, 'resumed');
    },
  },
  {
    name: 'deployment-paused-midway',
    shows: 'A Deployment that is paused in the middle of a rollout stays as it is.',
    start: start(6, { maxSurge: 1, maxUnavailable: 0 }),
    run: async (server, note) => {
      const watched = await watchRollout(server);
      await patch(server, restart('one'));
      await server.until('two pods are new', async () => watched.created() === 2);
      await patch(server, { spec: { paused: true } });
      await server.settle('the pause is observed');
      const total = (await podsOf(server)).length;
      note('pods stay within the limits', total >= 6 && total <= 7);
      const { status } = await deploymentOf(server);
      const conditions = status['conditions'] as { type: string; reason: string; status: string }[];
      note('reason of Progressing', conditions.find(({ type }) => type === 'Progressing')?.reason);
      await patch(server, { spec: { paused: false } });
      await rolledOut(server, DEPLOYMENTS, NAME);
      note('numbers', await watched.numbers(false));
      await noteState(server, note, 'resumed');
    },
  },
  {
    name: 'deployment-second-change',
    shows: 'A second change in the middle of a rollout replaces old and half-new pods within the same limits.',
    start: start(6, { maxSurge: 2, maxUnavailable: 1 }),
    run: async (server, note) => {
      const watched = await watchRollout(server);
      await patch(server, restart('one'));
      await server.until('two pods are new', async () => watched.created() >= 2);
      await patch(server, restart('two'));
      await rolledOut(server, DEPLOYMENTS, NAME);
      note('numbers', await watched.numbers(false));
      await noteState(server, note, 'at the end');
    },
  },
  {
    name: 'deployment-undo',
    shows: 'A Deployment that gets an earlier template again uses its ReplicaSet, which becomes the newest revision.',
    start: start(3),
    run: async (server, note) => {
      const { spec } = await deploymentOf(server);
      await rollOut(server, note, restart('one'), 'first');
      await rollOut(server, note, restart('two'), 'second');
      // As kubectl rollout undo does: a JSON patch that replaces the template.
      await patch(
        server,
        [{ op: 'replace', path: '/spec/template', value: spec['template'] }],
        'application/json-patch+json',
      );
      await rolledOut(server, DEPLOYMENTS, NAME);
      await noteState(server, note, 'undone');
    },
  },
  {
    name: 'deployment-history',
    shows: 'Of the earlier ReplicaSets, revisionHistoryLimit are kept.',
    start: start(1, { spec: { revisionHistoryLimit: 2 } }),
    run: async (server, note) => {
      for (const value of ['one', 'two', 'three', 'four']) {
        await patch(server, restart(value));
        await rolledOut(server, DEPLOYMENTS, NAME);
      }
      await noteState(server, note, 'after four changes');
    },
  },
  {
    name: 'deployment-scale',
    shows: 'Scaling changes the only ReplicaSet, and no revision.',
    start: start(2),
    run: async (server, note) => {
      for (const replicas of [5, 1, 0, 2]) {
        await scale(server, replicas);
        await server.settle('it is scaled', async () => (await podsOf(server)).length === replicas);
        await noteState(server, note, `at ${replicas}`);
      }
    },
  },
  {
    name: 'deployment-no-change',
    shows: 'A patch that changes nothing, or only labels, replaces no pod and starts no generation.',
    start: start(2),
    run: async (server, note) => {
      const first = await deploymentOf(server);
      const replicas = await patch(server, { spec: { replicas: 2 } });
      note('a patch without a change: status', replicas.status);
      const same = await deploymentOf(server);
      note('resourceVersion is kept', same.metadata.resourceVersion === first.metadata.resourceVersion);
      const put = await server.request('PUT', pathOf(server, APPS, DEPLOYMENTS, NAME), { body: same });
      note('what was read is written back: status', put.status);
      await server.settle('the update is observed');
      await noteState(server, note, 'written back');
      await patch(server, { metadata: { labels: { team: 'shop' } } });
      await server.settle('the label is there');
      await noteState(server, note, 'labelled');
      await patch(server, { metadata: { annotations: { note: 'x' } } });
      await server.settle('the annotation is there');
      const sets = await itemsOf(server, APPS, 'replicasets');
      note('the annotation is copied to the ReplicaSet', sets[0]?.metadata.annotations?.['note'] ?? null);
      note('the label is copied to the ReplicaSet', sets[0]?.metadata.labels?.['team'] ?? null);
      note('generation', (await deploymentOf(server)).metadata.generation);
    },
  },
  {
    name: 'deployment-pod-deleted',
    shows: 'A deleted pod is replaced at once, while it still terminates.',
    start: start(2),
    run: async (server, note) => {
      const watched = await watchRollout(server);
      const [first] = await podsOf(server);
      const deleted = await server.request('DELETE', pathOf(server, CORE, 'pods', first?.metadata.name));
      note('status of the answer', deleted.status);
      note('grace period', (deleted.body as Item).metadata.deletionGracePeriodSeconds);
      await server.settle('two pods are ready', async () => (await deploymentOf(server)).status['readyReplicas'] === 2);
      note('numbers', await watched.numbers(true));
      await noteState(server, note, 'at the end');
    },
  },
];
