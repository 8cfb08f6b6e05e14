/** A fleet of 36 clusters that is swept, stopped, resumed, and swept again; `sweep-fleet.grid.test.ts` has 240. */
import { sweepLimits } from '../../lambdas/domain/sweep/model.ts';
import { describeFleet } from './sweep-fleet-story.ts';

describeFleet({
  clusters: 36,
  limits: sweepLimits.parse({
    canary: 2,
    concurrency: 5,
    perAccount: 3,
    perRegion: 2,
    stopAfterFailures: 3,
    stopAtFailurePercent: 100,
  }),
  failingOneIn: 2,
  calls: { eksByCluster: 13, eksByAddon: 3.25, byAddon: 8.1 },
});
