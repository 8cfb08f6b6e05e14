import { describe, expect, test, vi } from 'vitest';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import { awaitDeletedStep } from '../../../lambdas/steps/await-deleted/handler.ts';
import { deleteAddonStep } from '../../../lambdas/steps/delete-addon/handler.ts';
import { DELETE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAddon, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => recreating());
/** On the way of the full recreate. */
const recreating = (): Promise<Begun> => begun({ plan: { attempts: [RECREATE] } });

describe('delete-addon', () => {
  const run = (fakes: Begun): Promise<unknown> => invoke(deleteAddonStep, fakes.input, fakes);

  it.each([RECREATE_PRESERVING, RECREATE])(
    'deletes, preserve $preserve, after it has noted the copy and asserted its lock',
    async (currentAttempt) => {
      const fakes = await begun({ plan: { attempts: [currentAttempt] } });
      expect(await run(fakes)).toEqual({ deleted: true });
      expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve: currentAttempt.preserve }]]);
      expect(fakes.journal.of('ledger.recordCopy')).toEqual([[MIGRATION_ID, 'removed', addonArn(1)]]);
      expect(fakes.journal.names().slice(-3)).toEqual(['ledger.recordCopy', 'ledger.assertLock', 'eks.deleteAddon']);
    },
  );

  it('deletes nothing that it could not note', async ({ fakes }) => {
    fakes.journal.failNext('ledger.recordCopy');
    await expectError(run(fakes), 'ConnectionLost');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('refuses a way that the plan does not have', ({ fakes }) =>
    expectError(invoke(deleteAddonStep, { ...fakes.input, attempt: 1 }, fakes), 'BadInput'));

  it('invoked again deletes nothing again', async ({ fakes }) => {
    await run(fakes);
    expect(await run(fakes)).toEqual({ deleted: false });
    fakes.clock.advance(DELETE_MS);
    expect([await run(fakes), fakes.journal.mutations()]).toEqual([{ deleted: false }, ['eks.deleteAddon']]);
  });

  it('deletes again where EKS does not show the delete yet, which changes nothing', async ({ fakes }) => {
    fakes.eks.deleteShowsAfter = 10_000;
    await run(fakes);
    expect(await run(fakes)).toEqual({ deleted: true });
    fakes.clock.advance(DELETE_MS);
    expect(await run(fakes)).toEqual({ deleted: false });
  });

  it('does not take a 404 at its word while the add-on is described all the same', async ({ fakes }) => {
    vi.spyOn(fakes.eks, 'deleteAddon').mockResolvedValueOnce(false);
    await expectError(run(fakes), 'ServiceUnavailable', 'The deletion is retried');
    expect(await run(fakes)).toEqual({ deleted: true });
  });

  it.each<[string, Partial<Addon>]>([
    ['created again', { arn: addonArn(2) }],
    ['updated', { version: 'v1.40.0-eksbuild.1' }],
    ['given another role', { serviceAccountRoleArn: OTHER_ROLE }],
    ['configured', { configurationValues: '{}' }],
    ['begun to update', { status: 'UPDATING' }],
    ['begun to delete', { status: 'DELETING' }],
    ['taken off its role', { serviceAccountRoleArn: undefined }],
  ])('leaves an add-on alone that another principal has %s', async (_, change) => {
    const fakes = await recreating();
    fakes.eks.addons.set(ADDON, anAddon(change));
    await expectError(run(fakes), 'AddonChanged', 'left alone');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each(['ACTIVE', 'DEGRADED', 'DELETE_FAILED'] as const)('deletes one that is %s', async (status) => {
    const fakes = await recreating();
    fakes.eks.addons.set(ADDON, anAddon({ status }));
    expect(await run(fakes)).toEqual({ deleted: true });
  });

  it.each(['CREATING', 'CREATE_FAILED', 'UPDATE_FAILED'] as const)('leaves one alone that is %s', async (status) => {
    const fakes = await recreating();
    fakes.eks.addons.set(ADDON, anAddon({ status }));
    await expectError(run(fakes), 'AddonChanged');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('stops if another principal has deleted the add-on, but only after three reads', async ({ fakes }) => {
    fakes.eks.misses = 2;
    expect(await run(fakes)).toEqual({ deleted: true });
    const gone = await recreating();
    gone.eks.addons.delete(ADDON);
    await expectError(run(gone), 'AddonChanged', 'it was deleted outside this migration');
  });

  it('leaves it to await-deleted to tell of another copy that came after its own delete', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE] }, record: { removed: [addonArn(1)] } });
    fakes.eks.addons.set(ADDON, aMigratedAddon(['a-new'], { arn: addonArn(2) }));
    expect([await run(fakes), fakes.journal.mutations()]).toEqual([{ deleted: false }, []]);
    await expectError(invoke(awaitDeletedStep, fakes.input, fakes), 'AddonChanged');
  });
});

