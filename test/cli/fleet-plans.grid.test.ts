import { expect, it } from 'vitest';
import { plansOf } from './fleet-plans.ts';

it('a fleet has each add-on in the state that it declares', async () => {
  const { found, asSaid, notBlocking } = await plansOf('all');
  expect([found, notBlocking]).toEqual([asSaid, []]);
});
