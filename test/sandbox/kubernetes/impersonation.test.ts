import { describe, expect, test } from 'vitest';
import { rbac, RBAC } from './rbac-objects.ts';
import { type Lab, newEbsLab, newEntry } from './support.ts';

const WHO = 'arn:aws:iam::111122223333:role/someone';
const SESSION = 'arn:aws:sts::111122223333:assumed-role/someone/sandbox';
const PODS = '/api/v1/namespaces/kube-system/pods';
const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ACCOUNT = 'system:serviceaccount:payments:api';

type Headers = Record<string, string>;
const jane: Headers = { 'impersonate-user': 'jane' };

/**
 * Binds a ClusterRole with these rules to a subject, as the administrator; without a namespace for the whole cluster.
 */
const allow = async (lab: Lab, name: string, rules: object[], subject: object, namespace?: string): Promise<void> => {
  const body = rbac('ClusterRole', name, { rules });
  expect((await lab.call('POST', `${RBAC}/clusterroles`, { body })).status).toBe(201);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  const [kind, path] =
    namespace === undefined
      ? ['ClusterRoleBinding', 'clusterrolebindings']
      : ['RoleBinding', `namespaces/${namespace}/rolebindings`];
  const binding = rbac(kind, name, { roleRef, subjects: [subject] });
  expect((await lab.call('POST', `${RBAC}/${path}`, { body: binding })).status).toBe(201);
};
const listPods = { apiGroups: [''], resources: ['pods'], verbs: ['list'] };
const impersonate = (resources: string[], more: object = {}) => ({
  apiGroups: ['', 'authentication.k8s.io'],
  resources,
  verbs: ['impersonate'],
  ...more,
});

/** Creates a lab whose caller is in the group `readers`, which has these rules. */
const labWith = async (...rules: object[]): Promise<Lab> => {
  const lab = newEbsLab();
  lab.cluster.accessEntries.set(WHO, newEntry(WHO, { groups: ['readers'] }));
  await allow(lab, 'actors', rules, { kind: 'Group', name: 'readers' });
  return lab;
};
const list = (lab: Lab, headers: Headers, as?: string) =>
  lab.call('GET', PODS, { headers, ...(as === undefined ? {} : { as }) });
const userInfo = async (headers: Headers, lab = newEbsLab()): Promise<unknown> =>
  ((await lab.call('POST', REVIEWS, { headers, body: {} })).body.status as { userInfo: unknown }).userInfo;

describe('a request acts as the user that it names', () => {
  const [several, unauthenticated] = [
    { 'impersonate-group': 'a\nb, c' },
    { 'impersonate-group': 'system:unauthenticated' },
  ];
  const of = ['system:serviceaccounts', 'system:serviceaccounts:payments', 'system:authenticated'];
  const extras = { 'impersonate-extra-scopes': 'view\nedit', 'impersonate-extra-acme.com%2fteam': 'x' };
  const extra = { scopes: ['view', 'edit'], 'acme.com/team': ['x'] };
  const known = { username: 'jane', groups: ['system:authenticated'] };
  test.each<[string, Headers, object]>([
    ['a user', jane, known],
    ['a user in groups', { ...jane, ...several }, { username: 'jane', groups: ['a', 'b, c', 'system:authenticated'] }],
    [
      'a user in the group of unauthenticated users',
      { ...jane, ...unauthenticated },
      { username: 'jane', groups: ['system:unauthenticated'] },
    ],
    ['a service account', { 'impersonate-user': ACCOUNT }, { username: ACCOUNT, groups: of }],
    [
      'a service account in groups other than its own',
      { 'impersonate-user': ACCOUNT, 'impersonate-group': 'a' },
      { username: ACCOUNT, groups: ['a', 'system:authenticated'] },
    ],
    [
      'the anonymous user',
      { 'impersonate-user': 'system:anonymous' },
      { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    ],
    ['a user with UID and extras', { ...jane, 'impersonate-uid': '7', ...extras }, { ...known, uid: '7', extra }],
  ])('%s', async (_, headers, expected) => {
    // An unauthenticated user may not review itself.
    const lab = newEbsLab();
    const review = { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] };
    await allow(lab, 'reviewers', [review], { kind: 'Group', name: 'system:unauthenticated' });
    expect(await userInfo(headers, lab)).toEqual(expected);
  });

  test('with the permissions of that user, not of the caller', async () => {
    const lab = newEbsLab();
    const message =
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "kube-system"';
    expect((await list(lab, jane)).body).toMatchObject({ code: 403, message });
    await allow(lab, 'readers', [listPods], { kind: 'Group', name: 'readers' });
    expect((await list(lab, jane)).status).toBe(403);
    expect((await list(lab, { ...jane, 'impersonate-group': 'readers' })).status).toBe(200);
    expect((await list(lab, { ...jane, 'impersonate-group': 'others\nreaders' })).status).toBe(200);
    expect((await list(lab, { ...jane, 'impersonate-group': 'system:masters' })).status).toBe(200);
  });

  test('as a service account, with the bindings that name it', async () => {
    const lab = newEbsLab();
    await allow(lab, 'api', [listPods], { kind: 'ServiceAccount', namespace: 'payments', name: 'api' }, 'kube-system');
    expect((await list(lab, { 'impersonate-user': ACCOUNT })).status).toBe(200);
    expect((await list(lab, { 'impersonate-user': 'system:serviceaccount:payments:web' })).status).toBe(403);
  });

  test('and cannot grant more than that user holds', async () => {
    const lab = newEbsLab();
    const create = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['create'] };
    await allow(lab, 'makers', [create], { kind: 'User', name: 'jane' });
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const role = { apiVersion, kind: 'ClusterRole', metadata: { name: 'mine' }, rules: [listPods] };
    expect((await lab.call('POST', `${RBAC}/clusterroles`, { headers: jane, body: role })).body.message).toContain(
      'user "jane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held',
    );
  });

  test('for reviews like kubectl auth can-i; the call log has the user', async () => {
    const lab = newEbsLab();
    const spec = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'kube-system' } };
    const canI = async (headers: Headers) =>
      lab.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { headers, body: { spec } });
    expect((await canI({})).body.status).toMatchObject({ allowed: true });
    const { body, described } = await canI(jane);
    expect(body.status).toEqual({ allowed: false });
    expect(described).toEqual(['create selfsubjectaccessreviews', expect.objectContaining({ as: 'jane', spec })]);
  });
});

