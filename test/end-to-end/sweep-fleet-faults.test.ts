/**
 * Transient faults at the calls of each step of a sweep: the sweep still completes, and nothing is started twice.
 * `sweep-fleet-faults.grid.test.ts` strikes more calls.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSIENT_KINDS, withEachFault } from '../faults/contract.ts';
import {
  expectBegunOnce,
  expectSwept,
  oneOfEachKind,
  openSwept,
  readyIn,
  READY,
  type Site,
  sitesOf,
  START_FAULTS,
} from './sweep-faults.ts';
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

  it('are tried for each kind, and at calls of each service', () => {
    expect(sites.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...TRANSIENT_KINDS]));
    for (const service of ['dynamodb', 'eks', 's3'])
      expect(sites.some(({ call }) => call.includes(` ${service}:`))).toBe(true);
    expect(new Set(oneOfEachKind(sites).map(({ step }) => step)).size).toBe(4);
    expect(readyIn(world)).toHaveLength(READY);
  });

  it.each(TRANSIENT_KINDS)('%s lets the sweep complete, with nothing planned twice', async (kind) => {
    const [site] = oneOfEachKind(sites).filter((one) => one.kind === kind);
    await withEachFault([site!], () => expectSwept(world, site!));
  });

  it.each(START_FAULTS.filter(({ kind }) => kind === 'lost-before' || kind === 'time-out-after'))(
    '$kind, at $call, starts none twice',
    (site) => expectBegunOnce(site),
  );
});
