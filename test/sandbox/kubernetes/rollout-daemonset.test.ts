/** How many pods of a DaemonSet roll at once, and how long each takes. */
import { describe, expect, test } from 'vitest';
import { podCounts, restart } from './pod-counts.ts';
import { DAEMON_SET, ebs, newEbsLab } from './support.ts';

describe('rolling restart of a DaemonSet', () => {
  test.each([
    ['10%', 25, 3],
    ['10%', 3, 1],
    [4, 25, 4],
  ])('replaces %s of %i pods at a time, rounded up: %i', async (maxUnavailable, nodes, most) => {
    const objects = {
      ...ebs,
      workloads: ebs.workloads.map((workload) =>
        workload.kind === 'DaemonSet' ? { ...workload, maxUnavailable } : workload,
      ),
    };
    const lab = newEbsLab({ objects, nodes });
    await restart(lab, DAEMON_SET);
    lab.pass(1);
    expect(podCounts(lab, 'ebs-csi-node')).toMatchObject({ old: nodes - most, terminating: most });
    let least = nodes;
    for (let seconds = 0; seconds < 600; seconds += 1) {
      lab.pass(1);
      least = Math.min(least, podCounts(lab, 'ebs-csi-node').ready);
    }
    expect(least).toBe(nodes - most);
    expect(podCounts(lab, 'ebs-csi-node')).toMatchObject({ old: 0, newReady: nodes });
  });

  test('waits for each pod as long as pods of that workload need', async () => {
    const objects = {
      ...ebs,
      workloads: ebs.workloads.map((workload) =>
        workload.kind === 'DaemonSet' ? { ...workload, readySeconds: 60 } : workload,
      ),
    };
    const lab = newEbsLab({ objects, knobs: { podReadySeconds: 5 } });
    await restart(lab, DAEMON_SET);
    lab.pass(55);
    expect(podCounts(lab, 'ebs-csi-node')).toMatchObject({ old: 2, new: 1, newReady: 0 });
    lab.pass(20);
    expect(podCounts(lab, 'ebs-csi-node')).toMatchObject({ newReady: 1 });
  });
});
