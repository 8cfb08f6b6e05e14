/** What a person requests: the rollback of an ended migration, and the cancellation of a running one. */
import { DeleteAddonCommand, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { cancel } from '../../cli/cancel.ts';
import { CliError } from '../../cli/errors.ts';
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { ADDON } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';
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

/** The refusal of the attempt. */
const refusalOf = (attempt: Promise<unknown>): Promise<{ name: string; message: string }> =>
  attempt.then(
    () => {
      throw new Error('It was not refused.');
    },
    (error: unknown) => {
      if (!(error instanceof CliError)) throw error;
      return { name: error.name, message: error.message };
    },
  );

describe('a rollback of a migration that ended migrated', () => {
  const there = (asked: Partial<Asked>, options: WorldOptions) =>
    inWorld(options, async (world) => {
      const before = world.readAddon(ADDON, ACCOUNT);
      const migrated = await world.migrate({ addon: ADDON, ...asked });
      const between = world.readAddon(ADDON, ACCOUNT);
      const back = await world.rollBack({ migrationId: migrated.migrationId, ...WHO });
      const after = world.readAddon(ADDON, ACCOUNT);
      const twice = await refusalOf(world.rollBack({ migrationId: migrated.migrationId }));
      return {
        before,
        migrated,
        between,
        back,
        after,
        twice,
        again: await world.migrate({ addon: ADDON, ...asked }),
        locks: await world.backend.ledger.listHeldLocks(),
      };
    });

  it.each(WAYS)(
    '%s: the add-on has its original state, its pods are on IRSA again, and it can be migrated again',
    async (_, asked) => {
      const { before, migrated, between, back, after, twice, again, locks } = await there(asked, {
        scenario: 'preserve',
      });
      expect([migrated.outcome, back.outcome, again.outcome]).toEqual(['migrated', 'rolled-back', 'migrated']);
      expect([between, before]).toMatchObject([{ pods: ['pod-identity', 'pod-identity'] }, { pods: ['irsa', 'irsa'] }]);
      expect(after).toEqual(before);
      expect(back).toMatchObject({
        migrationId: migrated.migrationId,
        verified: 'injected',
        rollback: { cause: 'requested', after: 'migrated', ...WHO },
        failure: { name: 'RollbackRequested' },
      });
      expect(back.failure!.message).toContain(WHO.reason);
      expect(twice).toEqual({ name: 'RollbackRefused', message: containing('it was already rolled back') });
      expect(locks).toEqual([]);
    },
  );

  it.each(WAYS)('%s: a conflicting association is restored, with all its fields', async (_, asked) => {
    const { before, back, after } = await there(asked, { scenario: 'left-over-session-tags' });
    expect(back).toMatchObject({
      outcome: 'rolled-back',
      associations: {
        restored: [{ serviceAccount: ACCOUNT, disableSessionTags: true, tags: { 'cost-centre': '4711' } }],
      },
    });
    // The pods came first, and are older than it, as they were before.
    expect(after).toEqual(before);
  });

  it('after a second attempt', async () => {
    const { before, migrated, back, after } = await there({}, { scenario: 'auto-falls-back' });
    expect(migrated).toMatchObject({ outcome: 'migrated', applied: { strategy: 'recreate' } });
    expect([back.outcome, after]).toEqual(['rolled-back', before]);
  });
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
  ])('because %s: nothing is changed, and the migration stays migrated', async (_, happen, why) => {
    const { refusal, changes, report, locks, before, after } = await inWorld(
      { scenario: 'preserve' },
      async (world) => {
        const { migrationId } = await world.migrate({ addon: ADDON });
        await happen(world);
        await world.later(120_000);
        const seen = { before: world.readAddon(ADDON, ACCOUNT), changes: world.changes().length };
        const answer = await refusalOf(world.rollBack({ migrationId }));
        return {
          ...seen,
          refusal: answer,
          changes: world.changes().length - seen.changes,
          after: world.readAddon(ADDON, ACCOUNT),
          report: await world.report(migrationId),
          locks: await world.backend.ledger.listHeldLocks(),
        };
      },
    );
    expect(refusal).toEqual({ name: 'RollbackRefused', message: expect.stringMatching(why) as unknown });
    expect(refusal.message).toContain('Nothing was changed.');
    expect([changes, after, report.outcome]).toEqual([0, before, 'migrated']);
    expect(report.recovery).toBeUndefined();
    expect(locks).toEqual([]);
  });

  it('because there is nothing to roll back', async () => {
    const refusal = await inWorld({ scenario: 'agent-absent' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      return refusalOf(world.rollBack({ migrationId }));
    });
    expect(refusal).toEqual({ name: 'RollbackRefused', message: containing('ended blocked: it changed nothing') });
  });

  it('because the migration is still running: it can be cancelled instead', async () => {
    const { refusal, report } = await inWorld({ scenario: 'preserve' }, async (world) => {
      const execution = await world.start({ addon: ADDON });
      await world.until(execution, 'WaitForUpdate');
      const answer = await refusalOf(world.rollBack({ migrationId: execution.name }));
      await world.rest();
      return { refusal: answer, report: await world.report(execution.name) };
    });
    expect(refusal).toEqual({
      name: 'RollbackRefused',
      message: matching(/still working on migration \w+: cancel it instead \(pod-identity cancel/),
    });
    expect(report.outcome).toBe('migrated');
  });
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

  it('of an ended migration is refused', async () => {
    const refusal = await inWorld({ scenario: 'preserve' }, async (world) => {
      const { migrationId } = await world.migrate({ addon: ADDON });
      return refusalOf(cancel(world.backend, { migrationId }));
    });
    expect(refusal).toEqual({ name: 'MigrationOver', message: containing('is over: it ended migrated') });
  });
});
