import { describe, expect, test } from 'vitest';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import type { PlannedAssociation } from '../../../lambdas/domain/terms/planned.ts';
import { beginStep } from '../../../lambdas/steps/begin/handler.ts';
import { invoke, newFakes, type Fakes } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE, target } from '../example.ts';
import { ADDON_LOCK, at, MIGRATION_ID, OTHER_EXECUTION, OTHER_MIGRATION_ID, ROLE_LOCK, RUN } from '../run-examples.ts';
import { bothWays } from '../trust-examples.ts';
import { anAddon, anAssociation, planned } from '../eks-fixtures.ts';
import { aMigration, aPlan, aRequest, IN_PLACE, GRANTED } from '../fixtures.ts';
import { lockText, roleLock, subjectLock } from '../../../lambdas/use-cases/record/lock.ts';
import { expectError, expectExactError } from '../matchers.ts';
import { BEFORE, REPAIR, repairOf } from './repaired.ts';

const it = test.extend('fakes', () => plannedFakes());
const input = { ...RUN, target, subject: ADDON };
/** By the hash of the plan that the fakes were given. */
const hashes = new WeakMap<Fakes, string>();
const run = (fakes: Fakes) => invoke(beginStep, { ...input, planHash: hashes.get(fakes) ?? 'none' }, fakes);

const recordOf = ({ ledger }: Fakes) => ledger.getMigration(MIGRATION_ID);
const snapshotOf = ({ ledger }: Fakes) => ledger.getSnapshot(MIGRATION_ID);
/** Of the service account that the fixtures' plan gives an association to. */
const ACCOUNT_LOCK = subjectLock(target, `${planned.namespace}/${planned.serviceAccount}`);
const ACCOUNTS = `arn:aws:iam::111122223333:role/*`;

async function plannedFakes(change: Partial<Plan> = {}, request: Partial<MigrationRequestInput> = {}): Promise<Fakes> {
  const fakes = newFakes();
  fakes.settings.repairableRoleArns = [ACCOUNTS];
  const migration = aMigration({ plan: aPlan(change), request: aRequest(request) });
  hashes.set(fakes, migration.plan!.hash);
  await fakes.ledger.putMigration(migration);
  return fakes;
}

