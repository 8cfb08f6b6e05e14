import { describe, expect, it } from 'vitest';
import { disruptionOf, type ReadyCount, watchDisruption } from '../../cli/disruption.ts';
import { openSandboxBackend } from '../../cli/backend.ts';
import { migration } from '../../lambdas/domain/record/migration.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { findCluster } from '../../sandbox/world/world.ts';
import { ADDON, ROLE, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import { aPlan } from './fixtures.ts';

const count = (at: number, ready: number, workload = 'controller'): ReadyCount => ({
  at: at * 1000,
  namespace: 'kube-system',
  kind: 'Deployment',
  workload,
  ready,
});
const between = (from: number, to: number) => ({ from: from * 1000, to: to * 1000 });

describe('the disruption of a period', () => {
  it('of pods that roll is none: never fewer than before', () =>
    expect(disruptionOf([count(0, 2), count(20, 3), count(25, 2)], between(10, 60))).toEqual({
      controllerUnavailableSeconds: 0,
      minReadyPods: 2,
    }));

  it('adds up all periods without a ready pod', () => {
    const history = [count(0, 2), count(20, 1), count(21, 0), count(40.5, 1), count(41, 2), count(50, 0), count(51, 2)];
    expect(disruptionOf(history, between(10, 60))).toEqual({ controllerUnavailableSeconds: 20.5, minReadyPods: 0 });
  });

  it('ends with the period if the pods never came back', () =>
    expect(disruptionOf([count(0, 2), count(30, 0), count(90, 2)], between(10, 60))).toEqual({
      controllerUnavailableSeconds: 30,
      minReadyPods: 0,
    }));

  it('begins with the period: of earlier events, only the last state counts', () =>
    expect(disruptionOf([count(0, 2), count(1, 0), count(5, 2)], between(10, 60))).toEqual({
      controllerUnavailableSeconds: 0,
      minReadyPods: 2,
    }));

  it('counts a second in which two workloads had no ready pod once', () => {
    const history = [
      count(0, 2),
      count(0, 1, 'node'),
      count(20, 0),
      count(25, 0, 'node'),
      count(30, 2),
      count(35, 1, 'node'),
    ];
    expect(disruptionOf(history, between(10, 60))).toEqual({ controllerUnavailableSeconds: 15, minReadyPods: 0 });
  });

  it('leaves out workloads that had no ready pod to lose', () => {
    expect(disruptionOf([count(0, 0), count(0, 3, 'node'), count(50, 1)], between(10, 60))).toEqual({
      controllerUnavailableSeconds: 0,
      minReadyPods: 3,
    });
    expect(disruptionOf([count(0, 0), count(30, 2)], between(10, 60))).toBeUndefined();
    expect(disruptionOf([], between(10, 60))).toBeUndefined();
  });
});

describe('the disruption of a migration', () => {
  const record = migration.parse({
    migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
    request: migrationRequest.parse({ target: TARGET, addon: ADDON }),
    startedAt: '2026-01-15T09:00:00.000Z',
    endedAt: '2026-01-15T09:01:00.000Z',
    status: 'ended',
    outcome: 'migrated',
    plan: aPlan({
      associations: [{ namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE }],
    }),
    associations: { purged: [], created: [], restored: [] },
    restoreCommands: [],
  });

  it('covers the workloads whose service accounts are migrated, also deleted workloads', async () => {
    const backend = await openSandboxBackend(scenarioWith(), {});
    const { world } = backend.sandbox;
    const measure = watchDisruption(world);
    const { kube } = findCluster(world, TARGET.account, TARGET.region, TARGET.cluster)!;
    const [start] = [Date.parse(record.startedAt)];
    const lost = (kind: 'Deployment' | 'DaemonSet', workload: string, after: number): void => {
      kube.readyHistory.push({ at: start + after, namespace: 'kube-system', kind, workload, ready: 0 });
    };
    // The pods on its nodes have a separate service account, which is not migrated.
    lost('DaemonSet', 'ebs-csi-node', 10_000);
    expect(measure(record)).toEqual({ controllerUnavailableSeconds: 0, minReadyPods: 2, simulated: true });
    lost('Deployment', 'ebs-csi-controller', 20_000);
    kube.objects.get('deployments.apps')!.clear();
    expect(measure(record)).toEqual({ controllerUnavailableSeconds: 40, minReadyPods: 0, simulated: true });

    expect(measure({ ...record, outcome: 'blocked' })).toBeUndefined();
    expect(
      measure({ ...record, request: { ...record.request, target: { ...TARGET, cluster: 'other' } } }),
    ).toBeUndefined();
    await backend.close();
  });
});
