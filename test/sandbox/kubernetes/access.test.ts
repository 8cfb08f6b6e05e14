import { describe, expect, test } from 'vitest';
import { SANDBOX_GROUPS } from '../../../sandbox/kubernetes/rbac-defaults.ts';
import { newEbsLab, DEPLOYMENT, merge, newEntry, restartPatch, STATEFUL_SET, strategic, type Lab } from './support.ts';
import { allow, rbac, RBAC } from './rbac-objects.ts';

const ACCOUNT = '111122223333';
const WHO = `arn:aws:iam::${ACCOUNT}:role/team/app/someone`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/someone/sandbox`;
const PODS = '/api/v1/namespaces/kube-system/pods';
const ACCOUNT_DEFAULT = '/api/v1/namespaces/kube-system/serviceaccounts/default';

const labWith = (entry: Parameters<typeof newEntry>[1]): Lab => {
  const lab = newEbsLab();
  lab.cluster.accessEntries.set(WHO, newEntry(WHO, entry));
  return lab;
};
const as = { as: WHO };
const status = async (lab: Lab, method: string, path: string, options: Parameters<Lab['call']>[2] = {}) =>
  (await lab.call(method, path, { ...options, ...as })).status;

describe('authentication', () => {
  test('a caller without an access entry gets a 401, even for the version; the call log has the reason', async () => {
    const lab = newEbsLab();
    const { body, status: code, described } = await lab.call('GET', '/version', as);
    expect(code).toBe(401);
    const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 401 };
    expect(body).toEqual({ ...failure, message: 'Unauthorized', reason: 'Unauthorized' });
    expect(described).toEqual(['get /version', { refused: `cluster dev has no access entry for ${WHO}` }]);
  });

  test('a caller with an entry can read version and discovery and review itself, and nothing else', async () => {
    const lab = labWith({});
    for (const path of ['/version', '/api', '/api/v1', '/apis', '/apis/apps/v1', '/apis/policy', '/openapi/v3'])
      expect(await status(lab, 'GET', path)).toBe(200);
    expect(await status(lab, 'GET', PODS)).toBe(403);
    expect((await lab.call('GET', '/metrics', as)).body).toMatchObject({
      code: 403,
      message: `forbidden: User "${SESSION}" cannot get path "/metrics"`,
    });
  });

  test.each([
    ['the assumed role without its path', {}, SESSION],
    ['the username of the entry', { username: 'someone' }, 'someone'],
    ['a username with the session name', { username: 'team:{{SessionName}}' }, 'team:me-x'],
    ['a username with the raw session name', { username: 'team:{{SessionNameRaw}}' }, 'team:me@x'],
    ['the node of Fargate', { type: 'FARGATE_LINUX' }, 'system:node:me-x'],
  ])('the user is %s', async (_, entry, username) => {
    const lab = labWith(entry);
    const key = { accessKeyId: 'AK', secretAccessKey: '', principalArn: WHO, account: ACCOUNT, sessionName: 'me@x' };
    if (username !== SESSION) lab.world.accessKeys.set('AK', key);
    const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { body, status: code } = await lab.call('POST', reviews, { ...as, body: {} });
    expect(code).toBe(201);
    const groups = expect.arrayContaining(['system:authenticated']);
    expect(body.status).toMatchObject({ userInfo: { username, groups } });
  });

  test('the user of an IAM user is its ARN', async () => {
    const lab = newEbsLab();
    const user = `arn:aws:iam::${ACCOUNT}:user/jo`;
    lab.cluster.accessEntries.set(user, newEntry(user));
    expect((await lab.call('GET', PODS, { as: user })).body.message).toContain(`User "${user}" cannot list`);
  });
});

describe("errors in Kubernetes' wording", () => {
  test('a watch has its own verb, and the error reports a binding whose role does not exist', async () => {
    const lab = labWith({ groups: ['readers'] });
    const watched = await lab.call('GET', PODS, { ...as, query: { watch: 'true' } });
    expect(watched.body.message).toContain('cannot watch resource "pods"');
    await allow(lab, [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }], { kind: 'Group', name: 'readers' });
    await lab.call('DELETE', `${RBAC}/clusterroles/some`);
    expect((await lab.call('GET', PODS, as)).body.message).toMatch(
      /in the namespace "kube-system": RBAC: clusterrole.rbac.authorization.k8s.io "some" not found$/,
    );
  });
});

describe('RBAC objects', () => {
  const verdicts = async (lab: Lab) => ({
    list: await status(lab, 'GET', PODS),
    elsewhere: await status(lab, 'GET', '/api/v1/namespaces/default/pods'),
    everywhere: await status(lab, 'GET', '/api/v1/pods'),
    deployments: await status(lab, 'GET', '/apis/apps/v1/namespaces/kube-system/deployments'),
  });
  const readers = { kind: 'Group', name: 'readers' };
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['list'] };

  test('a ClusterRole can be bound cluster-wide to a group', async () => {
    const lab = labWith({ groups: ['readers'] });
    await allow(lab, [pods], readers);
    expect(await verdicts(lab)).toEqual({ list: 200, elsewhere: 200, everywhere: 200, deployments: 403 });
  });

  test('a Role can be bound in a namespace to a user', async () => {
    const lab = labWith({});
    await allow(lab, [pods], { kind: 'User', name: SESSION }, 'kube-system');
    expect(await verdicts(lab)).toEqual({ list: 200, elsewhere: 403, everywhere: 403, deployments: 403 });
  });

  test('a ClusterRole such as view can be bound in one namespace', async () => {
    const lab = labWith({ groups: ['readers'] });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
    const body = rbac('RoleBinding', 'view', { roleRef, subjects: [readers] });
    await lab.call('POST', `${RBAC}/namespaces/kube-system/rolebindings`, { body });
    expect(await verdicts(lab)).toEqual({ list: 200, elsewhere: 403, everywhere: 403, deployments: 200 });
  });

  test('a binding grants nothing to other subjects', async () => {
    const lab = labWith({ groups: ['writers'] });
    await allow(lab, [pods], readers);
    expect(await verdicts(lab)).toEqual({ list: 403, elsewhere: 403, everywhere: 403, deployments: 403 });
  });

  test.each<[string, object, number, number]>([
    ['a verb', { ...pods, verbs: ['get'] }, 403, 403],
    ['all verbs', { ...pods, verbs: ['*'] }, 200, 403],
    ['all resources', { ...pods, resources: ['*'] }, 200, 403],
    ['another group', { ...pods, apiGroups: ['apps'] }, 403, 403],
    ['all resources of all groups', { apiGroups: ['*'], resources: ['*'], verbs: ['list', 'create'] }, 200, 201],
    ['a subresource', { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] }, 403, 201],
    ['a subresource of all resources', { apiGroups: [''], resources: ['*/eviction'], verbs: ['create'] }, 403, 201],
    ['a resource without its subresource', { ...pods, verbs: ['create', 'list'] }, 200, 403],
    ['names, which a list does not have', { ...pods, resourceNames: ['a'] }, 403, 403],
  ])('rule: %s', async (_, rule, list, evict) => {
    const lab = labWith({ groups: ['readers'] });
    await allow(lab, [rule], readers);
    const [pod] = lab.pods('ebs-csi-controller');
    expect(await status(lab, 'GET', PODS)).toBe(list);
    const body = { metadata: { name: pod!.metadata.name } };
    expect(await status(lab, 'POST', `${PODS}/${pod!.metadata.name}/eviction`, { body })).toBe(evict);
  });

  test('a rule with names allows reading that object and listing by that name', async () => {
    const lab = labWith({ groups: ['readers'] });
    const [one, two] = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name);
    await allow(lab, [{ ...pods, verbs: ['get', 'list'], resourceNames: [one] }], readers);
    expect(await status(lab, 'GET', `${PODS}/${one}`)).toBe(200);
    expect(await status(lab, 'GET', `${PODS}/${two}`)).toBe(403);
    expect(await status(lab, 'GET', PODS, { query: { fieldSelector: `metadata.name=${one}` } })).toBe(200);
    expect(await status(lab, 'GET', PODS, { query: { fieldSelector: `metadata.name=${two}` } })).toBe(403);
  });

  test('a deleted binding allows nothing, and a changed one allows its new subjects', async () => {
    const lab = labWith({ groups: ['readers'] });
    await allow(lab, [pods], { kind: 'Group', name: 'others' });
    expect(await status(lab, 'GET', PODS)).toBe(403);
    await lab.call('PATCH', `${RBAC}/clusterrolebindings/some`, { headers: merge, body: { subjects: [readers] } });
    expect(await status(lab, 'GET', PODS)).toBe(200);
    await lab.call('DELETE', `${RBAC}/clusterrolebindings/some`);
    expect(await status(lab, 'GET', PODS)).toBe(403);
  });
});

describe('access policies (EKS User Guide, "Review access policy permissions")', () => {
  const calls: [string, string, string, object?][] = [
    ['pods', 'GET', PODS],
    ['pods in another namespace', 'GET', '/api/v1/namespaces/default/pods'],
    ['nodes', 'GET', '/api/v1/nodes'],
    ['secrets', 'GET', '/api/v1/namespaces/kube-system/secrets'],
    ['restart', 'PATCH', DEPLOYMENT, restartPatch('x')],
    ['bind', 'GET', `${RBAC}/namespaces/kube-system/rolebindings`],
    ['cluster roles', 'GET', `${RBAC}/clusterroles`],
  ];
  test.each([
    ['AmazonEKSClusterAdminPolicy', [200, 200, 200, 200, 200, 200, 200]],
    ['AmazonEKSAdminPolicy', [200, 200, 403, 200, 200, 200, 403]],
    ['AmazonEKSEditPolicy', [200, 200, 403, 200, 200, 403, 403]],
    ['AmazonEKSViewPolicy', [200, 200, 403, 403, 403, 403, 403]],
    ['AmazonEKSAdminViewPolicy', [200, 200, 200, 200, 403, 200, 200]],
    ['AmazonEKSSecretReaderPolicy', [403, 403, 403, 200, 403, 403, 403]],
    ['AmazonEKSViewPolicy:kube-system', [200, 403, 403, 403, 403, 403, 403]],
    ['AmazonEKSEditPolicy:kube-system', [200, 403, 403, 200, 200, 403, 403]],
    ['AmazonEKSAdminViewPolicy:default', [403, 200, 403, 403, 403, 403, 403]],
    ['AmazonEKSNetworkingPolicy', [403, 403, 403, 403, 403, 403, 403]],
  ])('%s', async (policy, expected) => {
    const lab = labWith({ policies: [policy] });
    const found: [string, number][] = [];
    for (const [name, method, path, body] of calls)
      found.push([name, await status(lab, method, path, { headers: strategic, ...(body ? { body } : {}) })]);
    expect(found).toEqual(calls.map(([name], index) => [name, expected[index]]));
  });
});

describe('the groups of the deployed service', () => {
  test('read: allows reading what the steps need in every namespace, and no changes', async () => {
    const lab = labWith({ groups: [SANDBOX_GROUPS.read] });
    const core = ['pods', 'nodes', 'serviceaccounts'].map((plural) => `/api/v1/${plural}`);
    const apps = ['replicasets', 'deployments', 'daemonsets', 'statefulsets'].map(
      (plural) => `/apis/apps/v1/${plural}`,
    );
    for (const path of [PODS, ...core, ...apps]) expect([path, await status(lab, 'GET', path)]).toEqual([path, 200]);
    // The only single DaemonSet that the service reads is the agent's, which the cluster does not have.
    expect(await status(lab, 'GET', DEPLOYMENT)).toBe(403);
    const agent = '/apis/apps/v1/namespaces/kube-system/daemonsets/eks-pod-identity-agent';
    expect(await status(lab, 'GET', agent)).toBe(404);
    expect(await status(lab, 'GET', PODS, { query: { watch: 'true' } })).toBe(403);
    expect(await status(lab, 'PATCH', DEPLOYMENT, { headers: strategic, body: restartPatch('x') })).toBe(403);
  });

  test('restart: allows patching workloads, and nothing else', async () => {
    const lab = labWith({ groups: [SANDBOX_GROUPS.restart] });
    expect(await status(lab, 'PATCH', STATEFUL_SET, { headers: strategic, body: {} })).toBe(404);
    expect(await status(lab, 'PATCH', DEPLOYMENT, { headers: strategic, body: restartPatch('x') })).toBe(200);
    expect([await status(lab, 'GET', DEPLOYMENT), await status(lab, 'GET', '/api/v1/pods')]).toEqual([403, 403]);
    expect(await status(lab, 'PATCH', ACCOUNT_DEFAULT, { headers: merge, body: {} })).toBe(403);
    expect(await status(lab, 'PATCH', PODS, { headers: merge, body: {} })).toBe(403);
    expect(await status(lab, 'DELETE', `${PODS}/${lab.pods('ebs-csi-node')[0]!.metadata.name}`)).toBe(403);
    expect(await status(lab, 'GET', '/api/v1/namespaces')).toBe(403);
    expect(await status(lab, 'GET', `${RBAC}/clusterroles`)).toBe(403);
  });

  test('annotate: allows patching service accounts, and nothing else', async () => {
    const lab = labWith({ groups: [SANDBOX_GROUPS.annotate] });
    expect(await status(lab, 'PATCH', ACCOUNT_DEFAULT, { headers: merge, body: {} })).toBe(200);
    for (const method of ['GET', 'DELETE'])
      expect([method, await status(lab, method, ACCOUNT_DEFAULT)]).toEqual([method, 403]);
    expect(await status(lab, 'POST', `${ACCOUNT_DEFAULT}/token`, { body: {} })).toBe(403);
    for (const path of [DEPLOYMENT, STATEFUL_SET])
      expect(await status(lab, 'PATCH', path, { headers: strategic, body: restartPatch('x') })).toBe(403);
    for (const path of ['/api/v1/pods', '/api/v1/serviceaccounts', `${RBAC}/clusterroles`])
      expect([path, await status(lab, 'GET', path)]).toEqual([path, 403]);
  });
});

describe('privilege escalation', () => {
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];
  const roles = `${RBAC}/namespaces/kube-system/roles`;
  const bindings = `${RBAC}/namespaces/kube-system/rolebindings`;
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = [{ kind: 'User', name: 'x' }];
  const binding = (name: string) =>
    rbac('RoleBinding', 'b', { roleRef: { apiGroup, kind: 'ClusterRole', name }, subjects });

  test('permissions of an access policy cannot be granted', async () => {
    const lab = labWith({ policies: ['AmazonEKSAdminPolicy'] });
    const { body } = await lab.call('POST', roles, { ...as, body: rbac('Role', 'r', { rules }) });
    const details = { name: 'r', group: apiGroup, kind: 'roles' };
    expect(body).toMatchObject({ code: 403, reason: 'Forbidden', details });
    expect(body.message).toBe(
      `roles.rbac.authorization.k8s.io "r" is forbidden: user "${SESSION}" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get","list"]}`,
    );
    expect(await status(lab, 'POST', bindings, { body: binding('view') })).toBe(403);
    expect(await status(lab, 'POST', bindings, { body: binding('nope') })).toBe(404);
    expect((await lab.call('GET', roles)).body.items).toEqual([]);
  });

  test('permissions held by RBAC can be granted, and the verbs escalate and bind suffice', async () => {
    const lab = labWith({ policies: ['AmazonEKSAdminPolicy'], groups: ['admins'] });
    const bind = { apiGroups: [apiGroup], resources: ['roles', 'clusterroles'], verbs: ['bind'] };
    await allow(lab, [...rules, bind], { kind: 'Group', name: 'admins' });
    const allowing = (...verbs: string[]) => ({ rules: [{ ...rules[0], verbs }] });
    expect(await status(lab, 'POST', roles, { body: rbac('Role', 'held', { rules }) })).toBe(201);
    expect(await status(lab, 'POST', roles, { body: rbac('Role', 'more', allowing('*')) })).toBe(403);
    const change = { headers: merge, body: allowing('delete') };
    expect(await status(lab, 'PATCH', `${roles}/held`, change)).toBe(403);
    expect(await status(lab, 'POST', bindings, { body: binding('view') })).toBe(201);
  });
});

describe('a caller that the API server does not know yet', () => {
  const PODS_OF_ALL = '/api/v1/pods';
  test('gets a 401 for a while after its first call, and then a response', async () => {
    const lab = newEbsLab({ knobs: { apiTokenLagSeconds: 20 } });
    expect((await lab.call('GET', PODS_OF_ALL)).status).toBe(401);
    lab.pass(19);
    expect((await lab.call('GET', PODS_OF_ALL)).status).toBe(401);
    lab.pass(2);
    expect((await lab.call('GET', PODS_OF_ALL)).status).toBe(200);
  });
  test('gets a 401 until its access entry is old enough', async () => {
    const lab = newEbsLab({ knobs: { accessEntryLagSeconds: 30 } });
    const entry = newEntry(WHO, { policies: ['AmazonEKSClusterAdminPolicy'] });
    lab.pass(60);
    lab.cluster.accessEntries.set(WHO, { ...entry, createdAt: lab.world.schedule.now() });
    expect([await status(lab, 'GET', PODS_OF_ALL), (await lab.call('GET', PODS_OF_ALL)).status]).toEqual([401, 200]);
    lab.pass(31);
    expect(await status(lab, 'GET', PODS_OF_ALL)).toBe(200);
  });
});