describe('begin', () => {
  it('takes the locks and then stores the snapshot, before it answers', async () => {
    const fakes = await plannedFakes({ existing: ['a-left00000000000001'] });
    fakes.eks.associations = [anAssociation()];
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect(await snapshotOf(fakes)).toEqual({
      takenAt: at(0),
      addon: anAddon(),
      namespace: 'kube-system',
      planned: [planned],
      identityLosses: [],
      bystanders: [],
      annotated: [],
      associations: [anAssociation()],
      trustPolicies: { [ROLE]: bothWays },
    });
    await fakes.ledger.assertLock(ADDON_LOCK, MIGRATION_ID, 1);
    // Nobody else may migrate its service account; its role others may work with too.
    await fakes.ledger.assertLock(ACCOUNT_LOCK, MIGRATION_ID, 1);
    expect(await fakes.ledger.readLock(ROLE_LOCK)).toMatchObject({ shared: [{ migrationId: MIGRATION_ID }] });
    expect(await recordOf(fakes)).toMatchObject({ locks: [ADDON_LOCK, ACCOUNT_LOCK, ROLE_LOCK], attempt: 0 });
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.updateMigration')).toBeLessThan(names.indexOf('ledger.acquireLock'));
    expect(names.lastIndexOf('ledger.acquireLock')).toBeLessThan(names.indexOf('eks.describeAddon'));
    // Then it lists the migrations that wait for the same add-on.
    expect([names.slice(-2), fakes.journal.mutations()]).toEqual([['ledger.putSnapshot', 'ledger.listWaiting'], []]);
  });

  it('keeps the trust of every role that takes part', async () => {
    const named = `${ROLE}-named`;
    const associations: PlannedAssociation[] = [
      { ...planned, roleArn: OTHER_ROLE },
      { ...planned, serviceAccount: 'x', roleArn: named, standalone: true },
    ];
    const fakes = await plannedFakes({ associations });
    fakes.roles.trust[OTHER_ROLE] = 'other';
    fakes.roles.trust[named] = 'named';
    fakes.settings.roleGrants = GRANTED;
    await fakes.ledger.putMigration(
      aMigration({ plan: aPlan({ associations }), request: aRequest({ roleArn: OTHER_ROLE, roles: { x: named } }) }),
    );
    await run(fakes);
    expect((await snapshotOf(fakes))?.trustPolicies).toEqual({
      [ROLE]: bothWays,
      [OTHER_ROLE]: 'other',
      [named]: 'named',
    });
  });

  it('invoked again finds its own locks, under the fence that they have, and lets the first snapshot stand', async () => {
    const fakes = await plannedFakes();
    await run(fakes);
    const first = await snapshotOf(fakes);
    fakes.clock.advance(5000);
    fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETING' }));
    expect([await run(fakes), await snapshotOf(fakes)]).toEqual([{ fence: 1 }, first]);
  });

  const another = (executionArn = OTHER_EXECUTION): { migrationId: string; executionArn: string; since: string } => ({
    migrationId: OTHER_MIGRATION_ID,
    executionArn,
    since: at(-60),
  });
  const heldSince = (what: string): string =>
    `Migration ${OTHER_MIGRATION_ID} has held the lock on ${what} since ${at(-60)} (execution ${OTHER_EXECUTION}).`;

  it('says who holds the lock and leaves everything alone', async ({ fakes }) => {
    await fakes.ledger.acquireLock(ADDON_LOCK, another());
    await expectExactError(
      run(fakes),
      'SubjectBusy',
      `${heldSince(lockText(ADDON_LOCK))} Wait until that migration has ended, then start again.`,
    );
    expect(await snapshotOf(fakes)).toBeUndefined();
    expect((await fakes.ledger.readLock(ROLE_LOCK))?.holder).toBeUndefined();
    expect(await recordOf(fakes)).toMatchObject({ heldBy: OTHER_MIGRATION_ID });
    expect((await recordOf(fakes))?.attempt).toBeUndefined();
    expect(fakes.journal.names()).not.toContain('eks.describeAddon');
  });

  it('shares a role with other migrations', async ({ fakes }) => {
    await fakes.ledger.acquireLock(ROLE_LOCK, another(), 'shared');
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect((await fakes.ledger.readLock(ROLE_LOCK))?.shared).toHaveLength(2);
  });

  it('does not share a role whose trust it repairs, and others wait meanwhile', async () => {
    const fakes = await plannedFakes({ trustRepairs: [REPAIR] }, { trust: 'repair' });
    fakes.roles.trust[ROLE] = BEFORE;
    await fakes.ledger.acquireLock(ROLE_LOCK, another(), 'shared');
    await expectError(run(fakes), 'RoleLockHeld');
    // It does not wait for ever: a migration that comes later waits for it.
    const next = { ...another('another-execution'), since: at(30) };
    expect(await fakes.ledger.acquireLock(ROLE_LOCK, next, 'shared')).toMatchObject({
      acquired: false,
      holder: { migrationId: MIGRATION_ID },
    });
    await fakes.ledger.releaseLock(ROLE_LOCK, OTHER_EXECUTION);
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect(await fakes.ledger.acquireLock(ROLE_LOCK, next, 'shared')).toMatchObject({ acquired: false });
  });

  it('says who works on a service account that it would change, and leaves everything alone', async ({ fakes }) => {
    await fakes.ledger.acquireLock(ACCOUNT_LOCK, another());
    await expectExactError(
      run(fakes),
      'SubjectBusy',
      `${heldSince(lockText(ACCOUNT_LOCK))} Wait until that migration has ended, then start again.`,
    );
  });

  it("waits for a role that another add-on's migration holds, and keeps what it has", async ({ fakes }) => {
    await fakes.ledger.acquireLock(ROLE_LOCK, another());
    await expect(run(fakes)).rejects.toMatchObject({
      name: 'RoleLockHeld',
      message: `${heldSince(`role ${ROLE}`)} One of the two migrations changes the role's trust policy, which requires that no other migration uses the role. This migration waits for the lock.`,
    });
    await fakes.ledger.assertLock(ADDON_LOCK, MIGRATION_ID, 1);
    expect(fakes.journal.names()).not.toContain('eks.describeAddon');
    await fakes.ledger.releaseLock(ROLE_LOCK, OTHER_EXECUTION);
    expect(await run(fakes)).toEqual({ fence: 1 });
  });

  it('takes the locks of all roles in one order, whichever way they are named', async () => {
    for (const roles of [
      [OTHER_ROLE, ROLE],
      [ROLE, OTHER_ROLE],
    ]) {
      const fakes = await plannedFakes(
        { associations: roles.map((roleArn, index) => ({ ...planned, serviceAccount: `account-${index}`, roleArn })) },
        { roles: Object.fromEntries(roles.map((roleArn, index) => [`account-${index}`, roleArn])) },
      );
      fakes.settings.roleGrants = GRANTED;
      await run(fakes);
      const accounts = [0, 1].map((index) => subjectLock(target, `kube-system/account-${index}`));
      const keys = [ADDON_LOCK, ...accounts, ROLE_LOCK, roleLock(OTHER_ROLE)];
      expect(fakes.journal.of('ledger.acquireLock').map(([key]) => key)).toEqual(keys);
      expect((await recordOf(fakes))?.locks).toEqual(keys);
    }
  });

  it('does not take the locks over from an earlier execution of its own migration', async ({ fakes }) => {
    await fakes.ledger.acquireLock(ADDON_LOCK, { ...another(), migrationId: MIGRATION_ID });
    await expectError(run(fakes), 'SubjectBusy');
  });

  it('does not believe in one look that finds no add-on', async ({ fakes }) => {
    fakes.eks.misses = 2;
    expect(await run(fakes)).toEqual({ fence: 1 });
  });

  it.each<[string, Addon | undefined]>([
    ['gone', undefined],
    ['created again', anAddon({ arn: addonArn(2) })],
    ['updating', anAddon({ status: 'UPDATING' })],
    ['without its role', anAddon({ serviceAccountRoleArn: undefined })],
  ])('stops when the add-on is %s by now', async (_, now) => {
    const fakes = await plannedFakes();
    if (now) fakes.eks.addons.set(ADDON, now);
    else fakes.eks.addons.delete(ADDON);
    await expectError(run(fakes), 'AddonChanged', 'Nothing was changed; plan again');
    expect(await snapshotOf(fakes)).toBeUndefined();
  });

  const LEFT_ID = 'a-left00000000000001';
  it.each([
    ['came', [], [anAssociation()]],
    ['went', [LEFT_ID], []],
    ['was made again', [LEFT_ID], [anAssociation({ id: 'a-another' })]],
    ['was chained', [LEFT_ID], [anAssociation({ targetRoleArn: OTHER_ROLE })]],
    ['was tagged', [LEFT_ID], [anAssociation({ tags: { team: 'storage' } })]],
    ['was taken over', [LEFT_ID], [anAssociation({ tags: { 'aws:cloudformation:stack-name': 'pods' } })]],
    ['was given to another add-on', [LEFT_ID], [anAssociation({ ownerArn: addonArn(1, 'aws-efs-csi-driver') })]],
  ])('stops when an association %s', async (_, existing, there) => {
    const fakes = await plannedFakes({ existing });
    fakes.eks.associations = there;
    await expectError(run(fakes), 'AssociationChanged');
    expect(await snapshotOf(fakes)).toBeUndefined();
  });

  it('locks and keeps the trust of a role that is repaired', async () => {
    const second = { ...planned, serviceAccount: 'other', roleArn: OTHER_ROLE };
    const fakes = await plannedFakes(
      { associations: [planned, second], trustRepairs: [REPAIR, repairOf(OTHER_ROLE, second.serviceAccount)] },
      { trust: 'repair', roles: { other: OTHER_ROLE } },
    );
    fakes.settings.roleGrants = GRANTED;
    Object.assign(fakes.roles.trust, { [ROLE]: BEFORE, [OTHER_ROLE]: BEFORE });
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect((await recordOf(fakes))?.locks).toEqual([
      ADDON_LOCK,
      ACCOUNT_LOCK,
      subjectLock(target, 'kube-system/other'),
      ROLE_LOCK,
      roleLock(OTHER_ROLE),
    ]);
    for (const role of [ROLE, OTHER_ROLE]) await fakes.ledger.assertLock(roleLock(role), MIGRATION_ID, 1);
    expect((await snapshotOf(fakes))?.trustPolicies).toEqual({ [ROLE]: BEFORE, [OTHER_ROLE]: BEFORE });
  });

  it.each([[bothWays], [undefined]])('stops when a trust policy to be repaired is another by now: %s', async (now) => {
    const fakes = await plannedFakes({ trustRepairs: [REPAIR] }, { trust: 'repair' });
    fakes.roles.trust[ROLE] = now;
    await expectError(run(fakes), 'TrustChanged', /no longer as the plan found it.*nothing was changed.*try again/);
    expect(await snapshotOf(fakes)).toBeUndefined();
  });

  it('goes on where what is carried over is as planned', async () => {
    const chained = anAssociation({ disableSessionTags: true, tags: { team: 'storage', tier: 'one' } });
    const carryOver = [
      {
        namespace: planned.namespace,
        serviceAccount: planned.serviceAccount,
        from: chained.id,
        disableSessionTags: true,
        tags: { tier: 'one', team: 'storage' },
      },
    ];
    const fakes = await plannedFakes({ existing: [chained.id], carryOver, attempts: [IN_PLACE] });
    fakes.eks.associations = [chained];
    expect(await run(fakes)).toEqual({ fence: 1 });
    expect((await snapshotOf(fakes))?.associations).toEqual([chained]);
  });

  it.each<[string, (fakes: Fakes) => Promise<void>]>([
    ['no record', async () => undefined],
    ['a plan that blocks', ({ ledger }) => ledger.putMigration(aMigration({ plan: aPlan({ verdict: 'blocked' }) }))],
    ['no plan', ({ ledger }) => ledger.putMigration(aMigration({ plan: undefined }))],
  ])('refuses %s before it takes the lock', async (_, prepare) => {
    const fakes = newFakes();
    await prepare(fakes);
    await expectError(run(fakes), 'BadInput', MIGRATION_ID);
    expect(fakes.journal.names()).not.toContain('ledger.acquireLock');
  });
});
