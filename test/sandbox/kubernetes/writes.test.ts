import { describe, expect, test } from 'vitest';
import { mergePatch, strategicMergePatch } from '../../../sandbox/kubernetes/patch.ts';
import { isActive } from '../../../sandbox/kubernetes/pods.ts';
import { DAEMON_SET, DEPLOYMENT, jsonPatch, merge, newEbsLab, strategic } from './support.ts';

describe('patch documents', () => {
  // Examples of RFC 7386, appendix A, whose target is an object.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('merge patch %o with %o', (target, patch, result) => expect(mergePatch(target, patch)).toEqual(result));

  const [X, Y] = ['X', 'Y'].map((name, index) => ({ name, value: `${index + 1}` }));
  const a = { name: 'a', image: '1', env: [X], args: ['p', 'q'] };
  const b = { name: 'b', image: '2' };
  const target = { containers: [a, b] };
  test.each<[string, object[], object[], object[]?]>([
    ['merges containers and their variables by name', [{ name: 'a', env: [Y] }], [{ ...a, env: [X, Y] }, b]],
    ['adds a container', [{ name: 'c', image: '3' }], [a, b, { name: 'c', image: '3' }]],
    ['deletes a container', [{ name: 'a', $patch: 'delete' }], [b]],
    ['replaces the list', [{ $patch: 'replace' }, { name: 'z', image: '9' }], [{ name: 'z', image: '9' }]],
    ['replaces lists without a key', [{ name: 'a', args: ['r'] }], [{ ...a, args: ['r'] }, b]],
    ['null deletes a field', [{ name: 'a', env: null }], [{ name: 'a', image: '1', args: ['p', 'q'] }, b]],
    ['ignores the order of elements', [{ name: 'b', image: '3' }], [a, { name: 'b', image: '3' }], [{ name: 'b' }]],
  ])('strategic merge patch %s', (_, changed, containers, order?: object[]) => {
    const before = structuredClone(target);
    const patch = { containers: changed, ...(order ? { '$setElementOrder/containers': order } : {}) };
    expect([strategicMergePatch(target, patch), target]).toEqual([{ containers }, before]);
  });
});

describe('PATCH', () => {
  test('of annotations starts a generation of a Deployment, but not of a DaemonSet', async () => {
    const lab = newEbsLab();
    const annotated = { headers: merge, body: { metadata: { annotations: { a: 'b' } } } };
    const generations = [];
    for (const path of [DEPLOYMENT, DAEMON_SET])
      generations.push((await lab.call('PATCH', path, annotated)).body.metadata.generation);
    expect(generations).toEqual([2, 1]);
    lab.pass(1);
    expect(lab.deployment().status?.['observedGeneration']).toBe(2);
  });

  test('with the defaults that were read replaces no pod', async () => {
    const lab = newEbsLab();
    const { spec } = (await lab.call('GET', DEPLOYMENT)).body;
    const pods = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.uid);
    const { body } = await lab.call('PATCH', DEPLOYMENT, {
      headers: jsonPatch,
      body: [{ op: 'replace', path: '/spec/template', value: spec!['template'] }],
    });
    expect(body.metadata.generation).toBe(1);
    lab.pass(60);
    expect(lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.uid)).toEqual(pods);
  });

  test("keeps the server's fields: status, uid, creation time", async () => {
    const lab = newEbsLab();
    const { metadata, status } = structuredClone(lab.deployment());
    const change = {
      metadata: { uid: metadata.uid, creationTimestamp: '2000-01-01T00:00:00Z', generation: 9 },
      status: { replicas: 9 },
    };
    const { body } = await lab.call('PATCH', DEPLOYMENT, { headers: merge, body: change });
    expect(body).toMatchObject({ metadata, status: status! });
  });

  test('in JSON changes what its paths name', async () => {
    const lab = newEbsLab();
    const [first] = lab.deployment().spec.template.spec.containers;
    const { status, body } = await lab.call('PATCH', DEPLOYMENT, {
      headers: jsonPatch,
      body: [
        { op: 'test', path: '/kind', value: 'Deployment' },
        { op: 'replace', path: '/spec/replicas', value: 3 },
        { op: 'add', path: '/metadata/labels/example.com~1team', value: 'storage' },
        { op: 'add', path: '/spec/template/spec/containers/-', value: { ...first, name: 'last' } },
        { op: 'copy', from: '/spec/template/spec/containers/0/image', path: '/spec/template/spec/containers/1/image' },
      ],
    });
    expect([status, body.metadata.labels]).toMatchObject([200, { 'example.com/team': 'storage' }]);
    const { replicas, template } = lab.deployment().spec;
    expect([replicas, template.spec.containers.at(-1)?.name]).toEqual([3, 'last']);
    expect(template.spec.containers[1]?.image).toBe(first?.image);
  });

  test.each([
    [{ 'content-type': 'application/cbor' }, {}, 415, 'UnsupportedMediaType'],
    [jsonPatch, {}, 400, 'BadRequest'],
    [jsonPatch, [{ op: 'set', path: '/spec/replicas', value: 3 }], 422, 'Invalid'],
    [jsonPatch, [{ op: 1, path: '/spec/replicas' }], 400, 'BadRequest'],
    [jsonPatch, [{ op: 'replace', path: '/spec/none', value: 3 }], 422, 'Invalid'],
    [jsonPatch, [{ op: 'add', path: '/spec/template/spec/containers/9', value: {} }], 422, 'Invalid'],
    [jsonPatch, [{ op: 'replace', path: '/spec/replicas', value: -1 }], 422, 'Invalid'],
    [merge, { metadata: { labels: { a: 1 } } }, 422, 'Invalid'],
    [strategic, { spec: { strategy: { rollingUpdate: { maxSurge: 'many' } } } }, 422, 'Invalid'],
  ])('%o %o is rejected', async (headers, body, code, reason) => {
    const lab = newEbsLab();
    const before = structuredClone(lab.deployment());
    const answer = await lab.call('PATCH', DEPLOYMENT, { headers, body });
    expect(answer.body).toMatchObject({ kind: 'Status', code, reason });
    expect(answer.status).toBe(code);
    expect(lab.deployment()).toEqual(before);
  });
});

describe('DELETE of a pod', () => {
  const pathOf = (name: string) => `/api/v1/namespaces/kube-system/pods/${name}`;

  test('of a DaemonSet has the new pod wait until the node is free', async () => {
    const lab = newEbsLab();
    const [pod] = lab.pods('ebs-csi-node');
    await lab.call('DELETE', pathOf(pod!.metadata.name));
    lab.pass(2);
    expect(lab.pods('ebs-csi-node').filter(isActive)).toHaveLength(2);
    lab.pass(2);
    expect(lab.pods('ebs-csi-node').map(({ spec }) => spec.nodeName)).toContain(pod!.spec.nodeName);
    expect(lab.pods('ebs-csi-node').filter(isActive)).toHaveLength(3);
  });

  test('without a grace period removes it at once, even if it was terminating', async () => {
    const lab = newEbsLab();
    const [first, second] = lab.pods('ebs-csi-controller');
    await lab.call('DELETE', pathOf(first!.metadata.name), { query: { gracePeriodSeconds: '0' } });
    await lab.call('DELETE', pathOf(second!.metadata.name));
    await lab.call('DELETE', pathOf(second!.metadata.name), { body: { gracePeriodSeconds: 0 } });
    expect(lab.pods('ebs-csi-controller')).toEqual([]);
    lab.pass(30);
    expect(lab.pods('ebs-csi-controller')).toHaveLength(2);
  });
});
