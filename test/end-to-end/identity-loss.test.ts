/** An add-on whose nodes have its role but accept no association from it: the identity of their pods in every case. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import { ADDON, identityOf } from './fixture.ts';
import { EFS, EFS_NODES } from './scenario-rows.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const NODE_ROLE = 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node';
const STANDALONE: Asked = { addon: EFS, roles: { [EFS_NODES]: NODE_ROLE } };
const ACCEPTED: Asked = { addon: EFS, accept: [`identity-loss:${EFS_NODES}`] };
const IRSA = Array.from({ length: 4 }, () => 'irsa');

interface Seen {
  report: MigrationReport;
  before: object;
  after: object;
  nodes: string[];
  changes: string[];
}
const changesIn = (world: OpenWorld): string[] =>
  world.changes().map(({ step, operation }) => `${step ?? ''} ${operation}`);
const migrated = (
  asked: Asked,
  options: Omit<WorldOptions, 'scenario'> = {},
  then?: (world: OpenWorld, first: MigrationReport) => Promise<MigrationReport>,
) =>
  inWorld({ scenario: 'efs-node-role', ...options }, async (world): Promise<Seen> => {
    const before = world.readAddon(EFS, EFS_NODES);
    const first = await world.migrate(asked);
    const report = then ? await then(world, first) : first;
    return {
      report,
      before,
      after: world.readAddon(EFS, EFS_NODES),
      nodes: identityOf(world.cluster, EFS_NODES),
      changes: changesIn(world),
    };
  });

describe('a migration whose request does not mention the nodes', () => {
  it('is blocked, and nothing is changed; the report shows what the pods would lose', async () => {
    const { report, before, after, changes } = await migrated({ addon: EFS });
    expect(report.outcome).toBe('blocked');
    expect(report.verification.before.filter(({ serviceAccount }) => serviceAccount === EFS_NODES)).toEqual(
      Array.from({ length: 4 }, () =>
        expect.objectContaining({ identity: 'irsa', loss: { from: 'irsa', to: 'node-role' } }),
      ),
    );
    expect([after, changes]).toEqual([before, []]);
  });
});

describe('a standalone association', () => {
  it('exists before the add-on is changed, the pods of the nodes count, and a later rollback on demand removes it', async () => {
    const { report, before, after } = await migrated(STANDALONE, {}, async (world, first) => {
      expect(first).toMatchObject({ outcome: 'migrated', verified: 'ready', warnings: [] });
      expect(identityOf(world.cluster, EFS_NODES)).toEqual(Array.from({ length: 4 }, () => 'pod-identity'));
      expect(first.verification.pods.filter(({ loss }) => loss)).toEqual([]);
      expect(changesIn(world)).toEqual(['create-association CreatePodIdentityAssociation', 'update-addon UpdateAddon']);
      return world.rollBack({ migrationId: first.migrationId, requestedBy: 'operator' });
    });
    expect([report.outcome, after]).toEqual(['rolled-back', before]);
  });

  it.each<[string, Asked, FaultInput]>([
    ['in place', STANDALONE, { step: 'carry-over', kind: 'access-denied', times: 'all' }],
    [
      'recreated',
      { ...STANDALONE, strategy: 'recreate' },
      { step: 'create-addon', operation: 'CreateAddon', kind: 'access-denied', times: 'all' },
    ],
    [
      'recreated with preserve',
      { ...STANDALONE, strategy: 'recreate', preserve: true },
      { step: 'carry-over', kind: 'access-denied', times: 'all' },
    ],
  ])(
    'is removed by the rollback, %s, once the add-on has its role: everything has its original state',
    async (_, asked, fault) => {
      const { report, before, after, nodes, changes } = await migrated(asked, { faults: [fault] });
      expect([report.outcome, after, nodes]).toEqual(['rolled-back', before, IRSA]);
      const deletion = changes.indexOf('restore-associations DeletePodIdentityAssociation');
      expect(deletion).toBeGreaterThan(changes.findLastIndex((one) => one.startsWith('restore-addon ')));
    },
  );

  it('is deleted by the restore commands if the service cannot delete it', async () => {
    const { report } = await migrated(STANDALONE, {
      faults: [
        { step: 'update-addon', operation: 'UpdateAddon', kind: 'access-denied', times: 'all' },
        { step: 'restore-associations', kind: 'not-found', times: 'all' },
      ],
    });
    expect(report.outcome).toBe('needs-human');
    const [made] = report.associations.created;
    expect(made?.serviceAccount).toBe(EFS_NODES);
    expect(report.restoreCommands.filter((line) => line.includes(`--association-id ${made?.id ?? ''}`))).toEqual([
      expect.stringMatching(/^aws eks delete-pod-identity-association .* \|\| true$/),
    ]);
    expect(report.restoreCommands.some((line) => line.includes('rollout restart daemonset/efs-csi-node'))).toBe(true);
  });
});

describe('a third-party annotation on the nodes of an add-on', () => {
  const NODES = 'ebs-csi-node-sa';
  const annotatedByHand = (asked: Asked) =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const { kubernetes } = portsOf(world.backend.sandbox.clients(undefined, world.target.region), world.target);
      const node = (await kubernetes.getServiceAccount('kube-system', NODES))!;
      await kubernetes.annotateServiceAccount(node, world.cluster.addons.get(ADDON)!.serviceAccountRoleArn!);
      const daemonSet = { kind: 'DaemonSet', namespace: 'kube-system', name: 'ebs-csi-node' } as const;
      await kubernetes.restartWorkload(daemonSet, 'annotated');
      await world.later(300_000);
      const before = identityOf(world.cluster, NODES);
      return {
        before,
        report: await world.migrate({ addon: ADDON, ...asked }),
        after: identityOf(world.cluster, NODES),
      };
    });

  it('stays in place, and so do their identities', async () => {
    const { before, report, after } = await annotatedByHand({ strategy: 'in-place' });
    expect([new Set(before), report.outcome, after]).toEqual([new Set(['irsa']), 'migrated', before]);
  });

  it('would be deleted with the objects of the add-on, which blocks', async () => {
    const { before, report, after } = await annotatedByHand({ strategy: 'recreate' });
    expect([report.outcome, after]).toEqual(['blocked', before]);
  });
});

describe('a loss that was accepted', () => {
  it('is shown with a warning, the migration ends migrated, and a rollback gives the nodes their role again', async () => {
    const { report, before, after } = await migrated(ACCEPTED, {}, async (world, first) => {
      expect(first).toMatchObject({ outcome: 'migrated', warnings: [{ id: 'identity-loss' }] });
      expect(identityOf(world.cluster, EFS_NODES)).toEqual(Array.from({ length: 4 }, () => ''));
      expect(first.verification.pods.filter(({ loss }) => loss?.to === 'node-role')).toHaveLength(4);
      return world.rollBack({ migrationId: first.migrationId, requestedBy: 'operator' });
    });
    expect(report).toMatchObject({ outcome: 'rolled-back', warnings: [] });
    expect(after).toEqual(before);
  });
});
