/** Fields with owners other than EKS, as an API server records them: how a migration treats them. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { createKubernetesService } from '../../sandbox/kubernetes/service.ts';
import { getObject } from '../../sandbox/objects/store.ts';
import { newEntry } from '../sandbox/kubernetes/support.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

const ACCOUNT = 'ebs-csi-controller-sa';
const CONTROLLER = '/apis/apps/v1/namespaces/kube-system/deployments/ebs-csi-controller';
const PRESERVING: Asked = { addon: ADDON, strategy: 'recreate', preserve: true };
const PERSON = 'arn:aws:iam::111122223333:role/person';

/** Sends a patch to the API server under that program's name, and waits until the pods have settled. */
const patch = async (world: OpenWorld, userAgent: string, path: string, body: object): Promise<void> => {
  const { cluster, backend } = world;
  cluster.accessEntries.set(PERSON, newEntry(PERSON, { policies: ['AmazonEKSClusterAdminPolicy'] }));
  const answer = await createKubernetesService(backend.sandbox.world, cluster)(
    {
      method: 'PATCH',
      host: 'api',
      path,
      query: {},
      headers: { 'content-type': 'application/merge-patch+json', 'user-agent': `${userAgent}/v1` },
      body: Buffer.from(JSON.stringify(body)),
    },
    {
      caller: { accessKeyId: 'AK', principalArn: PERSON, account: cluster.account },
      region: cluster.region,
      describe: () => undefined,
      authorize: () => undefined,
    },
  );
  expect(answer.status).toBe(200);
  await world.later(120_000);
};

/** A HorizontalPodAutoscaler that wants three replicas. */
const autoscale = (world: OpenWorld): Promise<void> =>
  patch(world, 'kube-controller-manager', `${CONTROLLER}/scale`, { spec: { replicas: 3 } });

const restart = (world: OpenWorld, by: string, value: string): Promise<void> =>
  patch(world, by, CONTROLLER, {
    spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': value } } } },
  });

interface Seen {
  report: MigrationReport;
  changes: string[];
  replicas: number | undefined;
  before: object;
  after: object;
}

const run = (prepare: (world: OpenWorld) => Promise<void>, asked: Asked): Promise<Seen> =>
  inWorld({ scenario: 'preserve' }, async (world) => {
    await prepare(world);
    const before = world.readAddon(ADDON, ACCOUNT);
    const report = await world.migrate(asked);
    return {
      report,
      changes: world.changes().map(({ operation }) => operation),
      replicas: getObject(world.cluster.kube, 'Deployment', 'kube-system', 'ebs-csi-controller')?.spec.replicas,
      before,
      after: world.readAddon(ADDON, ACCOUNT),
    };
  });
const checkOf = ({ plan }: MigrationReport) => plan!.checks.find(({ id }) => id === 'field-managers')!;

describe('an add-on that a HorizontalPodAutoscaler scales', () => {
  it('is not deleted if the create over the preserved objects would conflict with the replicas', async () => {
    const { report, changes, replicas, before, after } = await run(autoscale, PRESERVING);
    expect(report.outcome).toBe('blocked');
    expect(checkOf(report)).toMatchObject({
      status: 'fail',
      message: containing(
        'Deployment ebs-csi-controller: .spec.replicas (kube-controller-manager through the scale subresource, as a HorizontalPodAutoscaler does)',
      ),
    });
    expect([changes, replicas, after]).toEqual([[], 3, before]);
  });

  it('is created again if its replicas may be reset', async () => {
    const { report, replicas } = await run(autoscale, { ...PRESERVING, resolveConflicts: 'OVERWRITE' });
    expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect([checkOf(report).status, replicas]).toEqual(['warn', 2]);
  });

  it('is migrated in place, and keeps the replicas', async () => {
    const { report, changes, replicas } = await run(autoscale, { addon: ADDON });
    expect(report).toMatchObject({ outcome: 'migrated', applied: { strategy: 'in-place' } });
    expect(changes).not.toContain('DeleteAddon');
    expect([report.plan!.attempts.map(({ strategy }) => strategy), replicas]).toEqual([['in-place'], 3]);
  });
});

describe('an add-on whose restart by kubectl was taken over', () => {
  it('is created again over its preserved objects: an empty set of annotations does not conflict', async () => {
    const { report } = await run(async (world) => {
      await restart(world, 'kubectl-rollout', '2026-01-15T09:00:00Z');
      await restart(world, 'lens', '2026-01-15T09:05:00Z');
    }, PRESERVING);
    expect([report, checkOf(report)]).toMatchObject([{ outcome: 'migrated', verified: 'ready' }, { status: 'warn' }]);
    expect(checkOf(report).message).not.toContain('kubectl-rollout');
  });
});
