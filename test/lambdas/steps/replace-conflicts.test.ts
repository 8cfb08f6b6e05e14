/**
 * Conflicting associations go in the very invocation that puts others in their place: their pods have none in between.
 */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import { interruptedOnce, MOMENTS } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, anAssociation, IN_PLACE, MIGRATION_ID, OTHER_ROLE, planned, RECREATE } from '../fixtures.ts';
import { expectError, matching } from '../matchers.ts';
import { begun, begunWithLeftOver, type Begun, LEFT_OVER } from './begun.ts';

const CHANGES = [
  { name: 'update-addon', currentAttempt: IN_PLACE, call: 'eks.updateAddon', done: 'updated' },
  { name: 'create-addon', currentAttempt: RECREATE, call: 'eks.createAddon', done: 'created' },
] as const;
type Change = (typeof CHANGES)[number];

const run = ({ name }: Change, fakes: Begun): Promise<unknown> => invoke(steps[name], fakes.input, fakes);

const ready = async ({ currentAttempt }: Change, change: Partial<typeof LEFT_OVER> = {}): Promise<Begun> => {
  const fakes = await begunWithLeftOver(change, { attempts: [currentAttempt] });
  if (currentAttempt.strategy === 'recreate') {
    fakes.eks.addons.delete(ADDON);
    await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
  }
  fakes.journal.clear();
  return fakes;
};

describe.each(CHANGES)('$name over a conflicting association', (change) => {
  it('notes it, whole, deletes it, and makes the change at once, with the lock read before each', async () => {
    const fakes = await ready(change);
    expect(await run(change, fakes)).toEqual({ [change.done]: true });
    const names = fakes.journal.names();
    const noted = names.indexOf('ledger.recordAssociation');
    expect(names.slice(noted, noted + 5)).toEqual([
      'ledger.recordAssociation',
      'ledger.assertLock',
      'eks.deleteAssociation',
      'ledger.assertLock',
      change.call,
    ]);
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
  });

  it('deletes nothing where nothing shows any more that the role may be given', async () => {
    const fakes = await ready(change);
    for (const role of Object.keys(fakes.roles.trust)) delete fakes.roles.trust[role];
    fakes.eks.associations[0]!.roleArn = OTHER_ROLE;
    await expectError(run(change, fakes), 'RoleNotGranted');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('deletes nothing that the ledger could not note', async () => {
    const fakes = await ready(change);
    fakes.journal.failNext('ledger.recordAssociation', 'before');
    await expectError(run(change, fakes), 'ConnectionLost');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('waits in the same invocation for the key, which EKS frees some seconds later', async () => {
    const fakes = await ready(change);
    fakes.eks.keyFreedAfter = 8000;
    expect(await run(change, fakes)).toEqual({ [change.done]: true });
    expect(fakes.clock.slept.slice(-3)).toEqual([2000, 2000, 4000]);
    expect(fakes.journal.mutations().filter((call) => call === 'eks.deleteAssociation')).toHaveLength(1);
    const names = fakes.journal.names();
    expect(names[names.lastIndexOf(change.call) - 1]).toBe('ledger.assertLock');
  });

  it('comes again for a key that is not free after half a minute', async () => {
    const fakes = await ready(change);
    fakes.eks.keyFreedAfter = 60_000;
    await expectError(run(change, fakes), 'AssociationStillThere');
    fakes.clock.advance(60_000);
    expect(await run(change, fakes)).toEqual({ [change.done]: true });
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
  });

  it('does not wait for a key where the invocation has no time for that', async () => {
    const fakes = await ready(change);
    fakes.eks.keyFreedAfter = 8000;
    fakes.invocation.remaining = 20_000;
    await expectError(run(change, fakes), 'AssociationStillThere');
    expect(fakes.journal.names().at(-1)).toBe(change.call);
  });

  it.each(MOMENTS)('goes on where the delete broke %s its effect', async (kind) => {
    const fakes = await ready(change);
    fakes.journal.failNext('eks.deleteAssociation', kind);
    expect(await interruptedOnce(() => run(change, fakes))).toEqual({ [change.done]: true });
    expect((await fakes.record()).associations.purged).toEqual([LEFT_OVER]);
    expect(fakes.eks.associations.map(({ id }) => id)).not.toContain(LEFT_OVER.id);
  });

  it('leaves in the ledger what a change that is refused has cost', async () => {
    const fakes = await ready(change);
    const refusal = new MigrationError('AccessDenied', 'eks: not authorized to perform: iam:PassRole');
    fakes.journal.failNext(change.call, 'before', refusal);
    await expect(run(change, fakes)).rejects.toBe(refusal);
    expect([(await fakes.record()).associations.purged, fakes.eks.associations]).toEqual([[LEFT_OVER], []]);
  });

  it.each<[string, Partial<typeof LEFT_OVER>, RegExp]>([
    ['that the snapshot does not know', { id: 'a-someone00000000001' }, /appeared after the snapshot/],
    ['that another tool has tagged', { tags: { 'managed-by': 'terraform' } }, /Terraform/],
    ['that another principal has given another role', { roleArn: OTHER_ROLE }, /was changed after the snapshot/],
  ])('changes nothing over one %s', async (_, other, message) => {
    const fakes = await ready(change);
    fakes.eks.associations = [anAssociation(other)];
    await expectError(run(change, fakes), 'AssociationChanged', message);
    expect([fakes.journal.mutations(), (await fakes.record()).associations.purged]).toEqual([[], []]);
  });

  it('deletes none where one of several is not to be touched', async () => {
    const second = anAssociation({ id: 'a-second', serviceAccount: 'second' });
    const fakes = await begun({
      plan: { attempts: [change.currentAttempt] },
      snapshot: { planned: [planned, { ...planned, serviceAccount: 'second' }], associations: [LEFT_OVER, second] },
      record: change.currentAttempt.strategy === 'recreate' ? { removed: [addonArn(1)] } : {},
    });
    if (change.currentAttempt.strategy === 'recreate') fakes.eks.addons.delete(ADDON);
    fakes.eks.associations = [LEFT_OVER, { ...second, roleArn: OTHER_ROLE }];
    await expectError(run(change, fakes), matching(/Changed|NotGranted/));
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
