import { describe, expect, test } from 'vitest';
import { getObject } from '../../../sandbox/objects/store.ts';
import { merge, newDatabaseLab, newEbsLab, newLab, STATEFUL_SET, strategic } from './support.ts';

const ACCOUNTS = '/api/v1/namespaces/kube-system/serviceaccounts';
const BUDGETS = '/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const RBAC_V1 = 'rbac.authorization.k8s.io/v1';
const named = { metadata: { name: 'mine' } };
const account = (rest: object = {}) => ({ apiVersion: 'v1', kind: 'ServiceAccount', ...named, ...rest });
const budget = (spec: object) => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', ...named, spec });
const role = (rules: unknown, kind = 'Role') => ({ apiVersion: RBAC_V1, kind, ...named, rules });
const binding = (rest: object) => ({
  apiVersion: RBAC_V1,
  kind: 'ClusterRoleBinding',
  ...named,
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  ...rest,
});

describe('POST', () => {
  test('creates a service account with metadata of the server, and only once', async () => {
    const lab = newLab();
    const own = { name: 'mine', namespace: 'kube-system', labels: { a: 'b' }, annotations: { c: 'd' } };
    const metadata = { ...own, uid: 'x', creationTimestamp: null };
    const { status, body, described } = await lab.call('POST', ACCOUNTS, { body: account({ metadata }) });
    expect(status).toBe(201);
    expect(body).toEqual({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        ...own,
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        resourceVersion: expect.stringMatching(/^\d+$/),
        creationTimestamp: '2026-01-15T09:00:00Z',
        managedFields: [expect.objectContaining({ operation: 'Update' })],
      },
    });
    const { creationTimestamp: _time, ...sent } = metadata;
    expect(described).toEqual(['create serviceaccounts', { namespace: 'kube-system', ...account({ metadata: sent }) }]);
    expect((await lab.call('GET', `${ACCOUNTS}/mine`)).body).toEqual(body);
    expect((await lab.call('POST', ACCOUNTS, { body: account() })).body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'serviceaccounts "mine" already exists',
      details: { name: 'mine', kind: 'serviceaccounts' },
    });
  });

  test('generates a name', async () => {
    const lab = newLab();
    const { body } = await lab.call('POST', ACCOUNTS, { body: account({ metadata: { generateName: 'mine-' } }) });
    expect(body.metadata).toMatchObject({ name: expect.stringMatching(/^mine-[a-z0-9]{5}$/), generateName: 'mine-' });
  });

  test('creates nothing in a dry run', async () => {
    const lab = newLab();
    const before = lab.cluster.kube.resourceVersion;
    expect((await lab.call('POST', ACCOUNTS, { body: account(), query: { dryRun: 'All' } })).status).toBe(201);
    expect(lab.cluster.kube.resourceVersion).toBe(before);
    expect((await lab.call('GET', `${ACCOUNTS}/mine`)).status).toBe(404);
  });

  test('sets the API group of subjects and role references of bindings', async () => {
    const subjects = [
      { kind: 'User', name: 'jo' },
      { kind: 'ServiceAccount', name: 'sa', namespace: 'default' },
    ];
    const sent = binding({ subjects, roleRef: { kind: 'ClusterRole', name: 'view' } });
    const { body } = await newLab().call('POST', `${RBAC}/clusterrolebindings`, { body: sent });
    expect(body).toMatchObject({
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jo' }, subjects[1]],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
    });
    expect(body['subjects']).toEqual([expect.anything(), subjects[1]]);
  });

  const elsewhere = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'x' };
  const BINDINGS = `${RBAC}/clusterrolebindings`;
  test.each<[string, string, unknown, number, string]>([
    [
      'another version',
      ACCOUNTS,
      { ...account(), apiVersion: 'v2' },
      400,
      'no kind "ServiceAccount" is registered for version "v2"',
    ],
    [
      'a former version',
      BUDGETS,
      { ...budget({ minAvailable: 1 }), apiVersion: 'policy/v1beta1' },
      400,
      'the API version in the data (policy/v1beta1) does not match the expected API version (policy/v1)',
    ],
    [
      'invalid labels, all of them',
      ACCOUNTS,
      account({ metadata: { name: 'mine', labels: { a: '-', b: '-b' } } }),
      422,
      'ServiceAccount "mine" is invalid: [metadata.labels: Invalid value: "-": a valid label must be',
    ],
    [
      'aggregation',
      `${RBAC}/clusterroles`,
      { ...role([], 'ClusterRole'), aggregationRule: {} },
      422,
      'aggregationRule: Forbidden: the sandbox does not aggregate ClusterRoles',
    ],
    [
      'a service account without a namespace',
      BINDINGS,
      binding({ subjects: [{ kind: 'ServiceAccount', name: 'x' }] }),
      422,
      'subjects[0].namespace: Required value',
    ],
    ['a cluster-wide binding of a Role', BINDINGS, binding({ roleRef: elsewhere }), 422, 'roleRef.kind'],
  ])('rejects %s', async (_, path, body, code, message) => {
    const lab = newLab();
    const before = lab.cluster.kube.resourceVersion;
    const answer = await lab.call('POST', path, { body });
    expect(answer.body).toMatchObject({ kind: 'Status', code, message: expect.stringContaining(message) });
    expect(answer.body['reason']).toBe(code === 400 ? 'BadRequest' : 'Invalid');
    expect(lab.cluster.kube.resourceVersion).toBe(before);
  });

  test('reads YAML', async () => {
    const headers = { 'content-type': 'application/yaml' };
    const body = 'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: mine\n';
    const lab = newLab();
    expect((await lab.call('POST', ACCOUNTS, { headers, body })).status).toBe(201);
    expect((await lab.call('POST', ACCOUNTS, { headers, body: 'a: [' })).status).toBe(400);
    expect((await lab.call('POST', ACCOUNTS, { headers: { 'content-type': 'text/plain' }, body })).status).toBe(415);
  });
});

