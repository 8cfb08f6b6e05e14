/** A lost node and a pod that is unready for a moment, while pods are replaced: nothing is rolled back for them. */
import { expect, it } from 'vitest';
import { type Case, play } from './disturbed.ts';

/** Moments at which either was a reason for a rollback, or for `needs-human`, when pods were judged by their age. */
const SAMPLE: Case[] = [
  { replicas: 3, readySeconds: 60, towards: 'pod-identity', disturbance: 'lost-node', after: 27 },
  { replicas: 3, readySeconds: 60, towards: 'pod-identity', disturbance: 'unready-pod', after: 194 },
  { replicas: 3, readySeconds: 60, towards: 'before', disturbance: 'lost-node', after: 85 },
];
it.each(SAMPLE)('$disturbance after $after s, towards $towards', async (one) =>
  expect(await play(one)).toBe(one.towards === 'before' ? 'rolled-back injected' : 'migrated ready'),
);
