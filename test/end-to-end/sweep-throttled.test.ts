/**
 * A sweep with far more concurrent migrations than EKS accepts calls for: throttling costs only time. Before the pace
 * was shared, three in five calls were refused.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetWorld, openFleet, type Swept } from './sweep-world.ts';

describe('a location that accepts five calls of EKS a second, with everything that is ready at once', () => {
  let world: FleetWorld;
  let swept: Swept;
  beforeAll(async () => {
    world = await openFleet({
      clusters: 12,
      seed: 3,
      accounts: 1,
      addons: 5,
      change: ({ throttles }) => void throttles.push({ service: 'eks', callsPerSecond: 5, burst: 5 }),
    });
    swept = await world.run(() =>
      world.sweep({ limits: { canary: 100, concurrency: 100, perAccount: 100, perRegion: 100 } }),
    );
  });
  afterAll(() => world.backend.close());

  it('is migrated completely', () => {
    const ready = swept.report.rows.filter((row) => row.class === 'ready');
    expect(ready.length).toBeGreaterThan(6);
    expect(swept.standing.tally).toEqual({ queued: 0, inFlight: 0, ended: { migrated: ready.length } });
  });

  it('refuses few of the calls', () => {
    const calls = world.sandbox.world.log.calls.filter(
      ({ service, step }) => service === 'eks' && step !== undefined && step !== 'take-inventory',
    );
    const refused = calls.filter(({ error }) => error === 'ThrottlingException');
    expect(calls.length).toBeGreaterThan(150);
    expect(refused.length / calls.length).toBeLessThan(0.2);
  });
});
