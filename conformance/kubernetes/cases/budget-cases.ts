/** PodDisruptionBudgets and evictions. */
import type { Case, Start } from './case.ts';
import { answerOf, plainStatus, podsOf } from './facts.ts';
import { APPS, CORE, pathOf, POLICY } from './server.ts';
import type { Answer, Item, Server } from './server.ts';

const NAME = 'web';
const BUDGETS = 'poddisruptionbudgets';
const LABELS = { 'app.kubernetes.io/name': NAME };
const start = (replicas: number, kind: 'Deployment' | 'StatefulSet' = 'Deployment'): Start => ({
  workloads: [{ kind, name: NAME, replicas }],
});

const createBudget = async (server: Server, spec: object, name = 'web'): Promise<Answer> => {
  const answer = await server.request('POST', pathOf(server, POLICY, BUDGETS), {
    body: {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { selector: { matchLabels: LABELS }, ...spec },
    },
  });
  await server.settle('the budget is observed');
  return answer;
};

const budgetOf = async (server: Server, name = 'web'): Promise<Item> => {
  const { body } = await server.request('GET', pathOf(server, POLICY, BUDGETS, name));
  return body as Item;
};

const evict = (server: Server, pod: string | undefined, more: object = {}, query = ''): Promise<Answer> =>
  server.request('POST', `${pathOf(server, CORE, 'pods', pod)}/eviction${query}`, {
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod, namespace: server.namespace },
      ...more,
    },
  });

/** Waits until the budget's controller has seen an eviction: so many pods are healthy. */
const healthy = (server: Server, count: number): Promise<void> =>
  server.until(
    `the budget counts ${count} healthy pods`,
    async () => (await budgetOf(server)).status['currentHealthy'] === count,
  );

/** Returns the budget's status without the pods' names, which are generated. */
const statusOf = async (server: Server): Promise<unknown> => {
  const budget = await budgetOf(server);
  const { disruptedPods, ...rest } = budget.status;
  return {
    ...(plainStatus(server, { ...budget, status: rest }) as object),
    disrupted: Object.keys(disruptedPods ?? {}).length,
  };
};

const ready = (server: Server, replicas: number): Promise<void> =>
  server.settle('the pods are ready again', async () => {
    const { body } = await server.request('GET', pathOf(server, APPS, 'deployments', NAME));
    return ((body as Item).status['readyReplicas'] ?? 0) === replicas;
  });

