import { describe, expect, test } from 'vitest';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { ADMIN, newEbsLab, newEntry, type Lab } from './support.ts';
import { allow } from './rbac-objects.ts';

const ACCOUNT = '111122223333';
const WHO = `arn:aws:iam::${ACCOUNT}:role/team/app/someone`;

const AUTHORIZATION = '/apis/authorization.k8s.io/v1';

const labWith = (entry: Parameters<typeof newEntry>[1]): Lab => {
  const lab = newEbsLab();
  lab.cluster.accessEntries.set(WHO, newEntry(WHO, entry));
  return lab;
};
const as = { as: WHO };
const READERS = { kind: 'Group', name: 'readers' };
const BY_GROUP = 'RBAC: allowed by ClusterRoleBinding "some" of ClusterRole "some" to Group "readers"';

describe('kubectl auth can-i', () => {
  const canI = async (lab: Lab, attributes: object, kind = 'resourceAttributes') => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
    const body = { ...review, spec: { [kind]: attributes } };
    const answer = await lab.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { ...as, body });
    expect(answer.status).toBe(201);
    return answer.body.status as { allowed: boolean; reason?: string };
  };

  test('returns whether a call would be allowed, and why', async () => {
    const lab = labWith({ groups: ['readers'], policies: ['AmazonEKSViewPolicy:kube-system'] });
    expect(await canI(lab, { verb: 'list', resource: 'pods', namespace: 'kube-system' })).toMatchObject({
      allowed: true,
      reason: expect.stringContaining('AmazonEKSViewPolicy'),
    });
    expect(await canI(lab, { verb: 'list', resource: 'pods', namespace: 'default' })).toEqual({ allowed: false });
    expect(await canI(lab, { verb: 'list', resource: 'pods' })).toEqual({ allowed: false });
    const patch = { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'kube-system', name: 'x' };
    expect(await canI(lab, patch)).toEqual({ allowed: false });
    await allow(lab, [{ apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] }], READERS);
    const evict = { verb: 'create', resource: 'pods', subresource: 'eviction', namespace: 'default' };
    expect(await canI(lab, evict)).toEqual({ allowed: true, reason: BY_GROUP });
    expect((await canI(lab, { verb: 'get', path: '/version' }, 'nonResourceAttributes')).allowed).toBe(true);
    expect(await canI(lab, { verb: 'get', path: '/metrics' }, 'nonResourceAttributes')).toEqual({ allowed: false });
  });

  test('--list returns the rules of RBAC objects; those of access policies cannot be listed', async () => {
    const lab = labWith({ groups: ['readers'], policies: ['AmazonEKSViewPolicy'] });
    const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
    await allow(lab, [rule], READERS);
    const { body } = await lab.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      ...as,
      body: { spec: { namespace: 'default' } },
    });
    const { resourceRules, nonResourceRules, incomplete } = body.status as {
      resourceRules: object[];
      nonResourceRules: object[];
      incomplete: boolean;
    };
    expect(resourceRules).toContainEqual(rule);
    expect(resourceRules).not.toContainEqual(
      expect.objectContaining({ resources: expect.arrayContaining(['configmaps']) }),
    );
    expect(nonResourceRules).toContainEqual({ nonResourceURLs: expect.arrayContaining(['/version']), verbs: ['get'] });
    expect(incomplete).toBe(true);
  });

  test.each<[object, number, string]>([
    [{ metadata: { name: 'x' }, spec: { nonResourceAttributes: { path: '/' } } }, 422, 'must be empty'],
    [{ spec: { resourceAttributes: 'pods' } }, 400, 'cannot unmarshal string'],
  ])('%o is rejected', async (body, code, message) => {
    const lab = labWith({});
    const answer = await lab.call('POST', `${AUTHORIZATION}/selfsubjectaccessreviews`, { ...as, body });
    expect(answer.body).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('reviews for another user', () => {
  const review = async (lab: Lab, path: string, spec: object) =>
    (await lab.call('POST', `${AUTHORIZATION}/${path}`, { body: { spec } })).body;
  const list = { verb: 'list', resource: 'pods' };

  test('say what RBAC allows a user and its groups', async () => {
    const lab = labWith({});
    await allow(lab, [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }], READERS);
    const of = (who: object) => review(lab, 'subjectaccessreviews', { ...who, resourceAttributes: list });
    const jane = { user: 'jane', groups: ['readers'] };
    expect(await of(jane)).toMatchObject({ spec: jane, status: { allowed: true, reason: BY_GROUP } });
    expect((await of({ user: 'jane' })).status).toEqual({ allowed: false });
    expect(await of({})).toMatchObject({
      code: 422,
      message:
        '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    });
  });

  test('can be made in the namespace that they are about', async () => {
    const lab = labWith({});
    const about = (namespace: string) =>
      review(lab, 'namespaces/default/localsubjectaccessreviews', {
        user: 'jane',
        resourceAttributes: { ...list, namespace },
      });
    expect(await about('default')).toMatchObject({ metadata: { namespace: 'default' }, status: { allowed: false } });
    expect(await about('kube-system')).toMatchObject({
      code: 422,
      message:
        '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "kube-system": must match metadata.namespace',
    });
  });

  test('of a token name its user, or an error', async () => {
    const lab = labWith({});
    const service = createKubernetesService(lab.world, lab.cluster, (token) =>
      token === 'good' ? { accessKeyId: 'AK', principalArn: ADMIN, account: lab.cluster.account } : { refused: 'bad' },
    );
    const { account, region } = lab.cluster;
    const caller = { accessKeyId: 'AK', principalArn: ADMIN, account };
    const of = async (token: string): Promise<unknown> => {
      const path = '/apis/authentication.k8s.io/v1/tokenreviews';
      const headers = { 'content-type': 'application/json' };
      const body = Buffer.from(JSON.stringify({ spec: { token } }));
      const request = { method: 'POST', host: 'ABC', path, query: {}, headers, body };
      const context = { caller, region, describe: () => undefined, authorize: () => undefined };
      return JSON.parse(String((await service(request, context)).body));
    };
    expect(await of('good')).toMatchObject({
      status: {
        authenticated: true,
        user: {
          username: 'arn:aws:sts::111122223333:assumed-role/admin/sandbox',
          uid: expect.stringMatching(/^aws-iam-authenticator:111122223333:AROA/),
          groups: ['system:authenticated'],
        },
      },
    });
    expect(await of('bad')).toMatchObject({ status: { user: {}, error: 'invalid bearer token' } });
    expect(await of('')).toMatchObject({ code: 400, message: 'token is required for TokenReview in authentication' });
  });
});
