import { ownTags } from '../../../../lambdas/domain/associations/associations.ts';
import { describe, expect, it } from 'vitest';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration, AddonSnapshot as Snapshot } from '../../../../lambdas/domain/record/migration.ts';
import {
  isSameAssociation,
  leftOvers,
  createdByThirdParty,
  missingFields,
  ownedBefore,
  standAloneBefore,
} from '../../../../lambdas/domain/rollback/associations.ts';
import { addonArn, aMigration, anAddon, anAssociation, aSnapshot, CLUSTER, OTHER_ROLE } from '../../fixtures.ts';

const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1) });
const ofDeadCopy = anAssociation({ id: 'a-dead', ownerArn: addonArn(0) });
const ofOther = anAssociation({ id: 'a-other', ownerArn: addonArn(1, 'aws-efs-csi-driver') });
const standAlone = anAssociation({ id: 'a-alone' });
const snapshot: Snapshot = aSnapshot({ associations: [owned, ofDeadCopy, ofOther, standAlone] });
const full: Partial<Association> = {
  targetRoleArn: OTHER_ROLE,
  disableSessionTags: true,
  policy: '{"Version":"2012-10-17"}',
  tags: { team: 'storage' },
};

it('the owners of associations separates what is restored with the add-on from what is restored as standalone', () =>
  expect([ownedBefore(snapshot), standAloneBefore(snapshot, CLUSTER)]).toEqual([[owned], [ofDeadCopy, standAlone]]));

describe('leftOvers and createdByThirdParty', () => {
  const record = (change: Partial<Migration['associations']> = {}) =>
    aMigration({ made: [addonArn(2)], associations: { purged: [], created: [], restored: [], ...change } });
  const made = (change: Partial<Association> = {}): Association => anAssociation({ id: 'a-made', ...change });
  const current = anAddon({ arn: addonArn(3) });

  it.each<[string, Association, boolean, boolean]>([
    ['owned by the copy that is there', made({ ownerArn: addonArn(3) }), false, false],
    ['owned by a copy that this migration made and removed', made({ ownerArn: addonArn(2) }), true, false],
    ["owned by the snapshot's copy, which is gone", made({ ownerArn: addonArn(1) }), true, false],
    ["of the snapshot's copy, its owner cleared", { ...owned, ownerArn: undefined }, true, false],
    ['standalone and in the snapshot', standAlone, false, false],
    ['standalone and unknown', made(), false, true],
    ['owned by a copy that nobody knows', made({ ownerArn: addonArn(7) }), false, true],
    ['owned by another add-on', made({ ownerArn: addonArn(1, 'aws-efs-csi-driver') }), false, true],
  ])('an association %s: left over %s, third-party %s', (_, association, isLeftOver, isThirdParty) => {
    expect(leftOvers(snapshot, record(), current, [association]).length > 0).toBe(isLeftOver);
    expect(createdByThirdParty(snapshot, record(), current, [association]).length > 0).toBe(isThirdParty);
  });

  it('recognises an association whose owner EKS has cleared by the record', () => {
    expect(leftOvers(snapshot, record({ created: [made()] }), current, [made()])).toEqual([made()]);
    expect(createdByThirdParty(snapshot, record({ restored: [made()] }), current, [made()])).toEqual([]);
  });

  it('has no current owner if there is no add-on', () => {
    expect(leftOvers(snapshot, record(), undefined, [made({ ownerArn: addonArn(2) })])).toHaveLength(1);
    expect(createdByThirdParty(snapshot, record(), undefined, [made()])).toHaveLength(1);
  });
});

describe('missingFields', () => {
  it('is empty for an unchanged association', () => {
    expect(missingFields(anAssociation(full), anAssociation(full))).toEqual({});
    expect(missingFields(anAssociation(), anAssociation({ disableSessionTags: false }))).toEqual({});
  });
  it('names every field that AddonPodIdentityAssociations cannot express', () => {
    const { tags, ...change } = full;
    expect(missingFields(anAssociation(full), anAssociation())).toEqual({ change, tags });
  });
  it("names no more than differs, and no tag of AWS's own", () => {
    const was = anAssociation({ ...full, tags: { team: 'storage', keep: 'this', 'aws:cloudformation:stack-id': 'x' } });
    expect(missingFields(was, anAssociation({ ...full, policy: undefined, tags: { keep: 'this' } }))).toEqual({
      change: { policy: full.policy },
      tags: { team: 'storage' },
    });
  });
  it("sends no tag of AWS's own", () =>
    expect(ownTags({ 'aws:x': '1', team: 'storage' })).toEqual({ team: 'storage' }));
});

it.each<[Partial<Association>, boolean]>([
  [{ id: 'a-new', createdAt: 'later', ownerArn: addonArn(2), externalId: 'x' }, true],
  [{ tags: { team: 'others' } }, false],
  [{ tags: {} }, false],
  [{ roleArn: OTHER_ROLE }, false],
  [{ targetRoleArn: undefined }, false],
  [{ disableSessionTags: undefined }, false],
  [{ policy: undefined }, false],
  [{ serviceAccount: 'other' }, false],
  [{ namespace: 'other' }, false],
])('isSameAssociation with %j: %s', (change, same) =>
  expect(isSameAssociation(anAssociation(full), anAssociation({ ...full, ...change }))).toBe(same),
);
