/** Who owns which fields: server-side apply, managedFields, and the subresource scale. */
import type { Case, Start } from './case.ts';
import { answerOf, ownersOf, restart, workloadAt } from './facts.ts';
import { APPS, CORE, pathOf } from './server.ts';
import type { Answer, Item, Server } from './server.ts';

const NAME = 'web';
const ACCOUNT = 'worker';
const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const start: Start = { workloads: [{ kind: 'Deployment', name: NAME, replicas: 2 }] };

/** Returns the owners of the Deployment, without what the controllers wrote meanwhile. */
const clientsOf = (item: Item): unknown =>
  (ownersOf(item) as { manager: string; subresource?: string }[]).filter(({ subresource }) => subresource !== 'status');

const deployment = (server: Server): Promise<Item> => workloadAt(server, 'deployments', NAME);
const patch = (server: Server, manager: string, body: unknown, type?: string): Promise<Answer> =>
  server.request('PATCH', `${pathOf(server, APPS, 'deployments', NAME)}?fieldManager=${manager}`, {
    body,
    ...(type === undefined ? {} : { type }),
  });
const scale = (server: Server, manager: string, replicas: number): Promise<Answer> =>
  server.request('PATCH', `${pathOf(server, APPS, 'deployments', NAME)}/scale?fieldManager=${manager}`, {
    type: MERGE,
    body: { spec: { replicas } },
  });

/** Metadata of an account with a label and the annotation of a role. */
const labelled = (role: string) => ({ labels: { a: '1' }, annotations: { 'eks.amazonaws.com/role-arn': role } });

const accountPath = (server: Server, query: string): string =>
  `${pathOf(server, CORE, 'serviceaccounts', ACCOUNT)}${query}`;
const applyAccount = (server: Server, manager: string, metadata: object, query = ''): Promise<Answer> =>
  server.request('PATCH', accountPath(server, `?fieldManager=${manager}${query}`), {
    type: APPLY,
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, ...metadata } },
  });
const account = async (server: Server): Promise<Item> => {
  const { body } = await server.request('GET', accountPath(server, ''));
  return body as Item;
};
const applyDeployment = (server: Server, manager: string, spec: object, query = ''): Promise<Answer> =>
  server.request('PATCH', `${pathOf(server, APPS, 'deployments', NAME)}?fieldManager=${manager}${query}`, {
    type: APPLY,
    body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: NAME }, spec },
  });

/** What the manager of the start applies, with another number of replicas. */
const manifestWith = (replicas: number): object => ({
  replicas,
  revisionHistoryLimit: 10,
  selector: { matchLabels: { 'app.kubernetes.io/name': NAME } },
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  template: {
    metadata: { labels: { 'app.kubernetes.io/name': NAME } },
    spec: {
      serviceAccountName: 'default',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      containers: [{ name: NAME, image: 'registry.example.com/web' }],
    },
  },
});

