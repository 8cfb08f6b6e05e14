import { describe, expect, test } from 'vitest';
import { applyAddonObjects, seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import { seedServiceAccounts } from '../../../sandbox/build/build-recorded.ts';
import {
  DAEMON_SET,
  DEPLOYMENT,
  ebs,
  merge,
  newEbsLab,
  newLab,
  restartPatch,
  START,
  strategic,
  type Lab,
} from './support.ts';
import { matching } from '../../lambdas/matchers.ts';

interface Entry {
  manager: string;
  operation: string;
  apiVersion: string;
  time: string;
  fieldsType: string;
  fieldsV1: Record<string, never>;
  subresource?: string;
}
const entriesOf = (object: KubeObject): Entry[] =>
  (object.metadata as unknown as { managedFields: Entry[] }).managedFields;
const read = async (lab: Lab, path = DEPLOYMENT): Promise<Entry[]> => entriesOf((await lab.call('GET', path)).body);
const of = (entries: Entry[], manager: string): Entry | undefined => entries.find((entry) => entry.manager === manager);
const ADDON = 'aws-ebs-csi-driver';
const REPLICAS = 'Deployment.apps ebs-csi-controller - .spec.replicas';
const IMAGE = 'Deployment.apps ebs-csi-controller - .spec.template.spec.containers[name="ebs-plugin"].image';
/** The fields at REPLICAS and IMAGE. */
const CHANGED = {
  'f:spec': {
    'f:replicas': {},
    'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"ebs-plugin"}': { 'f:image': {} } } } },
  },
};
const patch = (lab: Lab, path: string, fieldManager: string, body: object) =>
  lab.call('PATCH', path, { headers: merge, body, query: { fieldManager } });
const apply = (lab: Lab, restart = false): void =>
  applyAddonObjects(lab.world, lab.cluster, ADDON, ebs, { irsaServiceAccounts: [], restart });

