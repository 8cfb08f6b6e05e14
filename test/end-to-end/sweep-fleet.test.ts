/** A fleet of 18 clusters that is swept, stopped, resumed, and swept again; `sweep-fleet.grid.test.ts` has 120. */
import { sweepLimits } from '../../lambdas/domain/sweep/request.ts';
import { describeFleet } from './sweep-fleet-story.ts';

describeFleet({
  clusters: 18,
  limits: sweepLimits.parse({
    canary: 2,
    concurrency: 4,
    perAccount: 3,
    perRegion: 2,
    stopAfterFailures: 3,
    stopAtFailurePercent: 100,
  }),
  failingOneIn: 2,
  rollbackFails: 'not-found',
  calls: { eksByCluster: 13.8, eksByAddon: 3.5, byAddon: 8.5 },
});
