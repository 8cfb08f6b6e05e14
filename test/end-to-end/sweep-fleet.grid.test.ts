/** A fleet of 120 clusters that is swept, stopped, resumed, and swept again. */
import { sweepLimits } from '../../lambdas/domain/sweep/request.ts';
import { describeFleet } from './sweep-fleet-story.ts';

describeFleet({
  clusters: 120,
  limits: sweepLimits.parse({
    canary: 2,
    concurrency: 16,
    perAccount: 6,
    perRegion: 4,
    stopAfterFailures: 4,
    stopAtFailurePercent: 100,
  }),
  failingOneIn: 9,
  rollbackFails: 'access-denied',
  calls: { eksByCluster: 12.3, eksByAddon: 3.07, byAddon: 8.05 },
});