describe('managedFields', () => {
  test('contains the fields that EKS applied, and the status that the controller wrote', async () => {
    const entries = await read(newEbsLab());
    expect(entries).toMatchObject([
      {
        manager: 'eks',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: '2026-01-14T09:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:strategy': { 'f:type': {}, 'f:rollingUpdate': { 'f:maxSurge': {}, 'f:maxUnavailable': {} } },
            'f:template': {
              'f:spec': {
                'f:serviceAccountName': {},
                'f:containers': { 'k:{"name":"ebs-plugin"}': { '.': {}, 'f:name': {}, 'f:image': {} } },
              },
            },
          },
        },
      },
      {
        manager: 'kube-controller-manager',
        operation: 'Update',
        subresource: 'status',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } },
          'f:status': { 'f:readyReplicas': {}, 'f:conditions': { 'k:{"type":"Available"}': { 'f:status': {} } } },
        },
      },
    ]);
    expect(entries[0]).not.toHaveProperty('subresource');
  });

  test('is in lists, watches and responses to patches, has the IRSA annotation of service accounts, and is missing for other kinds', async () => {
    const lab = newEbsLab();
    const managers = (object: KubeObject) => entriesOf(object).map(({ manager }) => manager);
    const list = await lab.call('GET', DAEMON_SET.replace('/ebs-csi-node', ''));
    const both = ['eks', 'kube-controller-manager'];
    expect(managers(list.body.items[0]!)).toEqual(both);
    const watched = await lab.call('GET', DAEMON_SET.replace('/ebs-csi-node', ''), { query: { watch: 'true' } });
    expect(managers((watched.body as unknown as { object: KubeObject }).object)).toEqual(both);
    expect(managers((await lab.call('PATCH', DAEMON_SET, { headers: merge, body: {} })).body)).toEqual(both);
    const account = '/api/v1/namespaces/kube-system/serviceaccounts/ebs-csi-controller-sa';
    const annotators = async () =>
      (await read(lab, account)).map((one) => [one.manager, one.operation, JSON.stringify(one.fieldsV1)]);
    const labels = '"f:labels":{"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{}}';
    const role = '"f:eks.amazonaws.com/role-arn":{}';
    expect(await annotators()).toEqual([['eks', 'Apply', `{"f:metadata":{"f:annotations":{${role}},${labels}}}`]]);
    const annotated = (roleArn: string | null) =>
      patch(lab, account, 'kubectl-annotate', { metadata: { annotations: { 'eks.amazonaws.com/role-arn': roleArn } } });
    await annotated('arn:aws:iam::111122223333:role/other');
    expect(await annotators()).toEqual([
      ['eks', 'Apply', `{"f:metadata":{${labels}}}`],
      ['kubectl-annotate', 'Update', `{"f:metadata":{"f:annotations":{${role}}}}`],
    ]);
    await annotated(null);
    expect(await annotators()).toEqual([['eks', 'Apply', `{"f:metadata":{${labels}}}`]]);
    const other = await lab.call('GET', account.replace('ebs-csi-controller-sa', 'default'));
    expect(other.body.metadata).not.toHaveProperty('managedFields');
    expect(lab.deployment().metadata).not.toHaveProperty('managedFields');
  });

  const role = { 'f:eks.amazonaws.com/role-arn': {} };
  const made = { 'f:annotations': { '.': {}, 'f:team': {} }, 'f:labels': { '.': {}, 'f:app': {} } };
  const whole = { 'f:annotations': { ...role, 'f:team': {} }, 'f:labels': { 'f:app': {} } };
  test.each([
    [
      'argocd-controller',
      'helm',
      [
        ['helm', 'Apply', { 'f:metadata': { 'f:annotations': role } }],
        ['argocd-controller', 'Update', { 'f:metadata': made }],
      ],
    ],
    ['kustomize-controller', 'kustomize-controller', [['kustomize-controller', 'Apply', { 'f:metadata': whole }]]],
  ])('of a service account that %s applied, with the role of %s', async (appliedBy, manager, expected) => {
    const lab = newLab();
    const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/web', team: 'shop' };
    const web = { namespace: 'shop', name: 'web', annotations, labels: { app: 'web' }, manager, appliedBy };
    seedServiceAccounts(lab.cluster, [web]);
    const found = await read(lab, '/api/v1/namespaces/shop/serviceaccounts/web');
    expect(found.map((one) => [one.manager, one.operation, one.fieldsV1])).toEqual(expected);
  });

  test('of an application belongs to Helm', async () => {
    const lab = newLab();
    const options = { irsaServiceAccounts: [], podsCreatedAt: START, manager: 'helm' };
    seedAddonObjects(lab.world, lab.cluster, 'ebs-csi-controller', ebs, options);
    expect((await read(lab)).map(({ manager, operation }) => [manager, operation])).toEqual([
      ['helm', 'Apply'],
      ['kube-controller-manager', 'Update'],
    ]);
    await patch(lab, DEPLOYMENT, 'kubectl-edit', { spec: { replicas: 4 } });
    expect(lab.cluster.foreignFields.size).toBe(0);
  });

  test.each<[Record<string, string>, Record<string, string>, string]>([
    [{ fieldManager: 'kubectl-rollout' }, {}, 'kubectl-rollout'],
    [{}, { 'user-agent': 'kubectl/v1.31.0 (linux/amd64)' }, 'kubectl'],
    [{}, {}, 'unknown'],
  ])('attributes a restart to its manager: %o, %o', async (query, headers, manager) => {
    const lab = newEbsLab();
    lab.pass(60);
    await lab.call('PATCH', DEPLOYMENT, { headers: { ...strategic, ...headers }, body: restartPatch('x'), query });
    const annotations = { 'f:annotations': { '.': {}, 'f:restarted': {} } };
    expect(of(await read(lab), manager)).toMatchObject({
      operation: 'Update',
      time: '2026-01-15T09:01:00Z',
      fieldsV1: { 'f:spec': { 'f:template': { 'f:metadata': annotations } } },
    });
    // EKS does not set the annotation, so there is no conflict.
    expect(lab.cluster.foreignFields.size).toBe(0);
  });

  test('has no owner for a removed field, which causes no conflict', async () => {
    const lab = newEbsLab();
    const spec = { paused: true, strategy: { type: 'Recreate', rollingUpdate: null } };
    await patch(lab, DEPLOYMENT, 'me', { metadata: { annotations: { mine: 'x' } }, spec });
    const field = matching(/strategy\.type$/);
    expect(lab.cluster.foreignFields.get(ADDON)).toMatchObject([{ field }]);
    const removed = { metadata: { annotations: { mine: null } }, spec: { paused: null, strategy: null } };
    await patch(lab, DEPLOYMENT, 'me', removed);
    // The API server fills the strategy in for the client that has removed it.
    const strategy = { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} }, 'f:type': {} };
    expect(of(await read(lab), 'me')?.fieldsV1).toEqual({ 'f:spec': { 'f:strategy': strategy } });
    expect(lab.cluster.foreignFields.size).toBe(0);
  });

  test('does not change in a dry run', async () => {
    const lab = newEbsLab();
    const query = { dryRun: 'All', fieldManager: 'me' };
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec: { replicas: 3 } }, query });
    expect(of(await read(lab), 'me')).toBeUndefined();
    expect(lab.cluster.foreignFields.size).toBe(0);
  });
});

