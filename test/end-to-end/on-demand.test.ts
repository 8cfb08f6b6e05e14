/** What a person requests: the rollback of an ended migration, and the cancellation of a running one. */
import { DeleteAddonCommand, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { cancel } from '../../cli/service/cancel.ts';
import { CliError } from '../../cli/errors.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const ACCOUNT = 'ebs-csi-controller-sa';
const WHO = {
  requestedBy: 'arn:aws:sts::111122223333:assumed-role/on-call/kim',
  reason: 'the new role lacks kms:Decrypt',
};
const WAYS: [string, Partial<Asked>][] = [
  ['in place', { strategy: 'in-place' }],
  ['by deletion', { strategy: 'recreate' }],
  ['with preserve', { strategy: 'recreate', preserve: true }],
];

const expectRefused = async (attempt: Promise<unknown>, name: string, message: string): Promise<void> => {
  const refusal = await attempt.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CliError);
  expect(refusal).toMatchObject({ name, message });
};

describe('a rollback of a migration that ended migrated', () => {
  it.each(WAYS)(
    '%s: the add-on has its original state, its pods are on IRSA again, and it can be migrated again',
    (_, asked) =>
      inWorld({ scenario: 'preserve' }, async (world) => {
        const before = world.readAddon(ADDON, ACCOUNT);
        const { migrationId, outcome } = await world.migrate({ addon: ADDON, ...asked });
        const between = world.readAddon(ADDON, ACCOUNT);
        expect([outcome, between, before]).toMatchObject([
          'migrated',
          { pods: ['pod-identity', 'pod-identity'] },
          { pods: ['irsa', 'irsa'] },
        ]);
        expect(await world.rollBack({ migrationId, ...WHO })).toMatchObject({
          migrationId,
          outcome: 'rolled-back',
          verified: 'injected',
          rollback: { cause: 'requested', after: 'migrated', ...WHO },
          failure: { name: 'RollbackRequested', message: containing(WHO.reason) },
        });
        expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
        await expectRefused(
          world.rollBack({ migrationId }),
          'RollbackRefused',
          containing('it was already rolled back'),
        );
        expect((await world.migrate({ addon: ADDON, ...asked })).outcome).toBe('migrated');
        expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
      }),
  );

  it.each(WAYS)('%s: a conflicting association is restored, with all its fields', (_, asked) =>
    inWorld({ scenario: 'left-over-session-tags' }, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const { migrationId } = await world.migrate({ addon: ADDON, ...asked });
      const restored = [{ serviceAccount: ACCOUNT, disableSessionTags: true, tags: { 'cost-centre': '4711' } }];
      expect(await world.rollBack({ migrationId, ...WHO })).toMatchObject({
        outcome: 'rolled-back',
        associations: { restored },
      });
      // The pods came first, and are older than it, as they were before.
      expect(world.readAddon(ADDON, ACCOUNT)).toEqual(before);
    }),
  );

  it('after a second attempt', () =>
    inWorld({ scenario: 'auto-falls-back' }, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const migrated = await world.migrate({ addon: ADDON });
      expect(migrated).toMatchObject({ outcome: 'migrated', applied: { strategy: 'recreate' } });
      const { outcome } = await world.rollBack({ migrationId: migrated.migrationId, ...WHO });
      expect([outcome, world.readAddon(ADDON, ACCOUNT)]).toEqual(['rolled-back', before]);
    }));
});