describe('PUT', () => {
  test('replaces an object, and keeps what clients cannot change', async () => {
    const lab = newLab();
    const labelled = account({ metadata: { name: 'mine', labels: { a: 'b' } } });
    const { uid, creationTimestamp } = (await lab.call('POST', ACCOUNTS, { body: labelled })).body.metadata;
    const pulling = account({ imagePullSecrets: [{ name: 'pull' }] });
    const { status, body } = await lab.call('PUT', `${ACCOUNTS}/mine`, { body: pulling });
    expect([status, body.metadata]).toMatchObject([200, { uid, creationTimestamp }]);
    expect(body.metadata).not.toHaveProperty('labels');
    expect(body['imagePullSecrets']).toEqual([{ name: 'pull' }]);
  });

  test.each<[string, object, number, string]>([
    ['another name', { name: 'other' }, 400, 'does not match the name on the URL (mine)'],
    ['no name', {}, 400, 'name must be provided'],
    ['an old resourceVersion', { name: 'mine', resourceVersion: '1' }, 409, 'the object has been modified'],
    ['a bad resourceVersion', { name: 'mine', resourceVersion: 'x' }, 500, 'strconv.ParseUint: parsing "x"'],
    ['another uid', { name: 'mine', uid: 'x' }, 409, 'Precondition failed: UID in precondition: x'],
  ])('rejects %s', async (_, metadata, code, message) => {
    const lab = newLab();
    await lab.call('POST', ACCOUNTS, { body: account() });
    const { body } = await lab.call('PUT', `${ACCOUNTS}/mine`, { body: account({ metadata }) });
    expect(body).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('of a budget needs a resourceVersion', async () => {
    const lab = newLab();
    const { body: created } = await lab.call('POST', BUDGETS, { body: budget({ minAvailable: 1 }) });
    const put = (metadata: object) =>
      lab.call('PUT', `${BUDGETS}/mine`, { body: { ...budget({ minAvailable: 2 }), metadata } });
    expect((await put({ name: 'mine' })).status).toBe(422);
    expect((await put({ name: 'mine', resourceVersion: created.metadata.resourceVersion })).body).toMatchObject({
      metadata: { generation: 2 },
      spec: { minAvailable: 2 },
    });
  });
});

describe('unknown fields', () => {
  const document = budget({ minAvailable: 1, most: 2, selector: { matchlabels: {} } });
  test('Strict rejects them', async () => {
    const { body } = await newLab().call('POST', BUDGETS, { body: document, query: { fieldValidation: 'Strict' } });
    expect(body).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(body.message).toBe(
      'PodDisruptionBudget in version "v1" cannot be handled as a PodDisruptionBudget: strict decoding error: unknown field "spec.most", unknown field "spec.selector.matchlabels"',
    );
  });
});

describe('PATCH', () => {
  test('applies the changes of kubectl apply: its annotation, replaced rules, a generation only for a spec', async () => {
    const lab = newLab();
    const applied = { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } };
    const roles = `${RBAC}/namespaces/default/roles`;
    const first = role([{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
    await lab.call('POST', roles, { body: { ...first, metadata: { name: 'mine', ...applied } } });
    const rules = [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] }];
    const query = { fieldValidation: 'Strict' };
    const { body } = await lab.call('PATCH', `${roles}/mine`, { headers: merge, body: { rules }, query });
    expect(body).toMatchObject({ metadata: applied, rules });
    expect(body.metadata).not.toHaveProperty('generation');

    await lab.call('POST', BUDGETS, { body: budget({ minAvailable: 1 }) });
    const patched = async (change: object) =>
      (await lab.call('PATCH', `${BUDGETS}/mine`, { headers: strategic, body: change })).body;
    const spec = { minAvailable: 2 };
    expect(await patched({ spec })).toMatchObject({ metadata: { generation: 2 }, spec });
    expect((await patched({ status: { disruptionsAllowed: 9 } })).status).toMatchObject({ disruptionsAllowed: 0 });
  });

  test('adds and removes fields', async () => {
    const lab = newLab();
    await lab.call('POST', ACCOUNTS, { body: account({ automountServiceAccountToken: false }) });
    const imagePullSecrets = [{ name: 'pull' }];
    const change = { automountServiceAccountToken: null, imagePullSecrets };
    const { body } = await lab.call('PATCH', `${ACCOUNTS}/mine`, { headers: merge, body: change });
    expect(body).not.toHaveProperty('automountServiceAccountToken');
    expect(body['imagePullSecrets']).toEqual(imagePullSecrets);
    expect(getObject(lab.cluster.kube, 'ServiceAccount', 'kube-system', 'mine')).toMatchObject({ imagePullSecrets });
  });
});

describe('tables', () => {
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
  test('show budgets and bindings', async () => {
    const lab = newLab();
    await lab.call('POST', BUDGETS, { body: budget({ maxUnavailable: '25%' }) });
    const rows = async (path: string) => (await lab.call('GET', path, { headers: table })).body['rows'];
    expect(await rows(BUDGETS)).toMatchObject([{ cells: ['mine', 'N/A', '25%', 0, '0s'] }]);
    const subjects = [
      { kind: 'Group', name: 'g' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
    ];
    await lab.call('POST', `${RBAC}/clusterrolebindings`, { body: binding({ subjects }) });
    expect(await rows(`${RBAC}/clusterrolebindings`)).toContainEqual(
      expect.objectContaining({ cells: ['mine', 'ClusterRole/view', '0s', '', 'g', 'n/s'] }),
    );
    expect(await rows(`${RBAC}/clusterroles`)).toContainEqual(
      expect.objectContaining({ cells: ['view', '2025-10-07T09:00:00Z'] }),
    );
  });

  test('show containers and images of StatefulSets in wide output', async () => {
    const { body } = await newDatabaseLab().call('GET', STATEFUL_SET, { headers: table });
    expect(body['columnDefinitions']).toMatchObject([
      { name: 'Name' },
      { name: 'Ready' },
      { name: 'Age', priority: 0 },
      { name: 'Containers', priority: 1 },
      { name: 'Images', priority: 1 },
    ]);
    expect(body['rows']).toMatchObject([{ cells: ['db', '3/3', '24h', 'main,exporter', 'db:1,exporter'] }]);
  });

  test('show watched objects', async () => {
    const lab = newEbsLab();
    const query = { watch: 'true', resourceVersion: '0' };
    const { body } = await lab.call('GET', '/api/v1/namespaces/kube-system/pods', { headers: table, query });
    const rows = [{ object: { kind: 'PartialObjectMetadata' } }];
    expect(body).toMatchObject({ type: 'ADDED', object: { kind: 'Table', rows } });
  });
});
