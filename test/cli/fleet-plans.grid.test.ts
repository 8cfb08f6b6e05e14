import { describe, expect, it } from 'vitest';
import { plansOf } from './fleet-plans.ts';

describe('a fleet', () => {
  it('has each add-on in the state that it declares', async () => {
    const { found, asSaid, notBlocking } = await plansOf('all');
    expect(found).toEqual(asSaid);
    expect(notBlocking).toEqual([]);
  });
});
