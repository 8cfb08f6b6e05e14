/** What a migration does not change, and what it waits for, in built-in scenarios. */
import { describe, expect, it } from 'vitest';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { identityOf, migrate, mutationsOf, scenarioFile } from './fixture.ts';
import { CLOUDWATCH, EBS, EFS, recreate, type Row } from './scenario-rows.ts';
import { clustersOf, run, start } from './scenario-runs.ts';
import { hasWaited } from './waits.ts';
import { inWorld } from './world.ts';

const HOUR = 3_600_000;

describe('what a migration leaves alone', () => {
  it('a shared role: its trust, the other add-on, and the other cluster', async () => {
    const { backend, before, cluster } = await run('shared-role', { addon: EBS });
    const { world } = backend.sandbox;
    const trust = world.accounts.get('111122223333')!.roles.get('storage-csi-drivers')!.trustPolicy;
    const written = (await readScenario(scenarioFile('shared-role'))).accounts[0]!.roles[0]!.trustPolicy;
    expect(JSON.parse(trust)).toEqual(written);
    const green = clustersOf(world).find(({ name }) => name === 'prod-green')!;
    for (const [of, addon] of [
      [cluster, EFS],
      [green, EBS],
      [green, EFS],
    ] as const)
      expect(of.addons.get(addon)).toEqual(before(of.name, addon));
    for (const [of, serviceAccount] of [
      [cluster, 'efs-csi-controller-sa'],
      [green, 'ebs-csi-controller-sa'],
      [green, 'efs-csi-controller-sa'],
    ] as const) {
      expect(identityOf(of, serviceAccount)).toEqual(['irsa', 'irsa']);
    }
  });

  it('an application that uses IRSA, and the agent that Helm has installed', async () => {
    const { cluster } = await run('agent-self-managed', { addon: EBS });
    expect(identityOf(cluster, 'checkout')).toEqual(['irsa', 'irsa', 'irsa']);
    expect(
      cluster.kube.readyHistory
        .filter(({ workload }) => workload === 'checkout' || workload === 'eks-pod-identity-agent')
        .map(({ ready }) => ready),
    ).toEqual([3, 3]);
    expect(cluster.addons.has('eks-pod-identity-agent')).toBe(false);
  });

  it('fields that gained another manager since the plan: the request does not accept a reset', async () => {
    const { report, cluster } = await start('preserve', { addon: EBS, ...recreate, preserve: true }, ({ sandbox }) => {
      sandbox.world.log.onCall(({ operation }) => {
        if (operation === 'DeleteAddon')
          clustersOf(sandbox.world)[0]!.foreignFields.set(EBS, [
            { field: 'Deployment.apps ebs-csi-controller - .spec.replicas', manager: 'kubectl-edit' },
          ]);
      });
    });
    expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'AddonFailed' } });
    expect(report.failure!.message).toContain(
      'Conflicts found when trying to apply. Will not continue due to resolve conflicts mode.',
    );
    expect(report.failure!.message).toContain('Deployment.apps ebs-csi-controller - .spec.replicas');
    expect(report.restoreCommands.join('\n')).toMatch(
      /\n: 'OVERWRITE resets the fields .*'\naws eks create-addon .* --resolve-conflicts OVERWRITE/,
    );
    expect(report.warnings.find(({ id }) => id === 'health-at-end')?.message).toContain('spec.replicas');
    // Preserved: its pods keep running.
    expect(identityOf(cluster, 'ebs-csi-controller-sa')).toEqual(['irsa', 'irsa']);
    expect(
      Math.min(
        ...cluster.kube.readyHistory
          .filter(({ workload }) => workload === 'ebs-csi-controller')
          .map(({ ready }) => ready),
      ),
    ).toBe(2);
  });

  it('a field that a person manages: an update in place keeps it unless the request allows a reset', async () => {
    const replicas = async (request: Row[1]): Promise<unknown> => {
      const { cluster } = await run('user-modified-fields', request);
      return cluster.kube.objects.get('deployments.apps')!.get('kube-system/ebs-csi-controller')!.spec!['replicas'];
    };
    expect(await replicas({ addon: EBS })).toBe(3);
    expect(await replicas({ addon: EBS, strategy: 'in-place', resolveConflicts: 'OVERWRITE' })).toBe(2);
  });

  it.each(['in-place', 'recreate'] as const)(
    'the further fields of an association: the new one has them too (%s)',
    async (strategy) => {
      const { cluster } = await run(
        'left-over-session-tags',
        strategy === 'in-place' ? { addon: EBS } : { addon: EBS, ...recreate },
      );
      const [was] = (await readScenario(scenarioFile('left-over-session-tags'))).accounts[0]!.clusters[0]!.associations;
      const live = [...cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined);
      expect(live).toHaveLength(1);
      expect(live[0]).toMatchObject({ disableSessionTags: true, tags: was!.tags, roleArn: was!.roleArn });
      expect(live[0]!.ownerArn).toBe(cluster.addons.get(EBS)!.arn);
    },
  );

  it('custom resources that a team has created', async () => {
    for (const request of [{ addon: CLOUDWATCH }, { addon: CLOUDWATCH, ...recreate }]) {
      const { cluster } = await run('custom-resources', request);
      expect([...cluster.kube.objects.get('amazoncloudwatchagents.cloudwatch.aws.amazon.com')!.keys()]).toContain(
        'shop/prometheus',
      );
    }
  });

  it('an add-on that is DEGRADED for a while: the migration waits', async () => {
    const { report } = await run('degraded-after-create', { addon: EBS, ...recreate });
    const line = (step: string) => report.steps.find(({ name }) => name === step)!;
    expect(report.outcome).toBe('migrated');
    expect(Date.parse(line('verify-pods').endedAt) - Date.parse(line('await-active').startedAt)).toBeGreaterThan(
      60_000,
    );
  });

  it('a delete that never ends: the migration waits for days, and then reports what a person can do', () =>
    inWorld({ scenario: 'stuck-deleting' }, async (world) => {
      const { name } = await world.start({ addon: EBS, ...recreate });
      await world.later(3 * HOUR);
      expect(await world.backend.ledger.getMigration(name)).toMatchObject({ waitingFor: { what: 'deletion' } });
      await hasWaited(world, name, MOST_DAYS_WAITING);
      const report = await world.settled(name);
      expect(report).toMatchObject({ outcome: 'needs-human', failure: { name: 'WaitedTooLong' } });
      expect(world.changes().map(({ operation }) => operation)).toEqual(['DeleteAddon']);
      expect(report.restoreCommands.join('\n')).toContain(`--addon-name ${EBS}`);
    }));
});

it.each([
  ['without an access entry', (cluster: ClusterState) => cluster.accessEntries.clear()],
  [
    'with an access entry that allows nothing',
    (cluster: ClusterState) =>
      cluster.accessEntries.forEach((entry) => Object.assign(entry, { kubernetesGroups: [], policies: [] })),
  ],
])('access to the API server %s, the plan blocks, because the migration could not be verified', async (_, change) => {
  const ended = await migrate({ prepare: ({ sandbox }) => change(clustersOf(sandbox.world)[0]!) });
  expect(ended.report.outcome).toBe('blocked');
  expect(
    ended.report
      .plan!.checks.filter(({ status }) => status === 'fail' || status === 'unknown')
      .map(({ id, status }) => [id, status]),
  ).toEqual([['kubernetes-access', 'unknown']]);
  expect(mutationsOf(ended)).toEqual([]);
});
