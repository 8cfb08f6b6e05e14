import { expect, it } from 'vitest';
import { plansOf } from './fleet-plans.ts';

it('a fleet has add-ons in each state, and in each state of a cluster, in the state that it declares', async () => {
  const { found, asSaid, notBlocking } = await plansOf('sample');
  expect([found, notBlocking]).toEqual([asSaid, []]);
});