export const BUDGET_CASES: Case[] = [
  {
    name: 'eviction-counts-down',
    shows:
      'Each eviction uses one of the disruptions that a budget allows, the next is refused, and pods that are ready again restore it.',
    start: start(4),
    run: async (server, note) => {
      note('created', answerOf(server, await createBudget(server, { minAvailable: 2 })));
      note('at first', await statusOf(server));
      const [one, two, three] = (await podsOf(server)).map(({ metadata }) => metadata.name);
      note('first', answerOf(server, await evict(server, one)));
      note('second', answerOf(server, await evict(server, two)));
      const used = await budgetOf(server);
      note('allowed after two', used.status['disruptionsAllowed']);
      await healthy(server, 2);
      note('third', answerOf(server, await evict(server, three)));
      note(
        'the third pod stays',
        (await podsOf(server)).find(({ metadata }) => metadata.name === three)?.metadata.deletionTimestamp ===
          undefined,
      );
      await ready(server, 4);
      note('restored', await statusOf(server));
      note('third again', answerOf(server, await evict(server, three)));
    },
  },
  {
    name: 'eviction-percent',
    shows: 'A percentage of a budget is rounded up, for minAvailable as for maxUnavailable.',
    start: start(5),
    run: async (server, note) => {
      for (const spec of [
        { minAvailable: '50%' },
        { maxUnavailable: '30%' },
        { maxUnavailable: 0 },
        { minAvailable: '100%' },
        { minAvailable: 9 },
      ]) {
        await createBudget(server, spec);
        note(JSON.stringify(spec), await statusOf(server));
        await server.request('DELETE', pathOf(server, POLICY, BUDGETS, 'web'));
        await server.settle('the budget is gone');
      }
    },
  },
  {
    name: 'eviction-two-budgets',
    shows: 'A pod with two budgets cannot be evicted.',
    start: start(3),
    run: async (server, note) => {
      await createBudget(server, { minAvailable: 1 });
      await createBudget(server, { minAvailable: 1 }, 'other');
      const [pod] = await podsOf(server);
      note('evicted', answerOf(server, await evict(server, pod?.metadata.name)));
      note('pods', (await podsOf(server)).length);
    },
  },
  {
    name: 'eviction-dry-run',
    shows: 'A dry run answers as the eviction would, and uses nothing.',
    start: start(2),
    run: async (server, note) => {
      await createBudget(server, { minAvailable: 1 });
      const [one, two] = (await podsOf(server)).map(({ metadata }) => metadata.name);
      note('by query', answerOf(server, await evict(server, one, {}, '?dryRun=All')));
      note('by options', answerOf(server, await evict(server, one, { deleteOptions: { dryRun: ['All'] } })));
      note('nothing is used', await statusOf(server));
      note('for real', answerOf(server, await evict(server, one)));
      await healthy(server, 1);
      note('refused', answerOf(server, await evict(server, two, {}, '?dryRun=All')));
    },
  },
  {
    name: 'eviction-preconditions',
    shows: 'Preconditions that do not hold are a conflict.',
    start: start(2),
    run: async (server, note) => {
      const [pod] = await podsOf(server);
      const name = pod?.metadata.name;
      const uid = '00000000-0000-4000-8000-000000000001';
      note('another uid', (await evict(server, name, { deleteOptions: { preconditions: { uid } } })).status);
      const resourceVersion = '1';
      note(
        'an old version',
        (await evict(server, name, { deleteOptions: { preconditions: { resourceVersion } } })).status,
      );
      note(
        'the right uid',
        answerOf(server, await evict(server, name, { deleteOptions: { preconditions: { uid: pod?.metadata.uid } } })),
      );
    },
  },
  {
    name: 'eviction-without-budget',
    shows: 'Without a budget, an evicted pod ends at once, with the condition that says why.',
    start: start(1),
    run: async (server, note) => {
      const [pod] = await podsOf(server);
      const name = pod?.metadata.name;
      note('evicted', answerOf(server, await evict(server, name, { deleteOptions: { gracePeriodSeconds: 20 } })));
      const { body } = await server.request('GET', pathOf(server, CORE, 'pods', name));
      const { metadata, status } = body as Item;
      note('grace period', metadata['deletionGracePeriodSeconds']);
      const conditions = status['conditions'] as { type: string; status: string; reason?: string; message?: string }[];
      const why = conditions.find(({ type }) => type === 'DisruptionTarget');
      note('condition', why && { status: why.status, reason: why.reason, message: why.message });
      note('a second time', answerOf(server, await evict(server, name)));
      await ready(server, 1);
      note('absent', answerOf(server, await evict(server, name)));
    },
  },
  {
    name: 'eviction-statefulset',
    shows: 'A budget of a StatefulSet knows the number of its pods from the StatefulSet.',
    start: start(3, 'StatefulSet'),
    run: async (server, note) => {
      await createBudget(server, { maxUnavailable: 1 });
      note('at first', await statusOf(server));
      note('first', answerOf(server, await evict(server, `${NAME}-2`)));
      await healthy(server, 2);
      note('second', answerOf(server, await evict(server, `${NAME}-1`)));
    },
  },
  {
    name: 'budget-changed',
    shows: 'A changed budget is observed, and counts again.',
    start: start(3),
    run: async (server, note) => {
      await createBudget(server, { minAvailable: 3 });
      note('at first', await statusOf(server));
      const path = pathOf(server, POLICY, BUDGETS, 'web');
      await server.request('PATCH', path, {
        type: 'application/merge-patch+json',
        body: { spec: { minAvailable: 2 } },
      });
      await server.settle('the change is observed');
      note('changed', await statusOf(server));
      note('generation', (await budgetOf(server)).metadata.generation);
      await server.request('PATCH', `${pathOf(server, APPS, 'deployments', NAME)}/scale`, {
        type: 'application/merge-patch+json',
        body: { spec: { replicas: 5 } },
      });
      await ready(server, 5);
      note('scaled', await statusOf(server));
      await server.request('DELETE', path);
      note('deleted', answerOf(server, await server.request('GET', path)));
    },
  },
];
