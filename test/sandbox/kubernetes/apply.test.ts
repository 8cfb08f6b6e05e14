import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, merge, newEbsLab, type Lab } from './support.ts';

const ACCOUNTS = '/api/v1/namespaces/kube-system/serviceaccounts';
const ACCOUNT = `${ACCOUNTS}/lab`;
const account = (metadata: object): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'lab', ...metadata },
});
const apply = (lab: Lab, body: object, query: Record<string, string> = {}, path = ACCOUNT) =>
  lab.call('PATCH', path, {
    headers: { 'content-type': 'application/apply-patch+yaml' },
    query: { fieldManager: 'applier', ...query },
    body,
  });
type Entries = { manager: string; operation: string; subresource?: string; time?: string; fieldsV1: object }[];
const entriesOf = (body: { metadata: object }): Entries =>
  (body.metadata as { managedFields?: Entries }).managedFields ?? [];
const own = (body: { metadata: object }, manager: string): object | undefined =>
  entriesOf(body).find((entry) => entry.manager === manager)?.fieldsV1;

describe('server-side apply', () => {
  test('reads YAML', async () => {
    const lab = newEbsLab();
    const answer = await lab.call('PATCH', ACCOUNT, {
      headers: { 'content-type': 'application/apply-patch+yaml' },
      query: { fieldManager: 'applier' },
      body: 'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: lab\n  labels: {app: x}\n',
    });
    expect([answer.status, answer.body.metadata]).toMatchObject([201, { labels: { app: 'x' } }]);
  });

  test('that changes nothing keeps the version of the object', async () => {
    const lab = newEbsLab();
    const first = await apply(lab, account({ labels: { app: 'x' } }));
    lab.pass(60);
    expect((await apply(lab, account({ labels: { app: 'x' } }))).body).toEqual(first.body);
    const other = await apply(lab, account({ labels: { app: 'x' } }), { fieldManager: 'other' });
    expect(other.body.metadata.resourceVersion).not.toBe(first.body.metadata.resourceVersion);
    expect(entriesOf(other.body).map(({ manager, time }) => [manager, time !== undefined])).toEqual([
      ['other', false],
      ['applier', true],
    ]);
  });

  test('does not roll out pods for defaults that it names', async () => {
    const lab = newEbsLab();
    const served = (await lab.call('GET', DEPLOYMENT)).body as unknown as { spec: { template: { spec: object } } };
    const containers = [{ name: 'ebs-plugin', terminationMessagePath: '/dev/termination-log' }];
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'ebs-csi-controller' },
      spec: { template: { spec: { dnsPolicy: 'ClusterFirst', containers } } },
    };
    const applied = await apply(lab, body, {}, DEPLOYMENT);
    expect([applied.status, applied.body.spec, applied.body.metadata.generation]).toEqual([200, served.spec, 1]);
    expect(own(applied.body, 'applier')).toEqual({
      'f:spec': {
        'f:template': {
          'f:spec': {
            'f:containers': { 'k:{"name":"ebs-plugin"}': { '.': {}, 'f:name': {}, 'f:terminationMessagePath': {} } },
            'f:dnsPolicy': {},
          },
        },
      },
    });
  });

  test.each<[string, object, Record<string, string>, number, RegExp]>([
    ['another kind', { ...account({}), kind: 'Secret' }, {}, 400, /^invalid object type: \/v1, Kind=Secret$/],
    ['managed fields', account({ managedFields: [] }), {}, 400, /^metadata\.managedFields must be nil$/],
    [
      'another name',
      account({ name: 'other' }),
      {},
      400,
      /^the name of the object \(other\) does not match the name on the URL \(lab\)$/,
    ],
    ['a field that does not exist', { ...account({}), foo: 1 }, {}, 500, /: \.foo: field not declared in schema$/],
    ['another version', account({ resourceVersion: '1' }), {}, 409, /the object has been modified/],
  ])('refuses %s', async (_, body, query, status, message) => {
    const lab = newEbsLab();
    await apply(lab, account({ labels: { app: 'x' } }));
    const answer = await apply(lab, body, query);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringMatching(message)]);
  });

  test('of a scale owns the replicas, without a time', async () => {
    const lab = newEbsLab();
    const scale = (replicas: number) => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'ebs-csi-controller' },
      spec: { replicas },
    });
    const refused = await apply(lab, scale(3), {}, `${DEPLOYMENT}/scale`);
    expect([refused.status, refused.body.message]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "eks": .spec.replicas',
    ]);
    const applied = await apply(lab, scale(3), { force: 'true' }, `${DEPLOYMENT}/scale`);
    expect(applied.body).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } });
    const { body } = await lab.call('GET', DEPLOYMENT);
    const entry = entriesOf(body).find(({ manager }) => manager === 'applier');
    expect(entry).toMatchObject({
      operation: 'Apply',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
    expect(entry).not.toHaveProperty('time');
  });
});

describe('managed fields that a client sends', () => {
  test.each([[[]], [[{}]]])('%j resets them until the next apply', async (managedFields) => {
    const lab = newEbsLab();
    await apply(lab, account({ labels: { app: 'x' } }));
    const send = (metadata: object) =>
      lab.call('PATCH', ACCOUNT, { headers: merge, query: { fieldManager: 'editor' }, body: { metadata } });
    expect(entriesOf((await send({ managedFields })).body)).toEqual([]);
    expect(entriesOf((await send({ labels: { app: 'y' } })).body)).toEqual([]);
    const applied = await apply(lab, account({ annotations: { a: '1' } }));
    expect(entriesOf(applied.body).map(({ manager }) => manager)).toEqual(['applier', 'before-first-apply']);
  });

  test('replace the known ones', async () => {
    const lab = newEbsLab();
    const { body } = await apply(lab, account({ labels: { app: 'x' } }));
    const managedFields = entriesOf(body).map((entry) => ({ ...entry, manager: 'renamed' }));
    const changed = await lab.call('PATCH', ACCOUNT, { headers: merge, body: { metadata: { managedFields } } });
    expect(entriesOf(changed.body).map(({ manager }) => manager)).toEqual(['renamed']);
    const again = await lab.call('PATCH', ACCOUNT, { headers: merge, body: { metadata: { managedFields: null } } });
    expect(entriesOf(again.body)).toEqual(entriesOf(changed.body));
  });
});
