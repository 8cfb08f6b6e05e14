/** Writes, deletions, lists and watches of objects. */
import type { Case, Start } from './case.ts';
import { answerOf, itemsOf, podsOf, workloadAt } from './facts.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Answer, Item, Server } from './server.ts';

const NAME = 'web';
const MERGE = 'application/merge-patch+json';
const ACCOUNTS = 'serviceaccounts';
const start: Start = { workloads: [{ kind: 'Deployment', name: NAME, replicas: 2 }] };

const createAccount = (server: Server, name: string): Promise<Answer> =>
  server.request('POST', pathOf(server, CORE, ACCOUNTS), {
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
  });
const annotate = (server: Server, name: string, annotations: object, more: object = {}): Promise<Answer> =>
  server.request('PATCH', pathOf(server, CORE, ACCOUNTS, name), {
    type: MERGE,
    body: { metadata: { annotations, ...more } },
  });

/** A case of a deletion of a Deployment with a propagation policy. */
const deleted = (policy: 'Background' | 'Foreground' | 'Orphan', shows: string): Case => ({
  name: `delete-${policy.toLowerCase()}`,
  shows,
  start,
  run: async (server, note) => {
    const answer = await server.request('DELETE', pathOf(server, APPS, 'deployments', NAME), {
      body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: policy },
    });
    note('status', answer.status);
    const { metadata, kind, status } = answer.body as Item & { kind: string };
    note('body', { kind, ...(kind === 'Status' ? { status } : { finalizers: metadata['finalizers'] }) });
    await server.settle('the Deployment is gone', async () => {
      const { status: found } = await server.request('GET', pathOf(server, APPS, 'deployments', NAME));
      return found === 404;
    });
    const sets = await itemsOf(server, APPS, 'replicasets');
    note(
      'replica sets',
      sets.map(({ metadata: { ownerReferences } }) => ({ owners: ownerReferences?.length ?? 0 })),
    );
    note('pods', (await podsOf(server)).length);
  },
});

