/** Transient faults at calls spread over all calls of each step of a sweep. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withEachFault } from '../faults/contract.ts';
import { expectBegunOnce, expectSwept, openSwept, type Site, sitesOf, SPREAD, START_FAULTS } from './sweep-faults.ts';
import type { FleetWorld } from './sweep-world.ts';

describe('a fault', () => {
  let world: FleetWorld;
  let sites: Site[];
  beforeAll(async () => {
    const swept = await openSwept();
    ({ world } = swept);
    sites = sitesOf(swept.calls);
  });
  afterAll(() => world.backend.close());

  it.each(Object.entries(SPREAD))(
    'at a call of %s let every sweep complete, with nothing planned twice: %d calls',
    async (step, count) => {
      const struck = sites.filter((site) => site.step === step);
      expect(struck).toHaveLength(count);
      await withEachFault(struck, (site) => expectSwept(world, site as Site));
    },
  );

  it.each(START_FAULTS)('$kind, at $call, starts none twice', (site) => expectBegunOnce(site));
});
