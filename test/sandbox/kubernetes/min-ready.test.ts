/** `minReadySeconds`: a pod counts as available only once it has been ready for that time. */
import { describe, expect, test } from 'vitest';
import { getObject } from '../../../sandbox/kubernetes/store.ts';
import { restart } from './pod-counts.ts';
import { DAEMON_SET, DEPLOYMENT, ebs, ebsWith, newDatabaseLab, newEbsLab, STATEFUL_SET } from './support.ts';
import type { Lab } from './support.ts';

const MIN_READY = 30;
const READY = 12;

/** Returns the seconds until a condition holds, at most an hour. */
const secondsUntil = (lab: Lab, holds: () => boolean): number => {
  let seconds = 0;
  for (; !holds() && seconds < 3600; seconds += 1) lab.pass(1);
  return seconds;
};

describe('a rollout', () => {
  test('of a Deployment waits with the next pod until the last one is available', async () => {
    const lab = newEbsLab({ objects: ebsWith({ minReadySeconds: MIN_READY, maxUnavailable: 0, maxSurge: 1 }) });
    const status = () => getObject(lab.cluster.kube, 'Deployment', 'kube-system', 'ebs-csi-controller')!.status!;
    expect(status()).toMatchObject({ readyReplicas: 2, availableReplicas: 2 });
    await restart(lab, DEPLOYMENT);
    expect(secondsUntil(lab, () => status()['readyReplicas'] === 3)).toBeGreaterThanOrEqual(READY);
    expect(status()).toMatchObject({ availableReplicas: 2, updatedReplicas: 1, unavailableReplicas: 1 });
    expect(secondsUntil(lab, () => status()['updatedReplicas'] === 2)).toBeGreaterThanOrEqual(MIN_READY - 1);
    expect(secondsUntil(lab, () => status()['availableReplicas'] === 2 && status()['replicas'] === 2)).toBeGreaterThan(
      MIN_READY,
    );
  });

  test('of a DaemonSet as well', async () => {
    const workloads = ebs.workloads.map((workload) => ({ ...workload, minReadySeconds: MIN_READY }));
    const lab = newEbsLab({ objects: { ...ebs, workloads } });
    const status = () => getObject(lab.cluster.kube, 'DaemonSet', 'kube-system', 'ebs-csi-node')!.status!;
    const nodes = Number(status()['desiredNumberScheduled']);
    await restart(lab, DAEMON_SET);
    lab.pass(1);
    const seconds = secondsUntil(
      lab,
      () => status()['updatedNumberScheduled'] === nodes && status()['numberAvailable'] === nodes,
    );
    expect(seconds).toBeGreaterThan(nodes * (MIN_READY + READY));
    expect(seconds).toBeLessThan(nodes * (MIN_READY + READY + 10));
  });

  test('and of a StatefulSet', async () => {
    const lab = newDatabaseLab({ change: { minReadySeconds: MIN_READY } });
    await restart(lab, STATEFUL_SET);
    lab.pass(1);
    const status = () => lab.statefulSet().status!;
    const seconds = secondsUntil(lab, () => status()['currentRevision'] === status()['updateRevision']);
    expect(seconds).toBeGreaterThan(2 * (MIN_READY + READY));
    expect(secondsUntil(lab, () => status()['availableReplicas'] === 3)).toBeLessThanOrEqual(MIN_READY);
  });
});