export const OBJECT_CASES: Case[] = [
  deleted(
    'Background',
    'A Deployment that is deleted in the background is gone first, and then its ReplicaSets and pods.',
  ),
  deleted('Foreground', 'A Deployment that is deleted in the foreground stays until its pods are gone.'),
  deleted('Orphan', 'A Deployment that is deleted with Orphan leaves its ReplicaSet and pods, without an owner.'),
  {
    name: 'write-conflicts',
    shows: 'A patch or update with an older resourceVersion is a conflict, one without it is not.',
    run: async (server, note) => {
      await createAccount(server, 'one');
      const { body } = await server.request('GET', pathOf(server, CORE, ACCOUNTS, 'one'));
      const { resourceVersion } = (body as Item).metadata;
      note('a first patch', answerOf(server, await annotate(server, 'one', { a: '1' }, { resourceVersion })));
      note(
        'a second patch of the same version',
        answerOf(server, await annotate(server, 'one', { b: '1' }, { resourceVersion })),
      );
      note('a patch without version', answerOf(server, await annotate(server, 'one', { b: '1' })));
      const put = await server.request('PUT', pathOf(server, CORE, ACCOUNTS, 'one'), { body });
      note('an update of an old version', answerOf(server, put));
      const both = await Promise.all([annotate(server, 'one', { c: '1' }), annotate(server, 'one', { d: '1' })]);
      note(
        'two patches at once',
        both.map((answer) => answer.status),
      );
      const last = await server.request('GET', pathOf(server, CORE, ACCOUNTS, 'one'));
      note('annotations', (last.body as Item).metadata.annotations);
      note('a patch of the same values', (await annotate(server, 'one', { c: '1' })).status);
      const after = await server.request('GET', pathOf(server, CORE, ACCOUNTS, 'one'));
      note(
        'keeps the version',
        (after.body as Item).metadata.resourceVersion === (last.body as Item).metadata.resourceVersion,
      );
      note('created again', answerOf(server, await createAccount(server, 'one')));
    },
  },
  {
    name: 'delete-preconditions',
    shows: 'A deletion with a precondition that does not hold is a conflict.',
    run: async (server, note) => {
      await createAccount(server, 'one');
      const remove = (preconditions: object): Promise<Answer> =>
        server.request('DELETE', pathOf(server, CORE, ACCOUNTS, 'one'), {
          body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions },
        });
      note('another uid', (await remove({ uid: '00000000-0000-4000-8000-000000000001' })).status);
      note('an old version', (await remove({ resourceVersion: '1' })).status);
      const { body } = await server.request('GET', pathOf(server, CORE, ACCOUNTS, 'one'));
      note('the right uid', (await remove({ uid: (body as Item).metadata.uid })).status);
      note('gone', answerOf(server, await server.request('GET', pathOf(server, CORE, ACCOUNTS, 'one'))));
    },
  },
  {
    name: 'list-pages',
    shows: 'The pages of a list show the objects as they were when its first page was read.',
    run: async (server, note) => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await createAccount(server, name);
      const path = pathOf(server, CORE, ACCOUNTS);
      const first = await server.request('GET', `${path}?limit=2`);
      const metaOf = ({ body }: Answer): Record<string, unknown> => body['metadata'] as Record<string, unknown>;
      const namesOf = ({ body }: Answer): string[] => (body['items'] as Item[]).map(({ metadata }) => metadata.name);
      note('first page', { names: namesOf(first), left: metaOf(first)['remainingItemCount'] });
      await server.request('DELETE', pathOf(server, CORE, ACCOUNTS, 'e'));
      await createAccount(server, 'ca');
      const next = (page: Answer): Promise<Answer> =>
        server.request('GET', `${path}?limit=2&continue=${encodeURIComponent(String(metaOf(page)['continue']))}`);
      const second = await next(first);
      note('second page', { names: namesOf(second), left: metaOf(second)['remainingItemCount'] });
      note('the same version', metaOf(first)['resourceVersion'] === metaOf(second)['resourceVersion']);
      const third = await next(second);
      note('third page', { names: namesOf(third), more: metaOf(third)['continue'] ?? null });
      const selected = await server.request('GET', `${path}?fieldSelector=metadata.name%3Db`);
      note('selected', namesOf(selected));
      note('with a bad token', (await server.request('GET', `${path}?limit=2&continue=nonsense`)).status);
    },
  },
  {
    name: 'watch-events',
    shows: 'A watch from a version reports what was written since, in order.',
    run: async (server, note) => {
      await createAccount(server, 'zero');
      const path = pathOf(server, CORE, ACCOUNTS);
      const list = await server.request('GET', path);
      const { resourceVersion } = list.body['metadata'] as { resourceVersion: string };
      await createAccount(server, 'one');
      await annotate(server, 'one', { a: '1' });
      await annotate(server, 'zero', { a: '1' });
      const { text, status } = await server.request(
        'GET',
        `${path}?watch=true&resourceVersion=${resourceVersion}&timeoutSeconds=1`,
      );
      note('status', status);
      const events = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { type: string; object: Item });
      note(
        'objects in the order of their last event',
        [...new Set(events.map(({ object }) => object.metadata.name).toReversed())].toReversed(),
      );
      note(
        'the last state of each',
        Object.fromEntries(events.map(({ object }) => [object.metadata.name, object.metadata.annotations ?? null])),
      );
      note(
        'events',
        events.map(({ type, object }) => `${type} ${object.metadata.name}`),
      );
    },
  },
  {
    name: 'generations',
    shows: 'The generation of a workload grows with its spec, and the controller observes it.',
    start: {
      workloads: [
        { kind: 'Deployment', name: NAME },
        { kind: 'StatefulSet', name: 'db' },
        { kind: 'DaemonSet', name: 'agent', nodeSelector: { pool: 'generations' } },
      ],
      nodes: [{ count: 1 }],
    },
    run: async (server, note) => {
      for (const [resource, name] of [
        ['deployments', NAME],
        ['statefulsets', 'db'],
        ['daemonsets', 'agent'],
      ] as const) {
        const path = pathOf(server, APPS, resource, name);
        const observed = async (what: string, body: unknown): Promise<void> => {
          await server.request('PATCH', path, { type: MERGE, body });
          await server.settle('it is observed');
          const { metadata, status } = await workloadAt(server, resource, name);
          note(`${resource}: ${what}`, [metadata.generation, status['observedGeneration']]);
        };
        await observed('a label', { metadata: { labels: { a: '1' } } });
        await observed('an annotation', { metadata: { annotations: { a: '1' } } });
        await observed('the same annotation', { metadata: { annotations: { a: '1' } } });
        await observed('minReadySeconds', { spec: { minReadySeconds: 1 } });
        await observed('the template', { spec: { template: { metadata: { annotations: { a: '1' } } } } });
        await observed('the same template', { spec: { template: { metadata: { annotations: { a: '1' } } } } });
      }
    },
  },
];
