import { describe, expect, it } from 'vitest';
import {
  sessionsRestoreCommands,
  webhookRestoreCommands,
} from '../../../../lambdas/domain/restore-commands/questions.ts';
import { aPod, MIGRATION_ID, planned, target } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const FACTS = {
  migrationId: MIGRATION_ID,
  target,
  planned: [planned],
  workloads: [{ kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' }] as const,
};
const GAP = {
  pods: 18,
  neededSeconds: 1080,
  pod: 'ebs-csi-controller-0',
  sureSeconds: 300,
  now: Date.parse('2026-01-15T09:00:00.000Z'),
};
const active = (lines: readonly string[]): string[] => lines.filter((line) => !line.startsWith(': '));

describe('the restore commands after SessionsMayEnd', () => {
  const lines = sessionsRestoreCommands(FACTS, GAP);
  it('reports the affected pods, the duration, and when their sessions expire', () =>
    expect(lines.join('\n')).toMatch(
      /replaces 18 pods, .* about 18 minutes\. .* pod ebs-csi-controller-0 is certain to have credentials for 5 minutes only: until 2026-01-15T09:05:00\.000Z/,
    ));

  it('removes nothing from the pods when pasted: it renews their sessions, then rolls back', () => {
    expect(active(lines)).toEqual([
      matching(/^aws eks update-kubeconfig /),
      'kubectl -n kube-system rollout restart deployment/ebs-csi-controller',
      'kubectl -n kube-system rollout status deployment/ebs-csi-controller',
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]);
    expect(lines.join('\n')).not.toMatch(/delete-pod-identity-association|update-addon/);
  });

  it('has both other choices as commands that a colon disables', () => {
    expect(lines).toContain(`: pod-identity rollback ${MIGRATION_ID} --deployed --accept credential-gap`);
    expect(lines).toContain(`: pod-identity release ${MIGRATION_ID} --deployed`);
  });

  it('waits for Jobs, and has what ends other pods as commands that a colon disables', () => {
    const now = Date.parse('2026-01-15T09:00:00.000Z');
    const unreplaced = [
      {
        pod: aPod('pod-identity', { name: 'n-1', owner: { kind: 'Job', name: 'nightly-29100000' } }),
        sureSeconds: 300,
      },
      { pod: aPod('pod-identity', { name: 'etl', owner: { kind: 'SparkApplication', name: 'etl' } }), sureSeconds: 0 },
    ];
    const all = sessionsRestoreCommands({ ...FACTS, workloads: [] }, undefined, { unreplaced, now });
    expect(active(all)).toEqual([
      matching(/^aws eks update-kubeconfig /),
      'kubectl -n kube-system wait --for=condition=complete --timeout=-1s job/nightly-29100000',
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]);
    expect(all.join('\n')).toMatch(
      /pod kube-system\/n-1\. .* until 2026-01-15T09:05:00\.000Z only.*: kubectl .* delete job .*: kubectl .* patch cronjob nightly -p .*: kubectl -n kube-system delete pod etl$/ms,
    );
  });

  it('describes what to restart if the API server could not be read', () => {
    const { workloads: _, ...unread } = FACTS;
    const without = sessionsRestoreCommands(unread);
    expect(without.join('\n')).toContain('Restart every workload that runs with kube-system/ebs-csi-controller-sa');
    expect(active(without).at(-1)).toBe(`pod-identity rollback ${MIGRATION_ID} --deployed`);
  });
});

describe('the restore commands after WebhookStillInjects', () => {
  const lines = webhookRestoreCommands(FACTS);
  it('restarts and deletes nothing: it lists the associations, and retries', () =>
    expect(active(lines)).toEqual([
      matching(/^aws eks list-pod-identity-associations .*--service-account ebs-csi-controller-sa$/),
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ]));
  it('describes how to keep the current state', () =>
    expect(lines.join('\n')).toContain(`pod-identity release ${MIGRATION_ID} --deployed`));
});
