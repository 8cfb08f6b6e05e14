/** Lists of an API server whose answers are too long: `http` refuses them as `nodeHttp` does. */
import { describe, expect, test } from 'vitest';
import { MOST_KEPT } from '../../lambdas/adapters/kubernetes-api.ts';
import { LONGEST_ANSWER, longAnswer } from '../../lambdas/adapters/node-http.ts';
import { weightOf } from '../../lambdas/adapters/weight.ts';
import { decidePause, waitsForOf } from '../../lambdas/domain/waiting/pause.ts';
import { onwardFrom } from '../../lambdas/domain/failures/routing.ts';
import type { Kubernetes } from '../../lambdas/ports/kubernetes.ts';
import { containing, expectError } from '../lambdas/matchers.ts';
import { errorOf, kubernetesBy } from './kubernetes.ts';

const KIND = { group: 'external-secrets.io', version: 'v1', plural: 'externalsecrets' };
const LONG = 'x'.repeat(9_000_000);
const metadata = (name: number) => ({
  name: `${name}`,
  namespace: 'x',
  uid: `${name}`,
  creationTimestamp: '2026-01-01',
});
const aPod = (size: number) => (index: number) => ({
  metadata: metadata(index),
  spec: { containers: [{ name: 'web', image: 'web:1', args: [LONG.slice(0, size)] }] },
});
const aSecret = (size: number) => (index: number) => ({
  kind: 'ExternalSecret',
  metadata: metadata(index),
  spec: { data: LONG.slice(0, size) },
});

/** A list of so many objects. `ignoresLimit`: each answer has all of them. */
const listing = (count: number, of: (index: number) => unknown, ignoresLimit = false) => {
  const limits: number[] = [];
  const size = JSON.stringify(of(0)).length + 1;
  const kubernetes = kubernetesBy(async ({ url }) => {
    const { searchParams } = new URL(url);
    const from = Number(searchParams.get('continue') ?? 0);
    limits.push(Number(searchParams.get('limit')));
    const end = ignoresLimit ? count : Math.min(count, from + (limits.at(-1) ?? 0));
    if ((end - from) * size > LONGEST_ANSWER) throw longAnswer();
    const items = Array.from({ length: end - from }, (_, index) => of(from + index));
    const content = { metadata: end < count ? { continue: String(end) } : {}, items };
    return { status: 200, headers: {}, body: '', content };
  });
  return { kubernetes, limits };
};
const kinds = (kubernetes: Kubernetes, fields?: string[]) =>
  kubernetes.listObjects({ ...KIND, ...(fields ? { fields } : {}) });

describe('a list whose pages are too long', () => {
  test('is read in smaller ones, and only what is needed of 5,000 pods of 20 KB is kept', async () => {
    const { kubernetes, limits } = listing(5000, aPod(20_000));
    const pods = await kubernetes.listPods('x');
    expect([pods.length, limits.length, limits[0], limits[1]]).toEqual([5000, 21, 500, 250]);
    expect(weightOf(pods)).toBeLessThan(LONGEST_ANSWER);
  });
  test('is read in as small ones as its objects require, such as ExternalSecrets of 110 KB', async () => {
    const { kubernetes, limits } = listing(520, aSecret(110_000));
    expect(await kinds(kubernetes, ['store'])).toHaveLength(520);
    expect(limits.slice(0, 5)).toEqual([500, 250, 125, 62, 62]);
  });
  test.each([
    [
      'has an object that alone is too long',
      () => listing(3, aSecret(9_000_000)),
      'the answer is longer than 8 MB, also for a page of a single object',
    ],
    ['comes whole whatever its limit', () => listing(570, aSecret(100_000), true), 'the answer is longer than 8 MB'],
    [
      'has more to keep than a process holds',
      () => listing(MOST_KEPT / 1_000_000 + 8, aSecret(1_000_000)),
      'what is needed of it is more than 192 MB',
    ],
  ])('is given up, by name, where it %s', async (_, made, why) =>
    expectError(
      kinds(made().kubernetes),
      'ServiceUnavailable',
      `list externalsecrets.external-secrets.io on cluster dev: ${why}`,
    ),
  );
  test('is an outage for a migration, which is waited out', () => {
    expect(onwardFrom('verify-pods', 'ServiceUnavailable')).toBe('hold');
    const what = waitsForOf('ServiceUnavailable');
    expect([what, decidePause({ what, waited: 86_400, pauses: 100, back: false, seed: '' }).over]).toEqual([
      'service',
      undefined,
    ]);
  });
  test('describes one of its invalid objects, and not a million', async () => {
    const { kubernetes } = listing(400_000, () => ({}), true);
    expect(await errorOf(kubernetes.listPods('x'))).toMatchObject({
      message: containing('invalid at items.0.metadata'),
    });
  });
  test('may have more objects than fit into the arguments of a call', async () =>
    expect(await kinds(listing(400_000, () => ({}), true).kubernetes, [])).toHaveLength(400_000));
});
