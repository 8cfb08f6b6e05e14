import { seedPersistentVolumes } from '../../../sandbox/build/build-storage.ts';
import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, newDatabaseLab, newEbsLab, restartPatch, strategic, type Lab } from './support.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PODS = '/api/v1/namespaces/kube-system/pods';
const names = async (lab: Lab, query: Record<string, string>, path = '/api/v1/pods') => {
  const { status, body } = await lab.call('GET', path, { query });
  expect(status).toBe(200);
  return body.items.map(({ metadata }) => metadata.name.replace(/-[^-]+$/, ''));
};

describe('discovery', () => {
  test("answers kubectl's first requests", async () => {
    const lab = newEbsLab();
    const version = { major: '1', minor: '31', gitVersion: 'v1.31.0-eks-sandbox' };
    expect((await lab.call('GET', '/version')).body).toMatchObject(version);
    expect((await lab.call('GET', '/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect((await lab.call('GET', '/apis')).body).toMatchObject({
      kind: 'APIGroupList',
      groups: expect.arrayContaining([
        expect.objectContaining({ name: 'apps', preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } }),
      ]),
    });
    expect((await lab.call('GET', '/apis/apps')).body).toMatchObject({ kind: 'APIGroup', name: 'apps' });
  });

  test('has resources that can all be listed, with correct verbs', async () => {
    const lab = newDatabaseLab();
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'one' } };
    await lab.call('POST', '/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets', { body: budget });
    await lab.call('POST', `${RBAC}/namespaces/kube-system/roles`, {
      body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'one' } },
    });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'one' };
    await lab.call('POST', `${RBAC}/namespaces/kube-system/rolebindings`, {
      body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'one' }, roleRef },
    });
    seedPersistentVolumes(lab.cluster, [
      { name: 'one', driver: 's3.csi.aws.com', volumeAttributes: {}, claim: { namespace: 'kube-system', name: 'one' } },
    ]);
    const groups = ['apps/v1', 'batch/v1', 'autoscaling/v2', 'policy/v1'].map((group) => `/apis/${group}`);
    for (const root of ['/api/v1', ...groups, RBAC]) {
      const { resources } = (await lab.call('GET', root)).body;
      expect(resources.length).toBeGreaterThan(0);
      const listed = resources.filter(({ name, verbs }) => !name.includes('/') && verbs.includes('list'));
      for (const { name, kind, namespaced, verbs } of listed) {
        // The states of etcd and the scheduler are not simulated.
        if (name === 'componentstatuses') continue;
        const { body, status } = await lab.call('GET', `${root}/${name}`);
        expect([name, status]).toEqual([name, 200]);
        expect(body).toMatchObject({ kind: `${kind}List`, apiVersion: root.replace(/^.apis?./, '') });
        const [first] = body.items;
        if (!first) continue;
        const path = `${root}/${namespaced ? `namespaces/${first.metadata.namespace}/` : ''}${name}/${first.metadata.name}`;
        expect((await lab.call('GET', path)).body).toMatchObject({ kind, metadata: { name: first.metadata.name } });
        expect([200, 501]).toContain((await lab.call('PATCH', path, { headers: strategic, body: {} })).status);
        expect(verbs.includes('delete') ? [200, 501] : [405]).toContain((await lab.call('DELETE', path)).status);
      }
    }
  });

  test('depends on the version of Kubernetes, as do the resources', async () => {
    const served = async (version: string): Promise<string[]> => {
      const lab = newEbsLab();
      lab.cluster.version = version;
      const groups = (await lab.call('GET', '/apis')).body['groups'] as { name: string }[];
      const networking = (await lab.call('GET', '/apis/networking.k8s.io/v1')).body.resources;
      return [...groups, ...networking].map(({ name }) => name);
    };
    expect(await served('1.31')).not.toContain('ipaddresses');
    expect(await served('1.33')).toContain('ipaddresses');
    expect(await served('1.33')).not.toContain('resource.k8s.io');
    expect(await served('1.34')).toContain('resource.k8s.io');
  });
});

describe('paths of the server itself', () => {
  test.each([
    ['/livez/etcd', 'ok'],
    ['/metrics', expect.stringContaining('apiserver_storage_objects{resource="pods"} 5')],
  ])('%s', async (path, text) => expect(await newEbsLab().call('GET', path)).toMatchObject({ status: 200, text }));

  test('/readyz lists its checks on demand, and excludes some', async () =>
    expect((await newEbsLab().call('GET', '/readyz', { query: { verbose: '', exclude: 'etcd' } })).text).toMatch(
      /^\[\+\]ping ok\n.*\[\+\]etcd excluded: ok\n.*readyz check passed\n$/s,
    ));

  test('only three of them are served without a token, and all of them before 1.32', async () => {
    const status = async (version: string, path: string): Promise<number> => {
      const lab = newEbsLab();
      lab.cluster.version = version;
      return (await lab.call('GET', path, { as: '' })).status;
    };
    expect([await status('1.33', '/readyz'), await status('1.33', '/version')]).toEqual([200, 401]);
    expect([await status('1.33', '/livez/ping'), await status('1.31', '/version')]).toEqual([401, 200]);
    expect(await status('1.31', '/api')).toBe(403);
  });
});

