import { describe, expect, it } from 'vitest';
import { isMigrationError } from '../../../lambdas/domain/errors.ts';
import type { Addon, Association } from '../../../lambdas/domain/model.ts';
import { restoreStep } from '../../../lambdas/steps/restore/handler.ts';
import { UPDATE_MS } from '../fake-eks.ts';
import { invoke, type When } from '../fakes.ts';
import { ADDON, addonArn, anAddon, anAssociation, associationArn, at, MIGRATION_ID, OTHER_ROLE, planned, ROLE, VERSION } from '../fixtures.ts';
import { begun, begunWithLeftOver, LEFT_OVER, type Begun } from './begun.ts';

const run = (fakes: Begun): Promise<unknown> => invoke(restoreStep, fakes.input, fakes);
/** Invokes it as the state machine does, until it is through or fails for good. */
async function restore(fakes: Begun): Promise<unknown> {
  for (let poll = 1; poll <= 60; poll += 1) {
    try {
      return await run(fakes);
    } catch (error) {
      if (!isMigrationError(error, 'RestoreInProgress') && !isMigrationError(error, 'ConnectionLost')) throw error;
      fakes.clock.advance(10_000);
    }
  }
  throw new Error('60 polls were not enough');
}

const made = (change: Partial<Association> = {}): Association => anAssociation({ id: 'a-made', createdAt: at(5), ...change });
/** The add-on as the migration created it. */
function migrated(fakes: Begun, change: Partial<Addon> = {}): void {
  fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2), serviceAccountRoleArn: undefined, podIdentityAssociations: [associationArn('a-made')], ...change }));
  fakes.eks.associations = [made({ ownerArn: addonArn(2) })];
}
const now = (fakes: Begun): Addon => fakes.eks.addons.get(ADDON)!;

/** Where a migration can have got to. */
const places: [string, (fakes: Begun) => void, string[]][] = [
  ['nothing was changed yet', () => undefined, []],
  ['the delete is on its way', (fakes) => fakes.eks.deleteAddon(ADDON, { preserve: false }), ['eks.createAddon']],
  ['the add-on is gone', (fakes) => fakes.eks.addons.delete(ADDON), ['eks.createAddon']],
  ['it is there on Pod Identity', (fakes) => migrated(fakes), ['eks.updateAddon']],
  ['it is DEGRADED on Pod Identity', (fakes) => migrated(fakes, { status: 'DEGRADED' }), ['eks.updateAddon']],
  ['its create failed', (fakes) => migrated(fakes, { status: 'CREATE_FAILED' }), ['eks.deleteAddon', 'eks.createAddon']],
];

describe.each(places)('restore when %s', (_, prepare, mutations) => {
  it('ends with the add-on as it was, by what is needed and no more', async () => {
    const fakes = await begun();
    prepare(fakes);
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(now(fakes)).toMatchObject({ status: 'ACTIVE', version: VERSION, serviceAccountRoleArn: ROLE, podIdentityAssociations: [], configurationValues: anAddon().configurationValues, tags: { team: 'storage' } });
    expect(fakes.eks.associations).toEqual([]);
    expect(fakes.journal.mutations()).toEqual(mutations);
    expect(await run(fakes)).toEqual({ restored: true });
    expect(fakes.journal.mutations()).toEqual(mutations);
  });

  it.each(mutations.flatMap((call) => (['before', 'after'] as When[]).map((when) => [call, when] as const)))('ends so too when the connection breaks at %s, %s the effect', async (call, when) => {
    const fakes = await begun();
    prepare(fakes);
    fakes.journal.failNext(call, when);
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(now(fakes)).toMatchObject({ status: 'ACTIVE', serviceAccountRoleArn: ROLE });
    expect(fakes.journal.mutations()).toHaveLength(mutations.length + (when === 'before' ? 1 : 0));
  });
});