describe('the permission to impersonate', () => {
  const forbidden = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'Forbidden',
    code: 403,
  };
  const cannot = (resource: string, where = 'at the cluster scope', group = '') =>
    `User "${SESSION}" cannot impersonate resource "${resource}" in API group "${group}" ${where}`;

  test.each<[string, Headers, string, object]>([
    ['a user', jane, `users "jane" is forbidden: ${cannot('users')}`, { name: 'jane', kind: 'users' }],
    [
      'a service account',
      { 'impersonate-user': ACCOUNT },
      `serviceaccounts "api" is forbidden: ${cannot('serviceaccounts', 'in the namespace "payments"')}`,
      { name: 'api', kind: 'serviceaccounts' },
    ],
    [
      'an invalid service account name, as a user',
      { 'impersonate-user': 'system:serviceaccount:payments:A_B' },
      `users "system:serviceaccount:payments:A_B" is forbidden: ${cannot('users')}`,
      { name: 'system:serviceaccount:payments:A_B', kind: 'users' },
    ],
  ])('is needed for %s', async (_, headers, message, details) => {
    const { status, body } = await list(await labWith(listPods), headers, WHO);
    expect([status, body]).toEqual([403, { ...forbidden, message, details }]);
  });

  test.each<[string, Headers, string]>([
    ['a group', { 'impersonate-group': 'a' }, `groups "a" is forbidden: ${cannot('groups')}`],
    [
      'a UID',
      { 'impersonate-uid': '7' },
      `uids.authentication.k8s.io "7" is forbidden: ${cannot('uids', undefined, 'authentication.k8s.io')}`,
    ],
    [
      'an extra',
      { 'impersonate-extra-scopes': 'view' },
      `userextras.authentication.k8s.io "view" is forbidden: ${cannot('userextras/scopes', undefined, 'authentication.k8s.io')}`,
    ],
  ])('is separate for %s', async (_, headers, message) => {
    const usersOnly = await labWith(impersonate(['users']));
    expect((await list(usersOnly, { ...jane, ...headers }, WHO)).body.message).toBe(message);
    const all = await labWith(impersonate(['users', 'groups', 'uids', 'userextras/scopes']));
    // The impersonation is allowed, and the request is then denied as jane.
    expect((await list(all, { ...jane, ...headers }, WHO)).body.message).toContain('User "jane" cannot list');
  });

  test('can be restricted to names, for each group', async () => {
    const users = impersonate(['users'], { resourceNames: ['jane'] });
    const lab = await labWith(users, impersonate(['groups'], { resourceNames: ['a'] }));
    await allow(lab, 'a', [listPods], { kind: 'Group', name: 'a' });
    const listAs = (user: string, group: string) =>
      list(lab, { 'impersonate-user': user, 'impersonate-group': group }, WHO);
    expect((await listAs('jane', 'a')).status).toBe(200);
    expect((await listAs('jane', 'a\nb')).body.message).toContain('groups "b" is forbidden');
    expect((await listAs('joe', 'a')).body.message).toContain('users "joe" is forbidden');
  });

  test('can come from an access policy, which does not apply to the impersonated user', async () => {
    const lab = newEbsLab();
    const policies = ['AmazonEKSEditPolicy:payments', 'AmazonEKSViewPolicy'];
    lab.cluster.accessEntries.set(WHO, newEntry(WHO, { policies }));
    expect((await list(lab, {}, WHO)).status).toBe(200);
    const refusalFor = async (user: string) => (await list(lab, { 'impersonate-user': user }, WHO)).body.message;
    expect(await refusalFor(ACCOUNT)).toContain(`User "${ACCOUNT}" cannot list`);
    for (const user of ['system:serviceaccount:other:api', 'jane'])
      expect(await refusalFor(user)).toContain('cannot impersonate');
  });

  test('does not exist without an access entry', async () =>
    expect((await list(newEbsLab(), jane, WHO)).status).toBe(401));
});

test.each<[Headers, string]>([
  [{ 'impersonate-uid': '7' }, '[{UID  7  authentication.k8s.io/v1  }]'],
  [
    { 'impersonate-user': '', 'impersonate-extra-scopes': '<x>' },
    '[{UserExtra  &lt;x&gt;  authentication.k8s.io/v1  scopes}]',
  ],
])('%j without a user is an error for every caller', async (headers, what) => {
  const { status, text, raw } = await newEbsLab().call('GET', PODS, { headers, query: { limit: '5' } });
  expect({ status, text }).toEqual({
    status: 500,
    text: `Internal Server Error: "${PODS}?limit=5": requested ${what} without impersonating a user\n`,
  });
  expect(raw.headers['content-type']).toMatch(/^text\/plain/);
});
