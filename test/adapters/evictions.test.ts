/** How the port has a pod replaced. */
import { describe, expect, test } from 'vitest';
import { newEbsLab } from '../sandbox/kubernetes/support.ts';
import { answering, kubernetesBy, kubernetesOf } from './kubernetes.ts';
import { expectError } from '../lambdas/matchers.ts';

const POD = { namespace: 'kube-system', name: 'web-1', uid: 'uid-1' };

describe('an eviction', () => {
  test('is of that very pod, and another one takes its place', async () => {
    const lab = newEbsLab();
    const kubernetes = kubernetesOf(lab);
    const [pod] = (await kubernetes.listPods('kube-system')).filter(({ owner }) => owner?.kind === 'Deployment');
    expect(await kubernetes.evictPod({ ...pod!, uid: 'uid-of-another' })).toBe('gone');
    expect(await kubernetes.evictPod(pod!)).toBe('evicted');
    const after = await kubernetes.listPods('kube-system');
    expect(after.filter(({ uid, terminating }) => uid === pod!.uid && !terminating)).toEqual([]);
    expect(await kubernetes.evictPod({ ...pod!, name: 'no-such-pod' })).toBe('gone');
  });

  test('asks the API server by the subresource, with the uid', async () => {
    const asked: { method: string; url: string; body: unknown }[] = [];
    const kubernetes = kubernetesBy(async ({ method, url, body }) => {
      asked.push({ method, url: url.replace('https://abc.eks.amazonaws.com', ''), body: JSON.parse(body ?? 'null') });
      return { status: 201, headers: {}, body: '{"kind":"Status","status":"Success"}' };
    });
    expect(await kubernetes.evictPod(POD)).toBe('evicted');
    expect(asked).toEqual([
      {
        method: 'POST',
        url: '/api/v1/namespaces/kube-system/pods/web-1/eviction',
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace: 'kube-system', name: 'web-1' },
          deleteOptions: { preconditions: { uid: 'uid-1' } },
        },
      },
    ]);
  });

  test.each<[string, number, string, string]>([
    ['a budget', 429, "Cannot evict pod as it would violate the pod's disruption budget.", 'refused'],
    ['RBAC', 403, 'pods "web-1" is forbidden', 'refused'],
  ])('that %s refuses is no error', async (_, status, message, answer) =>
    expect(await answering(status, { message }).evictPod(POD)).toBe(answer),
  );

  test.each<[string, number, string]>([
    ['too many requests', 429, 'Throttled'],
    ['an API server that is away', 503, 'ServiceUnavailable'],
  ])('fails by %s', (_, status, name) =>
    expectError(answering(status, { message: 'too many requests' }).evictPod(POD), name),
  );
});
