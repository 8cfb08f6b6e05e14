import { describe, expect, it } from 'vitest';
import { plansOf } from './fleet-plans.ts';

describe('a fleet', () => {
  it('has add-ons in each state, and in each state of a cluster, in the state that it declares', async () => {
    const { found, asSaid, notBlocking } = await plansOf('sample');
    expect(found).toEqual(asSaid);
    expect(notBlocking).toEqual([]);
  });
});
