/** EKS's webhook uses a new association late, never, or only at times: what a migration waits for, and what it costs. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { podsChanged } from '../../sandbox/kubernetes/budgets.ts';
import { newMetadata, putObject } from '../../sandbox/objects/store.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { matching } from '../lambdas/matchers.ts';
import { runs } from '../runs.ts';
import { ADDON } from './fixture.ts';
import { inWorld, type OpenWorld } from './world.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const ASSOCIATED = { scenario: 'service-account-irsa', asked: { serviceAccount: ACCOUNT } };
const IN_PLACE = { scenario: 'in-place', asked: { addon: ADDON, maxDisruption: 'outage' } } as const;
const RECREATED = { ...IN_PLACE, asked: { ...IN_PLACE.asked, strategy: 'recreate' } } as const;
const EVICTION = 'create pods/eviction';
const NEVER = 86_400;

const changed = (world: OpenWorld, which: (operation: string) => boolean): Call[] =>
  world.changes().filter(({ operation }) => which(operation));
const count = (world: OpenWorld, operation: string): number => changed(world, (one) => one === operation).length;
const seconds = ({ startedAt, endedAt }: MigrationReport): number =>
  (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;

/** By lag: the pods that go first where the service restarts the pods, and where EKS's own rollout came before. */
const FIRST: Record<number, [number, number]> = {
  120: [5, 5],
  600: [10, 10],
  0: [1, 0],
  35: [3, 2],
  60: [3, 3],
  20: [2, 1],
  300: [7, 7],
};
const LAGS = [120, 600, 0, 35, 60, 20, 300].slice(0, runs(2, 7));

describe('a webhook that uses the association late', () => {
  it.each(
    LAGS.flatMap((lag) => [
      { lag, ...ASSOCIATED, workloads: ['deployments', 'statefulsets'] },
      { lag, ...IN_PLACE, workloads: ['deployments'] },
      { lag, ...RECREATED, workloads: ['deployments'] },
    ]),
  )(
    'by $lag s costs one pod at a time, and no further attempt: $scenario, $asked',
    ({ lag, scenario, asked, workloads }) =>
      inWorld({ scenario, knobs: { webhookLagSeconds: lag } }, async (world) => {
        expect(await world.migrate(asked)).toMatchObject({ outcome: 'migrated', verified: 'ready', warnings: [] });
        const [associated = 0, rolled = 0] = FIRST[lag] ?? [];
        const isRolled = scenario === 'in-place';
        expect(count(world, EVICTION)).toBe(isRolled ? rolled : associated);
        const restarted = changed(world, (one) => one.startsWith('patch ')).map(({ operation }) => operation);
        expect(restarted).toEqual(isRolled && lag === 0 ? [] : workloads.map((one) => `patch ${one}`));
      }),
  );

  it('by two minutes, with pods that may not be evicted, costs two restarts, the last when ten minutes are over', () =>
    inWorld({ ...ASSOCIATED, knobs: { webhookLagSeconds: 120 } }, async (world) => {
      const { cluster, backend } = world;
      putObject(cluster.kube, 'PodDisruptionBudget', {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: newMetadata(cluster.kube, backend.clock.now(), { name: 'all', namespace: 'payments', generation: 1 }),
        spec: { maxUnavailable: 0, selector: {} },
        status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
      });
      podsChanged({ world: backend.sandbox.world, cluster }, 'payments');
      const report = await world.migrate(ASSOCIATED.asked);
      expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
      expect([count(world, EVICTION), count(world, 'patch deployments')]).toEqual([0, 2]);
      expect(seconds(report)).toBeGreaterThan(600);
    }));
});

describe('a webhook that never uses the association', () => {
  it.each([
    { ...ASSOCIATED, attempts: 1 },
    { ...IN_PLACE, attempts: 3 },
  ])('is given ten minutes before anything else is tried: $scenario, $attempts attempts', ({ attempts, ...way }) =>
    inWorld({ scenario: way.scenario, knobs: { webhookLagSeconds: NEVER } }, async (world) => {
      expect(await world.migrate(way.asked)).toMatchObject({
        outcome: 'rolled-back',
        failure: {
          name: 'PodsOnWrongIdentity',
          message: matching(/^10 pods were replaced one by one\. After 0 restarts these pods still are not on EKS Pod/),
        },
      });
      expect(count(world, EVICTION)).toBe(10 * attempts);
      const times = changed(world, (one) => /Addon$|Association$/.test(one)).map(({ at }) => Date.parse(at));
      expect(times.filter((at, index) => at - (times[index - 1] ?? at) > 600_000)).toHaveLength(attempts);
    }),
  );
});

describe('a webhook that injects into some new pods only', () => {
  const flapping = (webhookFlapSeconds: number, webhookFlapShare: number, work: (report: MigrationReport) => void) =>
    inWorld({ ...ASSOCIATED, knobs: { webhookFlapSeconds, webhookFlapShare } }, async (world) =>
      work(await world.migrate(ASSOCIATED.asked)),
    );
  const REPORTED =
    /admitted without it, after api-\S+ \(created at \S+\) had got it.*eks-pod-identity-agent\/issues\/153/;

  it('is not called ready once its pods have it, and the record names the pods', () =>
    flapping(30, 0.5, ({ outcome, verified, warnings }) => {
      expect({ outcome, verified }).toEqual({ outcome: 'migrated', verified: 'injected' });
      expect(warnings.map(({ id, message, remedy }) => [id, `${message} ${remedy ?? ''}`])).toEqual([
        ['injection-flaps', matching(REPORTED)],
        ['stability-not-observed', matching(/has missed new pods, and may miss the next one/)],
      ]);
    }));

  it('is rolled back if it misses too many, after ten minutes, with the report about such webhooks', () =>
    flapping(120, 0.8, (report) => {
      expect(report).toMatchObject({
        outcome: 'rolled-back',
        failure: { name: 'PodsOnWrongIdentity', message: matching(REPORTED) },
      });
      expect(seconds(report)).toBeGreaterThan(600);
    }));
});
