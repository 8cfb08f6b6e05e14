import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import { updateAddonStep } from '../../../lambdas/steps/update-addon/handler.ts';
import { UPDATE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, anAddon, anAssociation, MIGRATION_ID, OTHER_ROLE, planned } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, LEFT_OVER, type Begun } from './begun.ts';

const it = test.extend('fakes', () => begun());
const update = (fakes: Begun): Promise<unknown> => invoke(updateAddonStep, fakes.input, fakes);
const OWN = anAssociation({ id: 'a-own', ownerArn: addonArn(1) });

describe('update-addon', () => {
  it('gives the add-on its associations, and leaves out role, version and configuration', async () => {
    const fakes = await begun({ record: { attempt: undefined } });
    expect(await update(fakes)).toEqual({ updated: true });
    expect(fakes.journal.of('eks.updateAddon')).toEqual([
      [
        {
          addon: ADDON,
          podIdentityAssociations: [planned],
          resolveConflicts: 'PRESERVE',
          clientRequestToken: `${MIGRATION_ID}-update-addon-0`,
        },
      ],
    ]);
    expect(fakes.journal.names().slice(-2)).toEqual(['ledger.assertLock', 'eks.updateAddon']);
    expect((await fakes.record()).attempt).toBe(0);
  });

  it('invoked again updates nothing again, while it is under way and after', async ({ fakes }) => {
    await update(fakes);
    expect(await update(fakes)).toEqual({ updated: false });
    fakes.clock.advance(UPDATE_MS);
    expect([await update(fakes), fakes.journal.mutations()]).toEqual([{ updated: false }, ['eks.updateAddon']]);
  });

  it("does not take the add-on's own association of before for the work of the update", async () => {
    const fakes = await begun({
      snapshot: { addon: anAddon({ podIdentityAssociations: [OWN.arn] }), associations: [OWN] },
    });
    fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: [OWN.arn] }));
    fakes.eks.associations = [structuredClone(OWN)];
    expect(await update(fakes)).toEqual({ updated: true });
    // Its id is the same, but the role is gone.
    expect([await update(fakes), fakes.journal.mutations()]).toEqual([{ updated: false }, ['eks.updateAddon']]);
  });
  it("sees its work in the role that the add-on's own association has now", async () => {
    const before = { ...OWN, roleArn: OTHER_ROLE };
    const fakes = await begun({
      snapshot: { addon: anAddon({ podIdentityAssociations: [OWN.arn] }), associations: [before] },
    });
    fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: [OWN.arn] }));
    fakes.eks.associations = [structuredClone(before)];
    fakes.eks.keepsRole = true;
    expect([await update(fakes), await update(fakes)]).toEqual([{ updated: true }, { updated: false }]);
  });

  it('sees its work in the other id that EKS gives the same association', async () => {
    const fakes = await begun({
      snapshot: { addon: anAddon({ podIdentityAssociations: [OWN.arn] }), associations: [OWN] },
    });
    fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: ['a-again'] }));
    fakes.eks.associations = [{ ...OWN, id: 'a-again', arn: 'a-again' }];
    expect([await update(fakes), fakes.journal.mutations()]).toEqual([{ updated: false }, []]);
  });

  it('sees its work in a standalone association that belongs to the add-on now', async () => {
    const standAlone = { ...OWN, ownerArn: undefined };
    const fakes = await begun({ snapshot: { associations: [standAlone] } });
    fakes.eks.addons.set(ADDON, anAddon({ podIdentityAssociations: [OWN.arn] }));
    fakes.eks.associations = [structuredClone(OWN)];
    expect([await update(fakes), fakes.journal.mutations()]).toEqual([{ updated: false }, []]);
  });

  it("waits where an update is under way that may be anybody's", async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, anAddon({ status: 'UPDATING' }));
    await expectError(update(fakes), 'Busy');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each<[string, Partial<Addon>]>([
    ['created again', { arn: addonArn(2) }],
    ['updated', { version: 'v1.40.0-eksbuild.1' }],
    ['taken off its role', { serviceAccountRoleArn: undefined }],
    ['begun to delete', { status: 'DELETING' }],
    ['broken', { status: 'UPDATE_FAILED' }],
  ])('leaves an add-on alone that another principal has %s', async (_, change) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon(change));
    await expectError(update(fakes), 'AddonChanged', 'left alone');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('stops if another principal has deleted the add-on, but only after three reads', async ({ fakes }) => {
    fakes.eks.misses = 2;
    expect(await update(fakes)).toEqual({ updated: true });
    const gone = await begun();
    gone.eks.addons.delete(ADDON);
    await expectError(update(gone), 'AddonChanged', 'deleted');
  });

  it('leaves an association alone that another principal has created', async ({ fakes }) => {
    fakes.eks.associations = [LEFT_OVER];
    await expectError(update(fakes), 'AssociationChanged', LEFT_OVER.id);
    expect(fakes.eks.associations).toEqual([LEFT_OVER]);
  });
  it('lets every other refusal through', async ({ fakes }) => {
    const refusal = new MigrationError(
      'AccessDenied',
      'eks:UpdateAddon: AccessDeniedException: not authorized to perform: iam:PassRole',
    );
    fakes.journal.failNext('eks.updateAddon', 'before', refusal);
    await expect(update(fakes)).rejects.toBe(refusal);
  });
});
