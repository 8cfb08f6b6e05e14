import { describe, expect, test } from 'vitest';
import { applyAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import {
  DAEMON_SET,
  DEPLOYMENT,
  ebs,
  merge,
  newDatabaseLab,
  newEbsLab,
  newEntry,
  STATEFUL_SET,
  strategic,
  type Lab,
} from './support.ts';

const ADDON = 'aws-ebs-csi-driver';
const CONTROLLERS = {
  'user-agent': 'kube-controller-manager/v1.33.13 (linux/amd64) kubernetes/horizontal-pod-autoscaler',
};
const scalePath = (path: string): string => `${path}/scale`;

const scaleOf = async (lab: Lab, path = DEPLOYMENT) =>
  (await lab.call('GET', scalePath(path))).body as unknown as {
    metadata: { name: string; uid: string; resourceVersion: string };
    spec: { replicas?: number };
    status: { replicas: number; selector: string };
  };
const put = (lab: Lab, body: object, path = DEPLOYMENT) =>
  lab.call('PUT', scalePath(path), { headers: { 'content-type': 'application/json', ...CONTROLLERS }, body });
const patch = (lab: Lab, body: object, path = DEPLOYMENT, query: Record<string, string> = {}) =>
  lab.call('PATCH', scalePath(path), { headers: merge, body, query });

const owners = async (lab: Lab, path = DEPLOYMENT) =>
  (
    (await lab.call('GET', path)).body.metadata as unknown as {
      managedFields: { manager: string; operation: string; subresource?: string; fieldsV1: object }[];
    }
  ).managedFields;

describe('a scale', () => {
  test.each([
    ['a Deployment', DEPLOYMENT, 2, 'app=ebs-csi-controller'],
    ['a StatefulSet', STATEFUL_SET, 3, 'app=db'],
  ])('of %s can be read, put and patched, and the pods follow', async (_, path, replicas, selector) => {
    const lab = newDatabaseLab();
    const read = await scaleOf(lab, path);
    expect(read).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1' });
    expect(read).toMatchObject({ spec: { replicas }, status: { replicas, selector } });
    const more = { replicas: replicas + 1 };
    const answer = await put(lab, { ...read, spec: more }, path);
    expect([answer.status, answer.body.spec]).toEqual([200, more]);
    lab.pass(300);
    expect(await scaleOf(lab, path)).toMatchObject({ spec: more, status: more });
    expect((await patch(lab, { spec: { replicas: 0 } }, path)).body.spec).toEqual({});
    lab.pass(300);
    expect(await scaleOf(lab, path)).toMatchObject({ spec: {}, status: { replicas: 0 } });
  });

  test('of a ReplicaSet is reset by its Deployment', async () => {
    const lab = newEbsLab();
    const [replicaSet] = listObjects(lab.cluster.kube, 'ReplicaSet');
    const path = `/apis/apps/v1/namespaces/kube-system/replicasets/${replicaSet!.metadata.name}`;
    expect(await scaleOf(lab, path)).toMatchObject({ spec: { replicas: 2 } });
    expect((await patch(lab, { spec: { replicas: 5 } }, path)).body.spec).toEqual({ replicas: 5 });
    lab.pass(60);
    expect(await scaleOf(lab, path)).toMatchObject({ spec: { replicas: 2 } });
    expect(lab.pods('ebs-csi-controller')).toHaveLength(2);
  });

  test('does not change in a dry run', async () => {
    const lab = newEbsLab();
    const spec = { replicas: 7 };
    expect((await patch(lab, { spec }, DEPLOYMENT, { dryRun: 'All' })).body.spec).toEqual(spec);
    expect((await scaleOf(lab)).spec).toEqual({ replicas: 2 });
    expect((await owners(lab)).map(({ manager }) => manager)).toEqual(['eks', 'kube-controller-manager']);
  });

  test.each<[string, object, number, RegExp]>([
    [
      'an outdated resourceVersion',
      { metadata: { resourceVersion: '1' }, spec: { replicas: 3 } },
      409,
      /^Operation cannot be fulfilled on deployments\.apps "ebs-csi-controller": the object has been modified; please apply your changes to the latest version and try again$/,
    ],
    [
      'another uid',
      { metadata: { uid: 'x' }, spec: { replicas: 3 } },
      409,
      /^Operation cannot be fulfilled on deployments\/scale\.apps "ebs-csi-controller": Precondition failed: UID in precondition: x, UID in object meta: /,
    ],
    [
      'another name',
      { metadata: { name: 'x' } },
      400,
      /^the name of the object \(x\) does not match the name on the URL \(ebs-csi-controller\)$/,
    ],
    ['no name', { metadata: { name: null } }, 400, /undeterminable: name must be provided$/],
    [
      'another namespace',
      { metadata: { namespace: 'x' } },
      400,
      /^the namespace of the provided object does not match/,
    ],
    [
      'a negative number',
      { spec: { replicas: -1 } },
      422,
      /^Scale\.autoscaling "ebs-csi-controller" is invalid: spec\.replicas: Invalid value: -1: must be greater than or equal to 0$/,
    ],
    ['a string', { spec: { replicas: 'two' } }, 422, /^ "" is invalid: patch: Invalid value: /],
    ['another kind', { kind: 'Deployment' }, 422, /^ "" is invalid: patch: Invalid value: /],
    ['another version', { apiVersion: 'apps/v1' }, 422, /^ "" is invalid: patch: Invalid value: /],
  ])('rejects %s', async (_, body, status, message) => {
    const lab = newEbsLab();
    const answer = await patch(lab, body);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringMatching(message)]);
    expect(lab.deployment().spec.replicas).toBe(2);
  });

  test('does not exist for a DaemonSet or a missing object, and cannot be created or deleted', async () => {
    const lab = newEbsLab();
    expect((await lab.call('GET', scalePath(DAEMON_SET))).status).toBe(404);
    expect((await lab.call('GET', scalePath(`${DEPLOYMENT}-x`))).body.message).toBe(
      'deployments.apps "ebs-csi-controller-x" not found',
    );
    for (const method of ['DELETE', 'POST']) expect((await lab.call(method, scalePath(DEPLOYMENT))).status).toBe(405);
  });

  test('needs its own permission', async () => {
    const lab = newEbsLab();
    const [viewer, editor] = [
      'arn:aws:iam::111122223333:role/viewer',
      'arn:aws:iam::111122223333:role/editor',
    ] as const;
    lab.cluster.accessEntries.set(viewer, newEntry(viewer, { policies: ['AmazonEKSViewPolicy'] }));
    lab.cluster.accessEntries.set(editor, newEntry(editor, { policies: ['AmazonEKSEditPolicy'] }));
    const change = { headers: merge, body: { spec: { replicas: 3 } } };
    expect((await lab.call('GET', scalePath(DEPLOYMENT), { as: viewer })).status).toBe(200);
    expect((await lab.call('PATCH', scalePath(DEPLOYMENT), { ...change, as: viewer })).body.message).toContain(
      'cannot patch resource "deployments/scale" in API group "apps" in the namespace "kube-system"',
    );
    expect((await lab.call('PUT', scalePath(DEPLOYMENT), { ...change, as: viewer })).body.message).toContain(
      'cannot update resource "deployments/scale"',
    );
    expect((await lab.call('PATCH', scalePath(DEPLOYMENT), { ...change, as: editor })).status).toBe(200);
  });
});