describe('restore', () => {
  it('does one thing an invocation and makes sure of its lock first', async () => {
    const fakes = await begun();
    fakes.eks.addons.delete(ADDON);
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RestoreInProgress', message: expect.stringContaining('created again with its IRSA role') as string });
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RestoreInProgress', message: expect.stringContaining('is CREATING') as string });
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.assertLock')).toBeLessThan(names.indexOf('eks.describeAddon'));
    expect(names.indexOf('eks.createAddon')).toBeGreaterThan(0);
    expect(names[names.indexOf('eks.createAddon') - 1]).toBe('ledger.assertLock');
    expect(fakes.journal.of('eks.createAddon')[0]?.[0]).toMatchObject({ resolveConflicts: 'OVERWRITE', serviceAccountRoleArn: ROLE, clientRequestToken: `${MIGRATION_ID}-restore-create` });
  });

  it('looks again at what seems untouched: a delete may not show yet', async () => {
    const fakes = await begun();
    let looks = 0;
    fakes.clock.sleep = async () => {
      looks += 1;
      if (looks === 2) fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETING' }));
    };
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RestoreInProgress', message: expect.stringContaining('DELETING') as string });
  });

  it.each([true, false])('removes a copy that failed with preserve %s, as it was asked for', async (preserve) => {
    const fakes = await begun({ plan: { preserve } });
    migrated(fakes, { status: 'CREATE_FAILED' });
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve }]]);
    expect(fakes.eks.associations).toEqual([]);
  });

  it('removes an association of its own that outlived its add-on, and no other', async () => {
    const fakes = await begun();
    fakes.eks.addons.delete(ADDON);
    const others = [made({ id: 'a-old', createdAt: at(-60) }), made({ id: 'a-role', roleArn: OTHER_ROLE }), made({ id: 'a-shop', serviceAccount: 'shop' })];
    fakes.eks.associations = [made(), ...others];
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RestoreInProgress' });
    expect(fakes.journal.of('eks.deleteAssociation')).toEqual([['a-made']]);
    expect(fakes.eks.associations).toEqual(others);
  });

  it('brings the add-on\'s own associations back through the add-on', async () => {
    const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1) });
    const fakes = await begun({ snapshot: { addon: anAddon({ podIdentityAssociations: [owned.arn] }), associations: [owned] } });
    fakes.eks.addons.delete(ADDON);
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(fakes.eks.associations).toMatchObject([{ ...planned, ownerArn: addonArn(2) }]);
    expect(fakes.journal.names()).not.toContain('eks.createAssociation');
  });

  it('brings a purged stand-alone association back and notes it, once', async () => {
    const fakes = await begunWithLeftOver();
    fakes.eks.associations = [];
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(fakes.eks.associations).toMatchObject([{ namespace: LEFT_OVER.namespace, serviceAccount: LEFT_OVER.serviceAccount, roleArn: ROLE }]);
    const restored = fakes.eks.associations;
    expect((await fakes.record()).associations.restored).toEqual(restored);
    await run(fakes);
    expect(fakes.eks.associations).toEqual(restored);
    expect((await fakes.record()).associations.restored).toEqual(restored);
    expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
  });

  it('finds it there after the reply was lost, and notes it then', async () => {
    const fakes = await begunWithLeftOver();
    fakes.eks.associations = [];
    fakes.journal.failNext('eks.createAssociation', 'after');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes)).toEqual({ restored: true });
    expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
    expect((await fakes.record()).associations.restored).toEqual(fakes.eks.associations);
  });

  it('leaves one that was never purged as it is', async () => {
    const fakes = await begunWithLeftOver();
    expect(await restore(fakes)).toEqual({ restored: true });
    expect(fakes.eks.associations).toEqual([LEFT_OVER]);
    expect((await fakes.record()).associations.restored).toEqual([]);
  });

  it.each<[string, (fakes: Begun) => void, RegExp]>([
    ['another version', (fakes) => migrated(fakes, { version: 'v1.40.0-eksbuild.1' }), /somebody else changed add-on .*left as it is/],
    ['another role', (fakes) => migrated(fakes, { serviceAccountRoleArn: OTHER_ROLE }), /somebody else gave .*somebody-elses/],
    ['a delete that failed', (fakes) => migrated(fakes, { status: 'DELETE_FAILED' }), /could not delete/],
    ['another association', (fakes) => (fakes.eks.associations = [made({ roleArn: OTHER_ROLE })]), /Somebody else associated kube-system\/ebs-csi-controller-sa with .*somebody-elses.*left alone/],
  ])('leaves %s to a person', async (_, change, message) => {
    const fakes = await begunWithLeftOver();
    fakes.eks.associations = [];
    change(fakes);
    await expect(restore(fakes)).rejects.toMatchObject({ name: 'RestoreRefused', message: expect.stringMatching(message) as string });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('detaches what came beside the role, and waits for it', async () => {
    const fakes = await begun();
    migrated(fakes, { serviceAccountRoleArn: ROLE });
    await expect(run(fakes)).rejects.toMatchObject({ name: 'RestoreInProgress' });
    expect(fakes.journal.of('eks.updateAddon')).toEqual([[{ addon: ADDON, podIdentityAssociations: [], resolveConflicts: 'OVERWRITE', clientRequestToken: `${MIGRATION_ID}-restore-update`, serviceAccountRoleArn: ROLE }]]);
    fakes.clock.advance(UPDATE_MS);
    expect(await run(fakes)).toEqual({ restored: true });
  });
});
