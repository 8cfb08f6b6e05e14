/** A fleet of 240 clusters that is swept, stopped, resumed, and swept again. */
import { sweepLimits } from '../../lambdas/domain/sweep/model.ts';
import { describeFleet } from './sweep-fleet-story.ts';

describeFleet({
  clusters: 240,
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
  calls: { eksByCluster: 11.7, eksByAddon: 2.92, byAddon: 8.12 },
});