describe('a rollback that is refused', () => {
  const updated = (change: object) => (world: OpenWorld) =>
    world.backend.sandbox
      .clients(undefined, world.target.region)
      .eks()
      .send(new UpdateAddonCommand({ clusterName: world.target.cluster, addonName: ADDON, ...change }));

  it.each<[string, (world: OpenWorld) => unknown, RegExp]>([
    [
      'the OIDC statement is gone from the role',
      ({ backend }) => {
        const role = backend.sandbox.world.accounts.get('111122223333')!.roles.get('payments-prod-ebs-csi-driver')!;
        const trust = JSON.parse(role.trustPolicy) as { Statement: { Sid: string }[] };
        role.trustPolicy = JSON.stringify({ ...trust, Statement: trust.Statement.filter(({ Sid }) => Sid !== 'Irsa') });
      },
      /not certain that the OIDC trust of .*payments-prod-ebs-csi-driver allows .*ebs-csi-controller-sa/,
    ],
    [
      'the role is gone',
      ({ backend }) => backend.sandbox.world.accounts.get('111122223333')!.roles.delete('payments-prod-ebs-csi-driver'),
      /role .*payments-prod-ebs-csi-driver no longer exists/,
    ],
    [
      'the add-on has been updated since',
      updated({ addonVersion: 'v1.44.0-eksbuild.1' }),
      /another principal has changed the version of .* to v1\.44\.0-eksbuild\.1, was v1\.38\.1/,
    ],
    [
      'the add-on has been configured since',
      updated({ configurationValues: '{}' }),
      /another principal has changed the configuration values/,
    ],
    [
      'the add-on has been deleted since',
      ({ backend, target }) =>
        backend.sandbox
          .clients(undefined, target.region)
          .eks()
          .send(new DeleteAddonCommand({ clusterName: target.cluster, addonName: ADDON })),
      /another principal has deleted add-on aws-ebs-csi-driver/,
    ],
  ])('because %s: nothing is changed, and the migration stays migrated', (_, happen, why) =>
    inWorld({ scenario: 'preserve' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      await happen(world);
      await world.later(120_000);
      const [before, changes] = [world.readAddon(ADDON, ACCOUNT), world.changes()];
      const message = matching(new RegExp(`${why.source}.*Nothing was changed\\.`, 's'));
      await expectRefused(world.rollBack({ migrationId }), 'RollbackRefused', message);
      expect([world.changes(), world.readAddon(ADDON, ACCOUNT)]).toEqual([changes, before]);
      const { outcome, recovery } = await world.report(migrationId);
      expect({ outcome, recovery }).toEqual({ outcome: 'migrated', recovery: undefined });
      expect(await world.backend.ledger.listHeldLocks()).toEqual([]);
    }),
  );

  it('because there is nothing to roll back', () =>
    inWorld({ scenario: 'agent-absent' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      const message = containing('ended blocked: it changed nothing');
      await expectRefused(world.rollBack({ migrationId }), 'RollbackRefused', message);
    }));

  it('because the migration is still running: it can be cancelled instead', () =>
    inWorld({ scenario: 'preserve' }, async (world) => {
      const execution = await world.start({ addon: ADDON });
      await world.until(execution, 'WaitForUpdate');
      const message = matching(/still working on migration \w+: cancel it instead \(pod-identity cancel/);
      await expectRefused(world.rollBack({ migrationId: execution.name }), 'RollbackRefused', message);
      await world.rest();
      expect((await world.report(execution.name)).outcome).toBe('migrated');
    }));
});

describe('a cancel', () => {
  const cancelled = (when: Parameters<OpenWorld['onFirst']>[0], asked: Partial<Asked> = {}) =>
    inWorld({ scenario: 'preserve' }, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const execution = await world.start({ addon: ADDON, ...asked });
      let answer: Promise<unknown> | undefined;
      world.onFirst(when, () => (answer = cancel(world.backend, { migrationId: execution.name, ...WHO })));
      await world.rest();
      const report: MigrationReport = await world.report(execution.name);
      return {
        before,
        report,
        answer: await answer,
        after: world.readAddon(ADDON, ACCOUNT),
        changes: world.changes().map(({ operation }) => operation),
        locks: await world.backend.ledger.listHeldLocks(),
      };
    });

  it('before anything was begun ends it blocked, with nothing changed', async () => {
    const { report, answer, changes, locks } = await cancelled(
      ({ operation }) => operation === 'DescribeAddonVersions',
    );
    expect(answer).toMatchObject({ first: true, begun: false, cancellation: WHO });
    // Whether it would begin nevertheless is not certain yet.
    expect(answer).not.toHaveProperty('willEnd');
    expect(report).toMatchObject({ outcome: 'blocked', failure: { name: 'Cancelled' } });
    expect(report.failure!.message).toContain(WHO.reason);
    expect([changes, locks]).toEqual([[], []]);
  });

  /** The role, then the association, then one pod, then the others. */
  const ROLE_FIRST = ['UpdateAddon', 'DeletePodIdentityAssociation', 'create pods/eviction', 'patch deployments'];

  it.each<[string, string, Partial<Asked>, string[]]>([
    ['the delete', 'DeleteAddon', { strategy: 'recreate' }, ['DeleteAddon', 'CreateAddon']],
    [
      'the delete with preserve',
      'DeleteAddon',
      { strategy: 'recreate', preserve: true },
      ['DeleteAddon', 'CreateAddon'],
    ],
    ['the create', 'CreateAddon', { strategy: 'recreate' }, ['DeleteAddon', 'CreateAddon', ...ROLE_FIRST]],
    ['the update', 'UpdateAddon', { strategy: 'in-place' }, ['UpdateAddon', ...ROLE_FIRST]],
  ])('after %s restores everything', async (_, after, asked, operations) => {
    const seen = await cancelled(({ operation }) => operation === after, asked);
    expect(seen.answer).toMatchObject({ begun: true });
    expect(seen.report).toMatchObject({ outcome: 'rolled-back', verified: 'injected', failure: { name: 'Cancelled' } });
    expect([seen.changes, seen.after, seen.locks]).toEqual([operations, seen.before, []]);
  });

  it('that arrives when all is verified and only the end is missing stops nothing any more', async () =>
    expect((await cancelled(({ step, operation }) => step === 'finish' && operation === 'Query')).report.outcome).toBe(
      'migrated',
    ));

  it('of an ended migration is refused', () =>
    inWorld({ scenario: 'preserve' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      const message = containing('is over: it ended migrated');
      await expectRefused(cancel(world.backend, { migrationId }), 'MigrationOver', message);
    }));
});