describe('the owner of replicas', () => {
  const REPLICAS = { 'f:spec': { 'f:replicas': {} } };

  test('is kube-controller-manager, through the subresource, for an autoscaler, and conflicts with EKS', async () => {
    const lab = newEbsLab();
    await put(lab, { ...(await scaleOf(lab)), spec: { replicas: 4 } });
    const entries = await owners(lab);
    expect(entries.filter(({ manager }) => manager === 'kube-controller-manager')).toMatchObject([
      { operation: 'Update', subresource: 'scale', fieldsV1: REPLICAS },
      { operation: 'Update', subresource: 'status' },
    ]);
    expect(JSON.stringify(entries.find(({ manager }) => manager === 'eks'))).not.toContain('f:replicas');
    const field = 'Deployment.apps ebs-csi-controller - .spec.replicas';
    const foreign = { field, manager: 'kube-controller-manager', subresource: 'scale' };
    expect(lab.cluster.foreignFields.get(ADDON)).toEqual([foreign]);
    // With EKS's value again, there is no conflict.
    await put(lab, { ...(await scaleOf(lab)), spec: { replicas: 2 } });
    expect(lab.cluster.foreignFields.size).toBe(0);
  });

  test('has separate entries for writes through the subresource and to the object', async () => {
    const lab = newEbsLab();
    const query = { fieldManager: 'mine' };
    await patch(lab, { spec: { replicas: 4 } }, DEPLOYMENT, query);
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, query, body: { metadata: { labels: { mine: 'x' } } } });
    expect((await owners(lab)).filter(({ manager }) => manager === 'mine')).toMatchObject([
      { subresource: 'scale', fieldsV1: REPLICAS },
      { fieldsV1: { 'f:metadata': { 'f:labels': { 'f:mine': {} } } } },
    ]);
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, query, body: { spec: { replicas: 5 } } });
    expect((await owners(lab)).filter(({ subresource }) => subresource === 'scale')).toEqual([]);
  });

  test('is EKS again after an apply that overwrites them', async () => {
    const lab = newEbsLab();
    await put(lab, { ...(await scaleOf(lab)), spec: { replicas: 4 } });
    lab.cluster.foreignFields.clear();
    applyAddonObjects(lab.world, lab.cluster, ADDON, ebs, { irsaServiceAccounts: [], restart: false });
    expect((await owners(lab)).some(({ subresource }) => subresource === 'scale')).toBe(false);
    expect(lab.deployment().spec.replicas).toBe(2);
  });
});