describe('delete-addon on a later way', () => {
  const attempts = [IN_PLACE, RECREATE_PRESERVING, RECREATE];
  const run = (fakes: Begun, attempt: number) => invoke(deleteAddonStep, { ...fakes.input, attempt }, fakes);
  const afterInPlace = async (change: Partial<Addon> = {}): Promise<Begun> => {
    const fakes = await begun({ plan: { attempts } });
    fakes.eks.addons.set(ADDON, aMigratedAddon(['a-new'], change));
    return fakes;
  };

  it('notes the way and deletes what the first one has left, role or not', async () => {
    for (const change of [{}, { serviceAccountRoleArn: anAddon().serviceAccountRoleArn }]) {
      const fakes = await afterInPlace(change);
      expect(await run(fakes, 1)).toEqual({ deleted: true });
      expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve: true }]]);
      expect(await fakes.record()).toMatchObject({ attempt: 1, removed: [addonArn(1)] });
    }
  });

  it('deletes the copy that the way before has made', async () => {
    const fakes = await begun({
      plan: { attempts },
      record: { attempt: 1, removed: [addonArn(1)], made: [addonArn(2)] },
    });
    fakes.eks.addons.set(ADDON, aMigratedAddon(['a-new'], { arn: addonArn(2) }));
    expect(await run(fakes, 2)).toEqual({ deleted: true });
    expect(await fakes.record()).toMatchObject({ attempt: 2, removed: [addonArn(1), addonArn(2)] });
    expect(await run(fakes, 2)).toEqual({ deleted: false });
    expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve: false }]]);
  });

  it.each<[string, Partial<Addon>]>([
    ['updated', { version: 'v1.40.0-eksbuild.1' }],
    ['configured', { configurationValues: '{}' }],
    ['given another role', { serviceAccountRoleArn: OTHER_ROLE }],
    ['created again', { arn: addonArn(2) }],
    ['begun to update', { status: 'UPDATING' }],
    ['given a second association', { podIdentityAssociations: ['a-new', 'a-second'] }],
    ['taken off its association', { podIdentityAssociations: [] }],
  ])('leaves an add-on alone that another principal has %s', async (_, change) => {
    const fakes = await afterInPlace(change);
    await expectError(run(fakes, 1), 'AddonChanged');
    expect([fakes.journal.mutations(), (await fakes.record()).removed]).toEqual([[], []]);
  });
});

describe('await-deleted', () => {
  const run = (fakes: Begun): Promise<unknown> => invoke(awaitDeletedStep, fakes.input, fakes);
  const deleting = (): Promise<Begun> => begun({ plan: { attempts: [RECREATE] }, record: { removed: [addonArn(1)] } });

  it('believes at once that its own delete is over: the create looks again', async () => {
    const fakes = await deleting();
    fakes.eks.addons.delete(ADDON);
    expect(await run(fakes)).toEqual({ gone: true });
    expect(fakes.journal.of('eks.describeAddon')).toHaveLength(1);
  });

  it.each(['ACTIVE', 'DELETING'] as const)('is not done while it is %s', async (status) => {
    const fakes = await deleting();
    fakes.eks.addons.set(ADDON, anAddon({ status }));
    await expectError(run(fakes), 'AddonStillThere', status);
  });

  it('tells of a delete that failed', async () => {
    const fakes = await deleting();
    fakes.eks.addons.set(
      ADDON,
      anAddon({ status: 'DELETE_FAILED', issues: [{ code: 'AccessDenied', message: 'no rights', resourceIds: [] }] }),
    );
    await expectError(run(fakes), 'AddonFailed', 'AccessDenied: no rights');
  });

  it('recognizes an add-on that another principal has created in the meantime', async () => {
    const fakes = await deleting();
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2), status: 'CREATING' }));
    await expectError(run(fakes), 'AddonChanged', 'created again outside this migration');
  });

  it('fails if another principal has deleted the add-on, but only after three reads', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE] } });
    fakes.eks.addons.delete(ADDON);
    await expectError(run(fakes), 'AddonChanged');
    expect(fakes.journal.of('eks.describeAddon')).toHaveLength(3);
    expect(fakes.clock.slept).toEqual([2000, 2000]);
  });
});