describe('discovery before kubectl writes or drains', () => {
  test('reports server-side field validation: the OpenAPI document has fieldValidation for every patch', async () => {
    const lab = newEbsLab();
    const { paths } = JSON.parse((await lab.call('GET', '/openapi/v3')).text) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/policy/v1', 'apis/rbac.authorization.k8s.io/v1']),
    );
    const document = (await lab.call('GET', paths['apis/policy/v1']!.serverRelativeURL)).body as unknown as {
      paths: Record<string, { patch: Record<string, unknown> }>;
    };
    expect(document.paths['/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name}']!.patch).toMatchObject({
      'x-kubernetes-group-version-kind': { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget' },
      parameters: expect.arrayContaining([expect.objectContaining({ name: 'fieldValidation', in: 'query' })]),
    });
    expect((await lab.call('GET', '/openapi/v3/apis/nope/v1')).status).toBe(404);
  });
});

describe('lists', () => {
  test('support fieldSelector by name, node and phase', async () => {
    const lab = newEbsLab();
    const [pod] = lab.pods('ebs-csi-controller');
    expect(await names(lab, { fieldSelector: `metadata.name=${pod!.metadata.name}` })).toHaveLength(1);
    const fieldSelector = `spec.nodeName=${pod!.spec.nodeName},metadata.name!=${pod!.metadata.name}`;
    expect(await names(lab, { fieldSelector })).toEqual(['ebs-csi-node']);
    await lab.call('DELETE', `${PODS}/${pod!.metadata.name}`);
    lab.pass(1);
    expect(await names(lab, { fieldSelector: 'status.phase!=Running' })).toHaveLength(1);
    expect(await names(lab, { fieldSelector: 'metadata.name=kube-system' }, '/api/v1/namespaces')).toHaveLength(1);
  });

  test('can be watched: a watch returns what was created, changed and removed since', async () => {
    const lab = newEbsLab();
    const since = (await lab.call('GET', PODS)).body.metadata.resourceVersion;
    const watch = async (query: Record<string, string> = {}) => {
      const { text, status } = await lab.call('GET', PODS, {
        query: { watch: 'true', resourceVersion: since, ...query },
      });
      expect(status).toBe(200);
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as { type: string; object: KubeObject & { code?: number } });
    };
    expect(await watch()).toEqual([]);
    const [pod] = lab.pods('ebs-csi-controller');
    await lab.call('DELETE', `${PODS}/${pod!.metadata.name}`);
    lab.pass(1);
    expect((await watch()).map(({ type, object }) => [type, object.metadata.name === pod!.metadata.name])).toEqual([
      ['MODIFIED', true],
      ['ADDED', false],
    ]);
    lab.pass(60);
    const ended = await watch();
    expect(ended.map(({ type }) => type).sort()).toEqual(['ADDED', 'DELETED']);
    const removed = ended.find(({ type }) => type === 'DELETED')!.object;
    expect(removed.metadata.name).toBe(pod!.metadata.name);
    expect(Number(removed.metadata.resourceVersion)).toBeGreaterThan(Number(since));
    expect(await watch({ fieldSelector: 'metadata.name=none' })).toEqual([]);
    expect((await watch({ resourceVersion: '0' })).map(({ type }) => type)).toEqual(Array(5).fill('ADDED'));
    expect(await watch({ resourceVersion: '1' })).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  });

  test('of a version that more removals followed than are kept are too old', async () => {
    const lab = newEbsLab();
    const since = lab.cluster.kube.resourceVersion;
    for (let count = 0; count < 101; count += 1) {
      const { body } = await lab.call('POST', '/api/v1/namespaces/default/configmaps', {
        body: { metadata: { generateName: 'c-' } },
      });
      await lab.call('DELETE', `/api/v1/namespaces/default/configmaps/${body.metadata.name}`);
    }
    const query = { watch: 'true', resourceVersion: String(since) };
    expect((await lab.call('GET', '/api/v1/configmaps', { query })).body).toMatchObject({
      type: 'ERROR',
      object: { reason: 'Expired' },
    });
  });

  test('are described in the call log', async () => {
    const lab = newEbsLab();
    const described = async (...asked: Parameters<Lab['call']>) => (await lab.call(...asked)).described;
    const namespace = 'kube-system';
    const named = { namespace, name: 'ebs-csi-controller' };
    const selected = { labelSelector: 'a=b' };
    expect(await described('GET', PODS, { query: selected })).toEqual(['list pods', { namespace, ...selected }]);
    expect(await described('GET', DEPLOYMENT)).toEqual(['get deployments', named]);
    const body = restartPatch('x');
    const patched = ['patch deployments', { ...named, ...body }];
    expect(await described('PATCH', DEPLOYMENT, { headers: strategic, body })).toEqual(patched);
  });
});

describe("errors are Status objects in Kubernetes' wording", () => {
  test.each([
    ['GET', `${PODS}/%E0`, {}, 400, 'BadRequest', 'invalid path segment: %E0'],
    ['POST', PODS, {}, 501, 'NotImplemented', expect.stringContaining('The sandbox does not simulate POST of pods')],
  ])('%s %s %o', async (method, path, query, code, reason, message) => {
    const { status, body } = await newEbsLab().call(method, path, { query });
    expect(status).toBe(code);
    expect(body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code });
  });

  test.each([
    ['/api/v1/pods/nope', 404],
    ['/apis/apps/v2/deployments', 404],
    [`${PODS}/nope/log`, 501],
    ['/version/nope', 404],
  ])('for a path within a group: %s', async (path, code) =>
    expect((await newEbsLab().call('GET', path)).body).toMatchObject({ kind: 'Status', code }),
  );
});
