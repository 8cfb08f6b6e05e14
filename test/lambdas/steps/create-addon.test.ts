import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/errors.ts';
import type { Addon } from '../../../lambdas/domain/model.ts';
import { awaitActiveStep } from '../../../lambdas/steps/await-active/handler.ts';
import { createAddonStep } from '../../../lambdas/steps/create-addon/handler.ts';
import { CREATE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, anAddon, anAssociation, aRequest, MIGRATION_ID, OTHER_ROLE, planned, VERSION } from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';

const create = (fakes: Begun): Promise<unknown> => invoke(createAddonStep, fakes.input, fakes);
/** The add-on is deleted already. */
async function deleted(change: Parameters<typeof begun>[0] = {}): Promise<Begun> {
  const fakes = await begun(change);
  fakes.eks.addons.delete(ADDON);
  return fakes;
}
const ours = (change: Partial<Addon> = {}): Addon => anAddon({ arn: addonArn(2), status: 'CREATING', serviceAccountRoleArn: undefined, podIdentityAssociations: ['a-new'], ...change });

describe('create-addon', () => {
  it('creates the very add-on there was, with associations and without a role', async () => {
    const fakes = await deleted({ snapshot: { addon: anAddon({ namespace: 'storage' }) }, record: { request: aRequest({ resolveConflicts: 'OVERWRITE' }) } });
    expect(await create(fakes)).toEqual({ created: true });
    expect(fakes.journal.of('eks.createAddon')).toEqual([
      [
        {
          addon: ADDON,
          version: VERSION,
          namespace: 'storage',
          podIdentityAssociations: [planned],
          configurationValues: anAddon().configurationValues,
          tags: { team: 'storage' },
          resolveConflicts: 'OVERWRITE',
          clientRequestToken: `${MIGRATION_ID}-create-addon`,
        },
      ],
    ]);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.assertLock')).toBe(names.indexOf('eks.createAddon') - 1);
  });

  it('leaves out what the add-on did not have', async () => {
    const { namespace: _, configurationValues: __, ...bare } = anAddon();
    const fakes = await deleted({ snapshot: { addon: bare } });
    await create(fakes);
    const [request] = fakes.journal.of('eks.createAddon')[0]!;
    expect(Object.keys(request as object)).toEqual(['addon', 'version', 'podIdentityAssociations', 'tags', 'resolveConflicts', 'clientRequestToken']);
  });

  it('invoked again creates nothing again', async () => {
    const fakes = await deleted();
    await create(fakes);
    expect(await create(fakes)).toEqual({ created: false });
    fakes.clock.advance(CREATE_MS);
    expect(await create(fakes)).toEqual({ created: false });
    expect(fakes.journal.mutations()).toEqual(['eks.createAddon']);
  });

  it('finds its create done after the reply was lost', async () => {
    const fakes = await deleted();
    fakes.journal.failNext('eks.createAddon', 'after');
    await expect(create(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await create(fakes)).toEqual({ created: false });
    expect(fakes.eks.associations).toHaveLength(1);
  });

  it.each<[string, Addon]>([
    ['the old one, come back', anAddon()],
    ['the old one, moved by an update', ours({ arn: addonArn(1) })],
    ['one with a role', ours({ serviceAccountRoleArn: OTHER_ROLE })],
    ['one in another version', ours({ version: 'v1.40.0-eksbuild.1' })],
    ['one without associations', ours({ podIdentityAssociations: [] })],
  ])('does not take for its own %s', async (_, there) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, there);
    await expect(create(fakes)).rejects.toMatchObject({ name: 'AddonChanged', message: expect.stringContaining('somebody else did') as string });
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('takes "Association already exists" for something that passes', async () => {
    const fakes = await deleted();
    fakes.eks.associations = [anAssociation()];
    await expect(create(fakes)).rejects.toMatchObject({ name: 'AssociationStillThere', message: expect.stringContaining('a-left00000000000001') as string });
  });
  it('lets every other refusal through', async () => {
    const fakes = await deleted();
    const refusal = new MigrationError('InvalidRequest', 'eks:CreateAddon: InvalidParameterException: Addon version specified is not supported');
    fakes.journal.failNext('eks.createAddon', 'before', refusal);
    await expect(create(fakes)).rejects.toBe(refusal);
    const busy = new MigrationError('Busy', 'eks:CreateAddon: ResourceInUseException: Addon already exists.');
    fakes.journal.failNext('eks.createAddon', 'before', busy);
    await expect(create(fakes)).rejects.toBe(busy);
  });
});

describe('await-active', () => {
  const run = (fakes: Begun): Promise<unknown> => invoke(awaitActiveStep, fakes.input, fakes);

  it('is done when the add-on is ACTIVE and its associations are listed; it notes them', async () => {
    const fakes = await deleted();
    await create(fakes);
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonNotActive', message: expect.stringContaining('CREATING') as string });
    fakes.clock.advance(CREATE_MS);
    const [made] = fakes.eks.associations;
    expect(await run(fakes)).toEqual({ status: 'ACTIVE', associations: [made?.id] });
    expect(await run(fakes)).toEqual({ status: 'ACTIVE', associations: [made?.id] });
    expect((await fakes.record()).associations.created).toEqual([made]);
  });

  it.each(['CREATING', 'UPDATING', 'DEGRADED', 'UPDATE_FAILED'] as const)('comes again while it is %s', async (status) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, ours({ status, issues: [{ code: 'InsufficientNumberOfReplicas', message: 'too few', resourceIds: [] }] }));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonNotActive', message: expect.stringContaining('too few') as string });
  });
  it.each(['CREATE_FAILED', 'DELETING', 'DELETE_FAILED'] as const)('gives up when it is %s', async (status) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, ours({ status, issues: [{ code: 'ConfigurationConflict', message: 'Conflicts found', resourceIds: [] }] }));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonFailed', message: expect.stringContaining('ConfigurationConflict: Conflicts found') as string });
  });
  it('comes again while the create is not seen yet', async () => {
    await expect(run(await deleted())).rejects.toMatchObject({ name: 'AddonNotActive' });
  });
  it.each([
    ['none is listed', []],
    ['another role is', [anAssociation({ roleArn: OTHER_ROLE })]],
  ])('comes again when ACTIVE, but of its associations %s', async (_, associations) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, ours({ status: 'ACTIVE' }));
    fakes.eks.associations = associations;
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonNotActive', message: expect.stringContaining('kube-system/ebs-csi-controller-sa') as string });
    expect((await fakes.record()).associations.created).toEqual([]);
  });
});
