/** Pods whose software gets no credentials with EKS Pod Identity, although the webhook has injected them. */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { containerCredentials, hasCredentials } from '../../sandbox/credentials/sessions.ts';
import { isActive, isReady } from '../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import { findCluster } from '../../sandbox/world/world.ts';
import { identityOf, migrate, type Run, scenarioFile } from './fixture.ts';

const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'reports-prod' };
const EXPORTER = { namespace: 'reports', name: 'exporter' };

const migrated = async (name: string, request: Pick<MigrationRequestInput, 'verification'>) =>
  migrate({
    scenario: await readScenario(scenarioFile(name)),
    request: { target: TARGET, serviceAccount: EXPORTER, ...request },
  });

/** Returns the exporter's pods and what each of its containers gets now. */
const podsIn = ({ backend }: Run) => {
  const { world } = backend.sandbox;
  const cluster = findCluster(world, TARGET.account, TARGET.region, TARGET.cluster)!;
  const pods = listObjects(cluster.kube, 'Pod').filter(
    (pod) => pod.spec.serviceAccountName === EXPORTER.name && isActive(pod),
  );
  return {
    identities: identityOf(cluster, EXPORTER.name),
    ready: pods.map(isReady),
    has: pods.map((pod) => hasCredentials(world, cluster, pod)),
    codes: pods.flatMap((pod) => containerCredentials(world, cluster, pod).map(({ refused }) => refused?.code)),
  };
};

describe('software that exits without credentials', () => {
  it('is found while the pods are observed, and rolled back: the pods have credentials again', async () => {
    const run = await migrated('old-sdk-crashes', {});
    expect(run.report.outcome).toBe('rolled-back');
    expect(run.report.steps.map(({ name }) => name)).toContain('confirm-ready');
    expect(podsIn(run)).toEqual({
      identities: ['irsa', 'irsa'],
      ready: [true, true],
      has: [true, true],
      codes: [undefined, undefined],
    });
  });

  it('is not found at the level injected, which observes no pods', async () => {
    const run = await migrated('old-sdk-crashes', { verification: 'injected' });
    expect(run.report).toMatchObject({ outcome: 'migrated', verified: 'injected' });
    expect(podsIn(run)).toMatchObject({
      identities: ['pod-identity', 'pod-identity'],
      codes: ['SdkTooOld', 'SdkTooOld'],
    });
  });
});

it('software that only logs that it has no credentials is stable at the level ready, which does not claim more', async () => {
  const run = await migrated('old-sdk-logs', {});
  expect(run.report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
  expect(podsIn(run)).toEqual({
    identities: ['pod-identity', 'pod-identity'],
    ready: [true, true],
    has: [false, false],
    codes: ['SdkTooOld', 'SdkTooOld'],
  });
});
