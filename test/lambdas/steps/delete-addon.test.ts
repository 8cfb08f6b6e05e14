import { describe, expect, it } from 'vitest';
import type { Addon } from '../../../lambdas/domain/model.ts';
import { awaitDeletedStep } from '../../../lambdas/steps/await-deleted/handler.ts';
import { deleteAddonStep } from '../../../lambdas/steps/delete-addon/handler.ts';
import { DELETE_MS } from '../fake-eks.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, anAddon, OTHER_ROLE } from '../fixtures.ts';
import { begun, type Begun } from './begun.ts';

describe('delete-addon', () => {
  const run = (fakes: Begun): Promise<unknown> => invoke(deleteAddonStep, fakes.input, fakes);

  it.each([true, false])('deletes with preserve %s, after it has made sure of its lock', async (preserve) => {
    const fakes = await begun({ plan: { preserve } });
    expect(await run(fakes)).toEqual({ deleted: true });
    expect(fakes.journal.of('eks.deleteAddon')).toEqual([[ADDON, { preserve }]]);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.assertLock')).toBe(names.indexOf('eks.deleteAddon') - 1);
  });

  it('invoked again deletes nothing again', async () => {
    const fakes = await begun();
    await run(fakes);
    expect(await run(fakes)).toEqual({ deleted: false });
    fakes.clock.advance(DELETE_MS);
    expect(await run(fakes)).toEqual({ deleted: false });
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAddon']);
  });

  it('finds its delete done after the reply was lost', async () => {
    const fakes = await begun();
    fakes.journal.failNext('eks.deleteAddon', 'after');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes)).toEqual({ deleted: false });
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAddon']);
  });

  it('tries again where the call did not arrive', async () => {
    const fakes = await begun();
    fakes.journal.failNext('eks.deleteAddon', 'before');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes)).toEqual({ deleted: true });
  });

  it.each<[string, Partial<Addon>]>([
    ['created again', { arn: addonArn(2) }],
    ['updated', { version: 'v1.40.0-eksbuild.1' }],
    ['given another role', { serviceAccountRoleArn: OTHER_ROLE }],
    ['configured', { configurationValues: '{}' }],
  ])('leaves an add-on alone that somebody else has %s', async (_, change) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon(change));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonChanged', message: expect.stringContaining('left alone') as string });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});

describe('await-deleted', () => {
  const run = (fakes: Begun): Promise<unknown> => invoke(awaitDeletedStep, fakes.input, fakes);

  it('says gone after several looks in a row', async () => {
    const fakes = await begun();
    fakes.eks.addons.delete(ADDON);
    expect(await run(fakes)).toEqual({ gone: true });
    expect(fakes.journal.names()).toEqual(['eks.describeAddon', 'eks.describeAddon', 'eks.describeAddon']);
    expect(fakes.clock.slept).toEqual([2000, 2000]);
  });

  it.each(['ACTIVE', 'DELETING'] as const)('is not done while it is %s', async (status) => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon({ status }));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonStillThere', message: expect.stringContaining(status) as string });
  });

  it('does not believe in one look: an answer may be old', async () => {
    const fakes = await begun();
    fakes.eks.addons.delete(ADDON);
    fakes.clock.sleep = async () => {
      fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETING' }));
    };
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonStillThere' });
  });

  it('tells of a delete that failed', async () => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon({ status: 'DELETE_FAILED', issues: [{ code: 'AccessDenied', message: 'no rights', resourceIds: [] }] }));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonFailed', message: expect.stringContaining('AccessDenied: no rights') as string });
  });

  it('knows an add-on that somebody else has created meanwhile', async () => {
    const fakes = await begun();
    fakes.eks.addons.set(ADDON, anAddon({ arn: addonArn(2), status: 'CREATING' }));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AddonChanged' });
  });
});