describe("a field of EKS's manifest that another manager changes", () => {
  const edit = (lab: Lab, spec: object) =>
    lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec }, query: { fieldManager: 'kubectl-edit' } });

  test('belongs to that manager, and conflicts with EKS', async () => {
    const lab = newEbsLab();
    await edit(lab, { replicas: 3, template: { spec: { containers: [{ name: 'ebs-plugin', image: 'mine' }] } } });
    expect(lab.cluster.foreignFields.get(ADDON)).toEqual(
      [REPLICAS, IMAGE].map((field) => ({ field, manager: 'kubectl-edit' })),
    );
    const entries = await read(lab);
    expect(of(entries, 'kubectl-edit')?.fieldsV1).toEqual(CHANGED);
    const own = JSON.stringify(of(entries, 'eks'));
    expect(own).not.toContain('f:replicas');
    expect(own).toContain('"k:{\\"name\\":\\"ebs-plugin\\"}":{".":{},"f:name":{}}');
  });

  test("does not conflict once it has EKS's value again", async () => {
    const lab = newEbsLab();
    await edit(lab, { replicas: 3 });
    await edit(lab, { replicas: 2 });
    expect(lab.cluster.foreignFields.size).toBe(0);
    expect(of(await read(lab), 'kubectl-edit')?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  test('belongs to EKS after an apply that overwrites it, and to the manager after one that does not', async () => {
    const lab = newEbsLab();
    await edit(lab, { replicas: 3 });
    apply(lab);
    expect(of(await read(lab), 'kubectl-edit')).toBeDefined();
    lab.cluster.foreignFields.clear();
    lab.pass(30);
    apply(lab);
    const entries = await read(lab);
    expect(entries.map(({ manager }) => manager)).toEqual(['eks', 'kube-controller-manager']);
    const fieldsV1 = { 'f:spec': { 'f:replicas': {} } };
    expect(of(entries, 'eks')).toMatchObject({ time: '2026-01-15T09:00:30Z', fieldsV1 });
    expect(lab.deployment().spec.replicas).toBe(2);
  });
});

test("EKS's restart belongs to EKS, and takes over kubectl's", async () => {
  const annotation = { 'f:kubectl.kubernetes.io/restartedAt': {} };
  const RESTARTED = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': annotation } } } };
  const lab = newEbsLab();
  const body = { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'then' } } } } };
  await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body, query: { fieldManager: 'kubectl-rollout' } });
  expect(of(await read(lab), 'kubectl-rollout')?.fieldsV1).toMatchObject(RESTARTED);
  apply(lab, true);
  expect(of(await read(lab), 'eks')?.fieldsV1).toMatchObject(RESTARTED);
  // The manager that created the template's annotations still owns the empty map.
  const LEFT = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': {} } } } };
  expect([of(await read(lab), 'kubectl-rollout')?.fieldsV1, lab.cluster.foreignFields.size]).toEqual([LEFT, 0]);
  apply(lab);
  expect(of(await read(lab), 'eks')?.fieldsV1).toMatchObject(RESTARTED);
});

test('in a scenario is reported under its manager with its value, and kept by an apply', async () => {
  const lab = newLab();
  const fields = [{ field: REPLICAS, value: 3 }, { field: IMAGE }, { field: 'ConfigMap x - .data.y', value: 'z' }];
  const foreign = fields.map(({ field }) => ({ field, manager: 'kubectl-edit' }));
  lab.cluster.foreignFields.set(ADDON, foreign);
  seedAddonObjects(lab.world, lab.cluster, ADDON, ebs, { irsaServiceAccounts: [], podsCreatedAt: START, fields });
  expect(lab.deployment().spec.replicas).toBe(3);
  expect(lab.pods('ebs-csi-controller')).toHaveLength(3);
  expect(of(await read(lab), 'kubectl-edit')?.fieldsV1).toEqual(CHANGED);
  expect(of(await read(lab, DAEMON_SET), 'kubectl-edit')).toBeUndefined();
  apply(lab, true);
  lab.pass(120);
  expect(lab.pods('ebs-csi-controller')).toHaveLength(3);
});
