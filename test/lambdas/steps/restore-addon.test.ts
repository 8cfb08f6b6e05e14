import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../lambdas/domain/record/plan.ts';
import { restoreAddonStep } from '../../../lambdas/steps/restore-addon/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE, VERSION } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation } from '../eks-fixtures.ts';
import { aMigration, IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';
import { aCopy, COPY, made, recreated, removed } from './rollback.ts';

const byApi = { ...aMigration().request, verification: 'api' as const };
type Action = 'update' | 'delete' | 'create';
const restore = (fakes: Begun, action: Action, actions = 0): Promise<unknown> =>
  invoke(restoreAddonStep, { ...fakes.input, fence: fakes.input.fence, action, actions }, fakes);
const onAttempt = (attempt: Attempt): Promise<Begun> => begun({ plan: { attempts: [attempt] } });
const failed = (fakes: Begun): Promise<void> => recreated(fakes, { status: 'CREATE_FAILED' });
const positions = ({ journal }: Begun, ...names: string[]): number[] =>
  names.map((name) => journal.names().lastIndexOf(name));
const expectAscending = (numbers: number[]): void =>
  expect(numbers).toEqual([...new Set(numbers)].filter((one) => one >= 0).sort((a, b) => a - b));

describe('restore-addon', () => {
  const THE_ROLE = {
    addon: ADDON,
    resolveConflicts: 'PRESERVE',
    clientRequestToken: `${MIGRATION_ID}-1-restore-update-3`,
    serviceAccountRoleArn: ROLE,
  };

  it('updates with the old role alone and PRESERVE, and no version: the associations stay', async () => {
    const fakes = await onAttempt(IN_PLACE);
    await recreated(fakes);
    expect(await restore(fakes, 'update', 3)).toEqual({ done: true });
    expect([fakes.journal.of('eks.updateAddon'), fakes.eks.associations]).toEqual([[[THE_ROLE]], [made()]]);
  });

  it('changes all in one update if EKS refuses the role together with associations, and notes the deleted ones', async () => {
    const fakes = await onAttempt(IN_PLACE);
    await recreated(fakes);
    fakes.journal.refuseNext('eks.updateAddon', 'InvalidRequest', 'name them, or none');
    expect(await restore(fakes, 'update', 3)).toEqual({ done: true });
    const token = `${MIGRATION_ID}-1-restore-update-3-at-once`;
    expect(fakes.journal.of('eks.updateAddon')).toEqual([
      [THE_ROLE],
      [{ ...THE_ROLE, podIdentityAssociations: [], clientRequestToken: token }],
    ]);
    expect((await fakes.record()).associations.purged).toEqual([made()]);
    const names = fakes.journal.names();
    expect(names.lastIndexOf('ledger.assertLock')).toBe(names.lastIndexOf('eks.updateAddon') - 1);
  });

  it('has EKS replace the pods in a second update, where nobody may look at them', async () => {
    const fakes = await begun({ plan: { attempts: [IN_PLACE] }, record: { request: byApi } });
    await recreated(fakes);
    expect(await restore(fakes, 'update', 3)).toEqual({ done: true });
    fakes.eks.addons.set(ADDON, aCopy({ serviceAccountRoleArn: ROLE }));
    expect(await restore(fakes, 'update', 4)).toEqual({ done: true });
    const second = { ...THE_ROLE, clientRequestToken: `${MIGRATION_ID}-1-restore-update-4` };
    expect(fakes.journal.of('eks.updateAddon')).toEqual([[THE_ROLE], [{ ...second, podIdentityAssociations: [] }]]);
  });

  it.each([
    ['NONE', RECREATE_PRESERVING],
    ['OVERWRITE', RECREATE],
  ])('creates as it was, conflicts: %s, and notes the copy', async (resolveConflicts, attempt) => {
    const fakes = await begun({
      plan: { attempts: [attempt] },
      snapshot: {
        addon: anAddon({ namespace: 'storage', tags: { team: 'storage', 'aws:cloudformation:stack-name': 'x' } }),
      },
    });
    await removed(fakes);
    expect(await restore(fakes, 'create', 1)).toEqual({ done: true });
    expect(fakes.journal.of('eks.createAddon')).toEqual([
      [
        {
          addon: ADDON,
          version: VERSION,
          tags: { team: 'storage' },
          resolveConflicts,
          clientRequestToken: `${MIGRATION_ID}-1-restore-create-1`,
          serviceAccountRoleArn: ROLE,
          configurationValues: anAddon().configurationValues,
          namespace: 'storage',
        },
      ],
    ]);
    expect((await fakes.record()).made).toEqual([fakes.eks.addons.get(ADDON)?.arn]);
  });

  it.each([RECREATE_PRESERVING, RECREATE])('notes a copy that failed on %j, then deletes it', async (attempt) => {
    const fakes = await onAttempt(attempt);
    await failed(fakes);
    fakes.journal.clear();
    expect(await restore(fakes, 'delete')).toEqual({ done: true });
    expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve: attempt.preserve }]]);
    expectAscending(
      positions(fakes, 'ledger.recordAssociation', 'ledger.recordCopy', 'ledger.assertLock', 'eks.deleteAddon'),
    );
    const record = await fakes.record();
    expect([record.removed, record.associations.created]).toEqual([[addonArn(1), COPY], [made()]]);
  });

  it.each<[Action, (fakes: Begun) => unknown]>([
    ['update', (fakes) => removed(fakes)],
    ['update', () => undefined],
    ['delete', (fakes) => recreated(fakes)],
    ['create', (fakes) => recreated(fakes)],
    ['create', (fakes) => fakes.eks.addons.delete(ADDON)],
  ])('does not %s where something else is needed by now', async (action, prepare) => {
    const fakes = await onAttempt(RECREATE_PRESERVING);
    await prepare(fakes);
    expect([await restore(fakes, action), fakes.journal.mutations()]).toEqual([{ done: false }, []]);
  });

  it('does not create for a moment in which the add-on is not shown', async () => {
    const fakes = await onAttempt(RECREATE_PRESERVING);
    await recreated(fakes);
    await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', COPY);
    fakes.eks.misses = 2;
    expect(await restore(fakes, 'create')).toEqual({ done: false });
  });

  it.each<[string, string[]]>([
    ['leaves what its own copies left behind until the role is back', ['eks.createAddon']],
    ['deletes that before, where only EKS replaces pods', ['eks.deleteAssociation', 'eks.createAddon']],
  ])('%s, and leaves third-party associations alone', async (_, mutations) => {
    const isByEks = mutations.length > 1;
    const fakes = await begun({
      plan: { attempts: [RECREATE_PRESERVING] },
      ...(isByEks ? { record: { request: byApi } } : {}),
    });
    await recreated(fakes);
    await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', COPY);
    fakes.eks.addons.delete(ADDON);
    const others = anAssociation({ id: 'a-shop', serviceAccount: 'shop', roleArn: OTHER_ROLE });
    fakes.eks.associations.push(others);
    fakes.journal.clear();
    expect([await restore(fakes, 'create'), fakes.journal.mutations()]).toEqual([{ done: true }, mutations]);
    expect(fakes.eks.associations).toEqual(isByEks ? [others] : [made(), others]);
    if (!isByEks) return;
    expectAscending(positions(fakes, 'ledger.recordAssociation', 'eks.deleteAssociation', 'eks.createAddon'));
    expect((await fakes.record()).associations.purged).toEqual([made()]);
  });

  it('only deletes left-overs where the add-on is as it was and only EKS replaces pods', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE_PRESERVING] }, record: { request: byApi } });
    await recreated(fakes);
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(7) }));
    await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', COPY);
    await fakes.ledger.recordCopy(MIGRATION_ID, 'made', addonArn(7));
    expect(await restore(fakes, 'update')).toEqual({ done: true });
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAssociation']);
  });

  it('creates with the associations that the add-on owned, as soon as their keys are free', async () => {
    const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1) });
    const fakes = await begun({
      plan: { attempts: [RECREATE_PRESERVING] },
      snapshot: { addon: anAddon({ podIdentityAssociations: [owned.arn] }), associations: [owned] },
    });
    await removed(fakes);
    // Outlived the delete with preserve.
    fakes.eks.associations = [owned];
    fakes.eks.keyFreedAfter = 3000;
    await expectError(restore(fakes, 'create'), 'AssociationStillThere', 'a-owned');
    fakes.clock.advance(5000);
    expect(await restore(fakes, 'create')).toEqual({ done: true });
    expect(fakes.eks.associations).toMatchObject([
      { serviceAccount: owned.serviceAccount, roleArn: ROLE, ownerArn: fakes.eks.addons.get(ADDON)?.arn },
    ]);
  });

  it("leaves another principal's conflicting association alone", async () => {
    const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1) });
    const fakes = await begun({
      plan: { attempts: [RECREATE_PRESERVING] },
      snapshot: { addon: anAddon({ podIdentityAssociations: [owned.arn] }), associations: [owned] },
    });
    await removed(fakes);
    fakes.eks.associations = [anAssociation({ id: 'a-others', roleArn: OTHER_ROLE })];
    await expectError(restore(fakes, 'create'), 'RestoreRefused', /a-others.*left alone/);
    expect(fakes.eks.associations).toHaveLength(1);
  });

  it('answers that nothing was done where the add-on went between look and update', async () => {
    const fakes = await onAttempt(RECREATE_PRESERVING);
    await recreated(fakes);
    fakes.journal.refuseNext('eks.updateAddon', 'NotFound', 'No addon');
    expect(await restore(fakes, 'update')).toEqual({ done: false });
  });

  it('creates no other version where EKS no longer offers the former one', async () => {
    const fakes = await onAttempt(RECREATE);
    await removed(fakes);
    const refused = 'eks:CreateAddon: InvalidParameterException: Addon version specified is not supported';
    fakes.journal.refuseNext('eks.createAddon', 'InvalidRequest', refused);
    await expectError(restore(fakes, 'create'), 'RestoreRefused', `no longer offers version ${VERSION}`);
    fakes.journal.refuseNext('eks.createAddon', 'InvalidRequest', 'no such subnet');
    await expectError(restore(fakes, 'create'), 'InvalidRequest', 'no such subnet');
  });

  it.each(['Busy', 'AccessDenied'] as const)('passes %s on', async (name) => {
    const fakes = await onAttempt(RECREATE_PRESERVING);
    fakes.eks.addons.set(ADDON, aCopy());
    await recreated(fakes);
    fakes.journal.refuseNext('eks.updateAddon', name, 'Addon cannot be updated');
    await expectError(restore(fakes, 'update'), name);
  });
});
