/**
 * A lost node and a pod that is unready for a moment, at moments of a whole rollout, for Deployments of several sizes and
 * paces, in both directions. `MOMENTS=all` plays each moment.
 */
import { expect, it } from 'vitest';
import { type Case, cases, play } from './disturbed.ts';

const nameOf = ({ replicas, readySeconds, towards, disturbance }: Case): string =>
  `${replicas} pods of ${readySeconds} s, towards ${towards}, ${disturbance ?? ''}`;

const rows = Map.groupBy(cases(process.env['MOMENTS'] === 'all' ? 1 : 4), nameOf);
it.each([...rows])('%s', async (_, own) => {
  const ends: Record<string, number[]> = {};
  for (const one of own) (ends[await play(one)] ??= []).push(one.after ?? 0);
  // A node that is lost just before the plan blocks it, and nothing is changed.
  const isGood = (end: string): boolean => /^(migrated ready|rolled-back injected|blocked: )/.test(end);
  expect(Object.entries(ends).filter(([end]) => !isGood(end))).toEqual([]);
});
