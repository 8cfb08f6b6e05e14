/** Where EKS's webhook goes on injecting an association that the rollback has deleted, its pods get it back. */
import { describe, expect, it } from 'vitest';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/migration/service-account.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { interruptedOnce, MOMENTS } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { addonArn, anAssociation, MIGRATION_ID, OTHER_ROLE, ROLE } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun, LEFT_OVER } from './begun.ts';

const OWN = anAssociation({ id: 'a-made', ownerArn: addonArn(1), disableSessionTags: true });
const giveBack = (fakes: Begun) => invoke(restoreAssociationsStep, { ...fakes.input, action: 'own' }, fakes);

/** The rollback has deleted this one, noted as purged. */
const deleted = async (one: Association = OWN, before: Association[] = []): Promise<Begun> => {
  const fakes = await begun({ snapshot: { associations: before } });
  await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', one);
  fakes.eks.associations = [];
  fakes.journal.clear();
  return fakes;
};

describe('restore-associations, of the migration’s own', () => {
  it('creates it again as it was, under the lock, and notes it as the migration’s', async () => {
    const fakes = await deleted();
    await giveBack(fakes);
    expect(fakes.eks.associations).toMatchObject([
      { roleArn: ROLE, disableSessionTags: true, tags: { [MIGRATION_TAG]: MIGRATION_ID } },
    ]);
    expect(fakes.journal.before('eks.createAssociation')).toBe('ledger.assertLock');
    expect((await fakes.record()).associations.created).toMatchObject([{ id: fakes.eks.associations[0]!.id }]);
  });

  it.each(MOMENTS)('creates one where the connection was lost %s the effect', async (kind) => {
    const fakes = await deleted();
    fakes.journal.failNext('eks.createAssociation', kind);
    await interruptedOnce(() => giveBack(fakes));
    expect(fakes.eks.associations).toHaveLength(1);
    expect((await fakes.record()).associations.created.map(({ id }) => id)).toEqual([fakes.eks.associations[0]!.id]);
  });

  it('leaves the place to an association that is there by now', async () => {
    const fakes = await deleted();
    fakes.eks.associations = [anAssociation({ id: 'a-other', roleArn: OTHER_ROLE })];
    expect(await giveBack(fakes)).toMatchObject({ restored: ['a-other'] });
    expect([fakes.journal.mutations(), (await fakes.record()).associations.created]).toEqual([[], []]);
  });

  it('creates nothing that another principal had, and no other role', async () => {
    const others = await deleted(LEFT_OVER, [LEFT_OVER]);
    expect(await giveBack(others)).toMatchObject({ restored: [] });
    const other = await deleted({ ...OWN, roleArn: OTHER_ROLE });
    expect(await giveBack(other)).toMatchObject({ restored: [] });
    expect([...others.journal.mutations(), ...other.journal.mutations()]).toEqual([]);
  });

  it('waits for the key of the one that was deleted', async () => {
    const fakes = await begun();
    fakes.eks.associations = [OWN];
    fakes.eks.keyFreedAfter = 3000;
    await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', OWN);
    await fakes.eks.deleteAssociation(OWN.id);
    await expectError(giveBack(fakes), 'AssociationStillThere');
  });

  it('gives no role that nothing shows any more that it may be given', async () => {
    const fakes = await deleted();
    fakes.roles.trust[ROLE] = '{"Version":"2012-10-17","Statement":[]}';
    fakes.eks.addons.clear();
    const given = giveBack(fakes);
    await expectError(given, 'RoleNotGranted');
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
