/** Pods with the right environment and no credentials: the service reports them, and causes none. */
import { describe, expect, it } from 'vitest';
import { credentialsOfPod } from '../../sandbox/credentials/sessions.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { findCluster } from '../../sandbox/world/world.ts';
import type { SandboxBackend } from '../../cli/backend.ts';
import { ebs, migrate, mutationsOf, ROLE, scenarioWith, TARGET, trustOf } from './fixture.ts';

const CONTROLLER = 'ebs-csi-controller-sa';
/**
 * EKS accepts it for an association: it checks for the principal and both actions
 * (awslabs/mountpoint-s3-csi-driver#781).
 */
const OTHER_CLUSTER = { ArnLike: { 'aws:SourceArn': 'arn:aws:eks:*:*:cluster/another-one' } };

const forAnotherCluster = scenarioWith((scenario) => {
  Object.assign(
    trustOf(scenario).Statement.find(({ Sid }) => Sid === 'PodIdentity')!,
    { Condition: OTHER_CLUSTER },
  );
});
const migratedByHand = scenarioWith((scenario, cluster) => {
  Object.assign(
    trustOf(scenario).Statement.find(({ Sid }) => Sid === 'PodIdentity')!,
    { Condition: OTHER_CLUSTER },
  );
  const addon = ebs(cluster);
  delete addon.serviceAccountRoleArn;
  const { createdAt } = addon;
  const shared = { namespace: 'kube-system', serviceAccount: CONTROLLER, tags: {} };
  cluster.associations = [{ ...shared, roleArn: ROLE, owner: addon.name, createdAt }];
});

/** The credentials of the controller's pods, and the refusal for pods without any. */
const credentialsIn = ({ sandbox: { world } }: SandboxBackend): string[] => {
  const cluster = findCluster(world, TARGET.account, TARGET.region, TARGET.cluster)!;
  return listObjects(cluster.kube, 'Pod')
    .filter((pod) => pod.spec.serviceAccountName === CONTROLLER)
    .flatMap((pod) => credentialsOfPod(world, cluster, pod))
    .map(
      ({ method, roleArn, refused }) => `${method} ${roleArn === undefined ? (refused?.code ?? '') : 'has the role'}`,
    );
};

describe('a trust policy of the right form for another cluster', () => {
  it('blocks, and the pods keep their credentials', async () => {
    const run = await migrate({ scenario: forAnotherCluster });
    const { report, backend } = run;
    expect(report.outcome).toBe('blocked');
    expect(report.plan?.checks).toContainEqual(
      expect.objectContaining({ id: 'role-trust', status: 'fail', message: expect.stringContaining('aws:SourceArn') }),
    );
    expect([mutationsOf(run), credentialsIn(backend)]).toEqual([[], ['irsa has the role', 'irsa has the role']]);
  });

  it('is reported for an add-on that was migrated by hand, whose pods have no credentials', async () => {
    const { report, backend } = await migrate({ scenario: migratedByHand });
    expect(credentialsIn(backend)).toEqual([
      'pod-identity AccessDeniedException',
      'pod-identity AccessDeniedException',
    ]);
    expect(report.outcome).toBe('already-migrated');
    expect(report.plan?.checks).toContainEqual({
      id: 'role-trust',
      status: 'warn',
      message: expect.stringMatching(
        /does not allow pods\.eks\.amazonaws\.com to assume it for kube-system\/ebs-csi-controller-sa, .* get no credentials\. .*aws:SourceArn/,
      ),
      remedy: expect.stringContaining('pod-identity trust repair --dry-run --role-arn'),
      source: expect.any(String),
    });
  });
});
