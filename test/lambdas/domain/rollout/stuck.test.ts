import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { isOverdueToEnd, stuckBecause } from '../../../../lambdas/domain/rollout/stuck.ts';
import { aNode, aPod, at } from '../../fixtures.ts';

const ending = (change: Partial<Pod> = {}): Pod => aPod('irsa', { terminating: true, deletionDue: at(0), ...change });
const LATER = Date.parse(at(61));

describe('a pod that should have ended', () => {
  it('is a pod that still exists a minute after its grace period', () => {
    const overdue = (pod: Pod, seconds: number): boolean => isOverdueToEnd(pod, Date.parse(at(seconds)));
    expect([59, 60, 61].map((seconds) => overdue(ending(), seconds))).toEqual([false, false, true]);
    expect(overdue(ending({ terminating: false }), 600)).toBe(false);
    expect(overdue(ending({ deletionDue: undefined }), 600)).toBe(false);
  });

  it.each<[string, Partial<Pod>, Node[] | undefined, string | undefined]>([
    ['it was never scheduled to a node', { node: undefined }, undefined, '; it was never scheduled to a node'],
    ['its node is gone', {}, [aNode({ name: 'other' })], '; its node node-1 is gone'],
    [
      'its node is gone',
      {},
      [aNode({ ready: false })],
      '; its node node-1 does not answer, so its containers may still be running',
    ],
    ['its node answers', {}, [aNode()], undefined],
    ['the state of its node is not known', {}, undefined, undefined],
  ])('where %s', (_, change, nodes, why) => {
    const text = why === undefined ? undefined : `terminating, and was due to be gone by ${at(0)}${why}`;
    expect(stuckBecause(ending(change), nodes, LATER)).toBe(text);
    expect(stuckBecause(ending(change), nodes, LATER - 1000)).toBeUndefined();
  });
});
