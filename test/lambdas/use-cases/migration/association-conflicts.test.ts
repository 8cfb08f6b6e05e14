import { describe, expect, it } from 'vitest';
import { decideNow, listOwned } from '../../../../lambdas/use-cases/migration/association-conflicts.ts';
import { newFakes } from '../../fakes.ts';
import {
  ADDON,
  addonArn,
  aMigration,
  anAssociation,
  aSnapshot,
  IN_PLACE,
  NAMESPACE,
  OTHER_ROLE,
  RECREATE,
  ROLE,
  target,
} from '../../fixtures.ts';

describe('an association that the migration has created', () => {
  const created = anAssociation({ id: 'a-created', ownerArn: addonArn(1) });
  const record = aMigration({ associations: { purged: [], created: [created], restored: [] } });

  it.each([
    ['is deleted before the add-on is created again', created, RECREATE, 'purge'],
    ['is replaced in place', created, IN_PLACE, 'keep'],
    ['does not make another one its own', anAssociation({ id: 'a-other' }), RECREATE, 'refuse'],
  ])('%s', (_, one, currentAttempt, decision) =>
    expect(decideNow(one, { snapshot: aSnapshot(), record, currentAttempt, target, addon: ADDON }).do).toBe(decision),
  );
});

describe('listOwned', () => {
  const planned = ['controller', 'node'].map((serviceAccount) => ({
    namespace: NAMESPACE,
    serviceAccount,
    roleArn: ROLE,
  }));
  const [controller, node] = planned.map(({ serviceAccount }, index) =>
    anAssociation({ id: `a-${index + 1}`, serviceAccount, ownerArn: addonArn(1) }),
  );

  it('finds the association of each service account, although both have one role and one owner', async () => {
    const { eks } = newFakes();
    eks.associations = [controller!, node!];
    expect((await listOwned(eks, planned, addonArn(1))).map((one) => one?.id)).toEqual(['a-1', 'a-2']);
  });

  it.each([
    ['of another copy of the add-on', { ownerArn: addonArn(2) }],
    ['that nobody owns', { ownerArn: undefined }],
    ['with another role', { roleArn: OTHER_ROLE }],
  ])('misses one %s', async (_, change) => {
    const { eks } = newFakes();
    eks.associations = [controller!, anAssociation({ ...node!, ...change })];
    expect((await listOwned(eks, planned, addonArn(1))).map((one) => one?.id)).toEqual(['a-1', undefined]);
  });
});
