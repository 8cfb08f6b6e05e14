import { describe, expect, it } from 'vitest';
import {
  type Copy,
  type KnownCopies,
  changedByThirdParty,
  classifyCopy,
  hasPlannedShape,
  hasRestoredShape,
  standingCopy,
} from '../../../../lambdas/domain/addons/copies.ts';
import type { Addon } from '../../../../lambdas/domain/terms/observed.ts';
import { addonArn, anAddon, aSnapshot, OTHER_ROLE, planned, aMigratedAddon } from '../../fixtures.ts';

const FIRST = addonArn(1);
const SECOND = addonArn(2);
const THIRD = addonArn(3);
const known = (change: Partial<KnownCopies> = {}): KnownCopies => ({ removed: [], made: [], ...change });
/** As `create-addon` makes it. */
const migrated = (change: Partial<Addon> = {}): Addon => aMigratedAddon(['a-new'], { arn: SECOND, ...change });
/** A copy as the rollback creates it. */
const restored = (change: Partial<Addon> = {}): Addon => anAddon({ arn: SECOND, ...change });

describe('classifyCopy', () => {
  const removed = known({ removed: [FIRST] });
  const made = known({ removed: [FIRST], made: [SECOND] });
  const both = known({ removed: [FIRST, SECOND], made: [SECOND] });
  it.each<[Copy, string, KnownCopies, Addon | undefined]>([
    ['snapshot', 'the copy of before', known(), anAddon()],
    ['snapshot', 'that copy after an update', known(), migrated({ arn: FIRST })],
    ['snapshot', 'that copy while it is being deleted', removed, anAddon({ status: 'DELETING' })],
    ['made', 'a noted copy', made, migrated()],
    ['made', 'a noted copy that is being deleted', both, migrated({ status: 'DELETING' })],
    ['planned-shape', 'a create whose reply was lost', removed, migrated({ status: 'CREATING' })],
    ['planned-shape', 'the same on a later way', both, migrated({ arn: THIRD })],
    ['restored-shape', 'a create of the rollback whose reply was lost', removed, restored()],
    ['foreign', 'a new copy while ours was not removed', known(), migrated()],
    ['foreign', 'a new copy while the made one was not removed', made, migrated({ arn: THIRD })],
    ['foreign', 'another version', removed, migrated({ version: 'v1.40.0-eksbuild.1' })],
    ['foreign', 'another role', removed, migrated({ serviceAccountRoleArn: OTHER_ROLE })],
    ['foreign', 'another configuration', removed, migrated({ configurationValues: '{}' })],
    ['foreign', 'neither role nor associations', removed, migrated({ podIdentityAssociations: [] })],
    ['removed-by-us', 'nothing, and the only one was removed', removed, undefined],
    ['removed-by-us', 'nothing, both noted in any order', { ...both, removed: [SECOND, FIRST] }, undefined],
    ['gone', 'nothing, and nothing was removed', known(), undefined],
    ['gone', 'nothing, and the made one was not removed', made, undefined],
  ])('says %s of %s', (copy, _, record, now) => expect(classifyCopy(aSnapshot(), record, now)).toBe(copy));

  it('treats a copy without a role as the planned one if the snapshot had none either', () => {
    const snapshot = aSnapshot({ addon: anAddon({ serviceAccountRoleArn: undefined }) });
    const record = known({ removed: [FIRST] });
    expect(classifyCopy(snapshot, record, migrated())).toBe('planned-shape');
    expect(classifyCopy(snapshot, record, migrated({ podIdentityAssociations: [] }))).toBe('restored-shape');
  });
});

it('the shapes count the associations', () => {
  const two = aSnapshot({
    planned: [planned, { ...planned, serviceAccount: 'second' }],
    addon: anAddon({ podIdentityAssociations: ['a-own'] }),
  });
  expect(hasPlannedShape(two, migrated())).toBe(false);
  expect(hasPlannedShape(two, migrated({ podIdentityAssociations: ['a-1', 'a-2'] }))).toBe(true);
  expect(hasRestoredShape(two, restored())).toBe(false);
  expect(hasRestoredShape(two, restored({ podIdentityAssociations: ['a-1'] }))).toBe(true);
});

it.each([
  [known(), FIRST],
  [known({ removed: [FIRST] }), undefined],
  [known({ removed: [FIRST], made: [SECOND] }), SECOND],
  [known({ removed: [FIRST, SECOND], made: [SECOND, THIRD] }), THIRD],
])('standingCopy of %o is %s', (record, arn) => expect(standingCopy(aSnapshot(), record)).toBe(arn));

describe('changedByThirdParty', () => {
  it.each<[string, Addon]>([
    ['nothing', anAddon()],
    ['the role that this migration took away', migrated()],
    ['status and issues', anAddon({ status: 'DEGRADED', issues: [{ code: 'x', message: 'few', resourceIds: [] }] })],
  ])('accepts %s', (_, now) => expect(changedByThirdParty(aSnapshot(), now)).toBeUndefined());
  it.each<[RegExp, Partial<Addon>]>([
    [/version of .* to v1\.40\.0-eksbuild\.1, was v1\.38\.1/, { version: 'v1.40.0-eksbuild.1' }],
    [/configuration values/, { configurationValues: '{}' }],
    [/configuration values/, { configurationValues: undefined }],
    [/the role arn:.*third-party/, { serviceAccountRoleArn: OTHER_ROLE }],
  ])('says %s', (why, change) => expect(changedByThirdParty(aSnapshot(), anAddon(change))).toMatch(why));
});
