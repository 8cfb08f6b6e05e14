import { describe, expect, test } from 'vitest';
import { ruleUses } from '../../../sandbox/kubernetes/rbac.ts';
import { DEPLOYMENT, newEbsLab, newEntry, restartPatch, strategic, type Lab } from './support.ts';

const WHO = 'arn:aws:iam::111122223333:role/someone';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PODS = '/api/v1/namespaces/kube-system/pods';

const labWith = async (
  rules: object[],
  entry: Parameters<typeof newEntry>[1] = { groups: ['readers'] },
): Promise<Lab> => {
  const lab = newEbsLab();
  lab.cluster.accessEntries.set(WHO, newEntry(WHO, entry));
  const object = (kind: string, rest: object) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name: 'some' },
    ...rest,
  });
  await lab.call('POST', `${RBAC}/namespaces/kube-system/roles`, { body: object('Role', { rules }) });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'some' };
  await lab.call('POST', `${RBAC}/namespaces/kube-system/rolebindings`, {
    body: object('RoleBinding', { roleRef, subjects: [{ kind: 'Group', name: 'readers' }] }),
  });
  return lab;
};
const usesOf = (lab: Lab) =>
  ruleUses(lab.cluster)
    .filter(({ principalArn }) => principalArn === WHO)
    .map(({ principalArn: _who, ...use }) => use);

describe('the rules that allowed calls', () => {
  test('have verb and resource of a Role once each, and the name if the rule has names', async () => {
    const lab = await labWith([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['ebs-csi-controller'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    ]);
    const [pod, other] = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name);
    for (const path of [PODS, PODS, `${PODS}/${pod}`, `${PODS}/${other}`])
      expect((await lab.call('GET', path, { as: WHO })).status).toBe(200);
    expect((await lab.call('PATCH', DEPLOYMENT, { as: WHO, headers: strategic, body: restartPatch('x') })).status).toBe(
      200,
    );
    await lab.call('POST', `${PODS}/${pod}/eviction`, { as: WHO, body: {} });
    expect(usesOf(lab)).toEqual([
      { source: 'Role kube-system/some', verb: 'list', group: '', resource: 'pods' },
      { source: 'Role kube-system/some', verb: 'get', group: '', resource: 'pods' },
      {
        source: 'Role kube-system/some',
        verb: 'patch',
        group: 'apps',
        resource: 'deployments',
        name: 'ebs-csi-controller',
      },
      { source: 'Role kube-system/some', verb: 'create', group: '', resource: 'pods/eviction' },
    ]);
  });

  test('include ClusterRoles and access policies', async () => {
    const lab = await labWith([], { groups: ['system:readers', 'viewers'], policies: ['AmazonEKSViewPolicy'] });
    await lab.call('POST', `${RBAC}/clusterrolebindings`, {
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'all' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'Group', name: 'viewers' }],
      },
    });
    await lab.call('GET', PODS, { as: WHO });
    await lab.call('GET', '/api/v1/nodes', { as: WHO });
    expect(usesOf(lab)).toEqual([
      { source: 'AccessPolicy AmazonEKSViewPolicy', verb: 'list', group: '', resource: 'pods' },
      { source: 'ClusterRole cluster-admin', verb: 'list', group: '', resource: 'nodes' },
    ]);
  });

  test('do not include denied calls, reviews, and non-resource paths', async () => {
    const lab = await labWith([{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    expect((await lab.call('GET', `${PODS}/a`, { as: WHO })).status).toBe(403);
    expect((await lab.call('GET', '/version', { as: WHO })).status).toBe(200);
    const spec = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'kube-system' } };
    expect(
      (await lab.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { as: WHO, body: { spec } }))
        .body.status,
    ).toMatchObject({ allowed: true });
    // The permission to create a review is a rule, too.
    expect(usesOf(lab)).toEqual([
      {
        source: 'ClusterRole system:basic-user',
        verb: 'create',
        group: 'authorization.k8s.io',
        resource: 'selfsubjectaccessreviews',
      },
    ]);
  });

  test('are separate for each cluster', async () => {
    const lab = await labWith([{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    await lab.call('GET', PODS, { as: WHO });
    expect(usesOf(lab)).toHaveLength(1);
    expect(usesOf(newEbsLab())).toEqual([]);
  });
});
