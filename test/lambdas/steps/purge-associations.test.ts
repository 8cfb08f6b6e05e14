import { describe, expect, it } from 'vitest';
import { purgeAssociationsStep } from '../../../lambdas/steps/purge-associations/handler.ts';
import { invoke } from '../fakes.ts';
import { addonArn, anAssociation, OTHER_ROLE } from '../fixtures.ts';
import { begun, begunWithLeftOver, LEFT_OVER, type Begun } from './begun.ts';

const run = (fakes: Begun): Promise<unknown> => invoke(purgeAssociationsStep, fakes.input, fakes);

describe('purge-associations', () => {
  it('notes the whole association, makes sure of its lock, and only then deletes', async () => {
    const fakes = await begunWithLeftOver();
    expect(await run(fakes)).toEqual({ purged: [LEFT_OVER.id] });
    expect(fakes.eks.associations).toEqual([]);
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
    const names = fakes.journal.names();
    const deleted = names.indexOf('eks.deleteAssociation');
    expect(names.slice(deleted - 2, deleted)).toEqual(['ledger.assertLock', 'ledger.recordAssociation']);
  });

  it('deletes nothing that the ledger could not note', async () => {
    const fakes = await begunWithLeftOver();
    fakes.journal.failNext('ledger.recordAssociation', 'before');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(fakes.journal.mutations()).toEqual([]);
    expect(await run(fakes)).toEqual({ purged: [LEFT_OVER.id] });
  });

  it('deletes what an earlier life of the add-on has left', async () => {
    const fakes = await begunWithLeftOver({ ownerArn: addonArn(1) });
    expect(await run(fakes)).toEqual({ purged: [LEFT_OVER.id] });
  });

  it('has nothing to do where nothing is, having looked several times', async () => {
    const fakes = await begun();
    expect(await run(fakes)).toEqual({ purged: [] });
    expect(fakes.journal.mutations()).toEqual([]);
    expect(fakes.clock.slept).toEqual([1000, 1000]);
  });

  it('invoked again deletes nothing again and keeps what was noted', async () => {
    const fakes = await begunWithLeftOver();
    await run(fakes);
    expect(await run(fakes)).toEqual({ purged: [] });
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAssociation']);
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
  });

  it('finds its delete done after the reply was lost', async () => {
    const fakes = await begunWithLeftOver();
    fakes.journal.failNext('eks.deleteAssociation', 'after');
    await expect(run(fakes)).rejects.toMatchObject({ name: 'ConnectionLost' });
    expect(await run(fakes)).toEqual({ purged: [] });
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAssociation']);
  });

  it('comes again while a deleted one is still listed', async () => {
    const fakes = await begunWithLeftOver();
    fakes.eks.deleteAssociation = async () => true;
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AssociationStillThere', message: expect.stringContaining(LEFT_OVER.id) as string });
  });

  it.each<[string, Partial<typeof LEFT_OVER>, RegExp]>([
    ['that the snapshot does not know', { id: 'a-someone00000000001' }, /appeared after the snapshot/],
    ['that another add-on has taken over', { ownerArn: addonArn(1, 'aws-efs-csi-driver') }, /may not be deleted: .*owned by another add-on/],
    ['that another tool has tagged', { tags: { 'managed-by': 'terraform' } }, /may not be deleted: .*Terraform/],
    ['that somebody has chained', { targetRoleArn: OTHER_ROLE }, /may not be deleted: .*targetRoleArn/],
  ])('leaves one alone %s', async (_, change, message) => {
    const fakes = await begunWithLeftOver();
    fakes.eks.associations = [anAssociation(change)];
    await expect(run(fakes)).rejects.toMatchObject({ name: 'AssociationChanged', message: expect.stringMatching(message) as string });
    expect(fakes.journal.mutations()).toEqual([]);
    expect((await fakes.record()).associations.purged).toEqual([]);
  });

  it('does not look at other service accounts at all', async () => {
    const fakes = await begun();
    const others = [anAssociation({ id: 'a-shop', serviceAccount: 'shop' }), anAssociation({ id: 'a-web', namespace: 'web' })];
    fakes.eks.associations = others;
    expect(await run(fakes)).toEqual({ purged: [] });
    expect(fakes.eks.associations).toEqual(others);
  });
});