export const OWNERSHIP_CASES: Case[] = [
  {
    name: 'fields-of-updates',
    shows: 'Each manager that updates a workload owns the fields that it changed last.',
    start,
    run: async (server, note) => {
      note('at first', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-label', { metadata: { labels: { team: 'shop' } } }, MERGE);
      note('a label', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-rollout', restart('one'));
      note('restarted', clientsOf(await deployment(server)));
      await patch(server, 'migrator', {
        spec: { template: { metadata: { annotations: { 'example.com/for': 'x' } } } },
      });
      note('restarted by another', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-edit', restart('two'));
      note('the same annotation by another', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-edit', { spec: { replicas: 3 } });
      note('a field of the applier', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-label', { metadata: { labels: { team: null } } }, MERGE);
      note('the label is removed', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-set', {
        spec: { template: { spec: { containers: [{ name: NAME, image: 'registry.example.com/web:2' }] } } },
      });
      note('an image', clientsOf(await deployment(server)));
      await patch(server, 'kubectl-set', {
        spec: { template: { spec: { containers: [{ name: NAME, env: [{ name: 'A', value: '1' }] }] } } },
      });
      note('a variable', clientsOf(await deployment(server)));
    },
  },
  {
    name: 'fields-of-accounts',
    shows: 'The annotation of a service account belongs to the manager that set it last.',
    run: async (server, note) => {
      const created = await server.request(
        'POST',
        `${pathOf(server, CORE, 'serviceaccounts')}?fieldManager=kubectl-create`,
        {
          body: {
            apiVersion: 'v1',
            kind: 'ServiceAccount',
            metadata: { name: ACCOUNT, annotations: { 'eks.amazonaws.com/role-arn': 'one' } },
          },
        },
      );
      note('created', answerOf(server, created));
      note('owners', ownersOf(await account(server)));
      const change = (manager: string, annotations: object): Promise<Answer> =>
        server.request('PATCH', accountPath(server, `?fieldManager=${manager}`), {
          type: MERGE,
          body: { metadata: { annotations } },
        });
      await change('kubectl-annotate', { 'eks.amazonaws.com/role-arn': 'two' });
      note('changed', ownersOf(await account(server)));
      await change('terraform', { other: 'x' });
      note('another annotation', ownersOf(await account(server)));
      await change('migrator', { 'eks.amazonaws.com/role-arn': null });
      note('removed', ownersOf(await account(server)));
    },
  },
  {
    name: 'apply-account',
    shows: 'Server-side apply creates, changes and removes what its manager owns, and reports conflicts with others.',
    run: async (server, note) => {
      note('created', answerOf(server, await applyAccount(server, 'eks', labelled('one'))));
      note('owners', ownersOf(await account(server)));
      note('again', answerOf(server, await applyAccount(server, 'eks', labelled('one'))));
      note('changed', answerOf(server, await applyAccount(server, 'eks', labelled('two'))));
      note(
        'conflict',
        answerOf(
          server,
          await applyAccount(server, 'helm', { annotations: { 'eks.amazonaws.com/role-arn': 'three' } }),
        ),
      );
      note(
        'the same value is shared',
        answerOf(server, await applyAccount(server, 'helm', { annotations: { 'eks.amazonaws.com/role-arn': 'two' } })),
      );
      note('shared owners', ownersOf(await account(server)));
      note('removed by one', answerOf(server, await applyAccount(server, 'eks', { labels: { a: '1' } })));
      note('still there', (await account(server)).metadata.annotations);
      note('removed by both', answerOf(server, await applyAccount(server, 'helm', {})));
      note('gone', (await account(server)).metadata.annotations ?? null);
      note('owners at the end', ownersOf(await account(server)));
      note(
        'without a manager',
        answerOf(
          server,
          await server.request('PATCH', accountPath(server, ''), {
            type: APPLY,
            body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT } },
          }),
        ),
      );
    },
  },
  {
    name: 'apply-forced',
    shows: 'A forced apply takes fields from other managers.',
    run: async (server, note) => {
      await applyAccount(server, 'eks', { labels: { a: '1', b: '1' } });
      await server.request('PATCH', accountPath(server, '?fieldManager=kubectl-edit'), {
        type: MERGE,
        body: { metadata: { labels: { b: '2' } } },
      });
      note('edited', ownersOf(await account(server)));
      note('conflict', answerOf(server, await applyAccount(server, 'eks', { labels: { a: '1', b: '1' } })));
      note(
        'forced',
        answerOf(server, await applyAccount(server, 'eks', { labels: { a: '1', b: '1' } }, '&force=true')),
      );
      note('labels', (await account(server)).metadata.labels);
      note('owners', ownersOf(await account(server)));
    },
  },
  {
    name: 'apply-dry-run',
    shows: 'A dry run of apply changes nothing.',
    run: async (server, note) => {
      note('created', answerOf(server, await applyAccount(server, 'eks', { labels: { a: '1' } }, '&dryRun=All')));
      note('absent', answerOf(server, await server.request('GET', accountPath(server, ''))));
      await applyAccount(server, 'eks', { labels: { a: '1' } });
      note('changed', answerOf(server, await applyAccount(server, 'eks', { labels: { a: '2' } }, '&dryRun=All')));
      note('labels', (await account(server)).metadata.labels);
    },
  },
  {
    name: 'apply-deployment',
    shows: 'An apply over fields of the manager that made a Deployment is a conflict that names each of them.',
    start,
    run: async (server, note) => {
      note('conflict of replicas', answerOf(server, await applyDeployment(server, 'eks', { replicas: 3 })));
      note(
        'conflict of an image',
        answerOf(
          server,
          await applyDeployment(server, 'eks', {
            replicas: 5,
            template: { spec: { containers: [{ name: NAME, image: 'other' }] } },
          }),
        ),
      );
      note(
        'an annotation of its own',
        answerOf(server, await applyDeployment(server, 'eks', { template: restart('one').spec.template })),
      );
      note('owners', clientsOf(await deployment(server)));
      note('forced', answerOf(server, await applyDeployment(server, 'eks', { replicas: 3 }, '&force=true')));
      note('owners at the end', clientsOf(await deployment(server)));
      note('annotation is removed', (await deployment(server)).spec['template']);
    },
  },
  {
    name: 'scale-owners',
    shows: 'A client of /scale owns the replicas, and an apply of another value is a conflict with it.',
    start,
    run: async (server, note) => {
      const read = await server.request('GET', `${pathOf(server, APPS, 'deployments', NAME)}/scale`);
      const { kind, apiVersion, spec } = read.body as Item;
      note('read', { kind, apiVersion, spec });
      note('scaled', answerOf(server, await scale(server, 'kube-controller-manager', 4)));
      note('owners', clientsOf(await deployment(server)));
      note('conflict', answerOf(server, await applyDeployment(server, 'helm', manifestWith(2))));
      note('generation', (await deployment(server)).metadata.generation);
      note('scaled by another', answerOf(server, await scale(server, 'kubectl-scale', 3)));
      note('owners at the end', clientsOf(await deployment(server)));
      note('forced', answerOf(server, await applyDeployment(server, 'helm', manifestWith(2), '&force=true')));
      note('owners after a forced apply', clientsOf(await deployment(server)));
      const put = (replicas: number, resourceVersion: string): Promise<Answer> =>
        server.request('PUT', `${pathOf(server, APPS, 'deployments', NAME)}/scale?fieldManager=hpa`, {
          body: {
            kind,
            apiVersion,
            metadata: { name: NAME, namespace: server.namespace, resourceVersion },
            spec: { replicas },
          },
        });
      await server.settle('the controllers have seen it');
      note('put with an old version', answerOf(server, await put(5, '1')));
      note('put', answerOf(server, await put(5, (await deployment(server)).metadata.resourceVersion)));
    },
  },
];
