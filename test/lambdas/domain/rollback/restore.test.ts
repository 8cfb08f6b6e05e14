import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addon as addonSchema, type Addon, type Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Migration, AddonSnapshot as Snapshot } from '../../../../lambdas/domain/record/migration.ts';
import type { Attempt } from '../../../../lambdas/domain/record/plan.ts';
import {
  type RestoreDecision,
  type RestoreFacts,
  conflictsOfCreate,
  decideRestore,
  isAsSnapshot,
  needsConsent,
  preservesFailedCopy,
} from '../../../../lambdas/domain/rollback/restore.ts';
import {
  addonArn,
  anAddon,
  anAssociation,
  aMigratedAddon,
  at,
  OTHER_ROLE,
  ROLE,
  aMigration,
  aPlan,
  aSnapshot,
  IN_PLACE,
  RECREATE,
  RECREATE_PRESERVING,
  aRollback,
} from '../../fixtures.ts';
import { containing, matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const statuses = addonSchema.shape.status.options;
const COPY = addonArn(9);
const made = (change: Partial<Association> = {}): Association =>
  anAssociation({ id: 'a-made', ownerArn: COPY, createdAt: at(5), ...change });
/** The add-on as a recreate made it. */
const migrated = (change: Partial<Addon> = {}): Addon => aMigratedAddon([made().arn], { arn: COPY, ...change });
/** The add-on as an update in place left it. */
const inPlace = (change: Partial<Addon> = {}): Addon => migrated({ arn: addonArn(1), ...change });

interface Change {
  snapshot?: Partial<Snapshot>;
  record?: Partial<Migration>;
  associations?: Association[];
  actions?: number;
}
/** Facts of a migration that has removed the old copy and made a new one. */
const facts = (now: Addon | undefined, { snapshot, record, associations, actions = 0 }: Change = {}): RestoreFacts => ({
  snapshot: aSnapshot(snapshot),
  record: aMigration({
    plan: aPlan({ attempts: [RECREATE_PRESERVING] }),
    attempt: 0,
    removed: [addonArn(1)],
    made: [COPY],
    ...record,
  }),
  now,
  associations: associations ?? (now?.podIdentityAssociations.length ? [made({ ownerArn: now.arn })] : []),
  actions,
});
const decide = (now: Addon | undefined, change?: Change): RestoreDecision => decideRestore(facts(now, change));
const ISSUE = { code: 'x', message: 'y', resourceIds: [] };
const untouched = { removed: [], made: [] };
const FAILED = 'CREATE_FAILED' as const;
const withRole = (role: string): Addon => inPlace({ serviceAccountRoleArn: role });

describe('decideRestore', () => {
  it('creates again only an add-on that this migration has deleted', () => {
    expect(decide(undefined, { record: { made: [] } })).toEqual({ do: 'create' });
    expect(decide(undefined, { record: { removed: [addonArn(1), COPY] } })).toEqual({ do: 'create' });
    expect(decide(undefined)).toMatchObject({ do: 'refuse', why: containing('another principal has deleted') });
    expect(decide(undefined, { record: untouched })).toMatchObject({ do: 'refuse' });
  });

  it.each<[Addon['status'], RestoreDecision['do'], RestoreDecision['do'], RestoreDecision['do']]>([
    ['CREATING', 'wait', 'wait', 'wait'],
    ['UPDATING', 'wait', 'wait', 'wait'],
    ['DELETING', 'wait', 'wait', 'wait'],
    ['ACTIVE', 'done', 'update', 'update'],
    ['DEGRADED', 'done', 'update', 'update'],
    ['UPDATE_FAILED', 'update', 'update', 'update'],
    ['CREATE_FAILED', 'delete', 'delete', 'delete'],
    ['DELETE_FAILED', 'refuse', 'refuse', 'refuse'],
  ])('%s: as it was, %s; made again, %s; updated in place, %s', (status, asItWas, recreated, updated) => {
    expect(decide(anAddon({ status }), { record: untouched }).do).toBe(asItWas);
    expect(decide(migrated({ status })).do).toBe(recreated);
    expect(decide(inPlace({ status }), { record: untouched }).do).toBe(updated);
  });

  it('covers every status of EKS', () => {
    for (const status of statuses) expect(decide(anAddon({ status })).do).not.toBe('create');
  });

  it('is done with a later copy too, known or not', () => {
    const back = anAddon({ arn: addonArn(7) });
    expect(decide(back, { record: { made: [COPY, addonArn(7)] } })).toEqual({ do: 'done' });
    expect(decide(back, { record: { removed: [addonArn(1), COPY] } })).toEqual({ do: 'done' });
    expect(decide(back, { record: untouched })).toEqual({ do: 'done' });
  });

  const byEks = { request: aMigration({}).request };
  const api = { request: { ...byEks.request, verification: 'api' as const } };

  it('leaves associations once the role is restored: they are deleted one by one, or by EKS if pods cannot be read', () => {
    const now = inPlace({ serviceAccountRoleArn: ROLE });
    expect(decide(now, { record: untouched })).toEqual({ do: 'done' });
    expect(decide(now, { record: { ...untouched, ...api } })).toEqual({ do: 'update' });
  });

  it('continues with pods that never become ready, once the role is restored', () => {
    expect(decide(inPlace({ serviceAccountRoleArn: ROLE, status: 'DEGRADED' }), { record: untouched }).do).toBe('done');
    expect(decide(anAddon({ status: 'DEGRADED' }), { record: { ...untouched, ...api } }).do).toBe('wait');
  });

  it('does not treat its own removals as third-party changes', () => {
    const purged = { associations: { purged: [made({ ownerArn: addonArn(1) })], created: [], restored: [] } };
    const half = inPlace({ podIdentityAssociations: [] });
    expect(decide(half, { record: { ...untouched, ...purged } })).toEqual({ do: 'update' });
    // DescribeAddon may go on showing the ARN of one that is gone.
    const shown = anAddon({ podIdentityAssociations: [made().arn] });
    expect(decide(shown, { record: { ...untouched, ...purged }, associations: [] })).toEqual({ do: 'done' });
  });

  it('is not done while an association of its own is left, if only EKS replaces pods', () => {
    const record = { made: [COPY, addonArn(7)], removed: [addonArn(1), COPY], ...api };
    const back = anAddon({ arn: addonArn(7) });
    for (const left of [made(), made({ ownerArn: addonArn(1) })])
      expect(decide(back, { record, associations: [left] })).toEqual({ do: 'update' });
    expect(decide(back, { record, associations: [made({ ownerArn: undefined })] })).toEqual({ do: 'done' });
    const created = { associations: { purged: [], created: [made()], restored: [] } };
    const ownerless = [made({ ownerArn: undefined })];
    expect(decide(back, { record: { ...record, ...created }, associations: ownerless })).toEqual({ do: 'update' });
  });

  it("restores the add-on's own associations, role by role", () => {
    const owned = anAssociation({ id: 'a-old', ownerArn: addonArn(1), roleArn: OTHER_ROLE });
    const snapshot = { addon: anAddon({ podIdentityAssociations: [owned.arn] }), associations: [owned] };
    const now = anAddon({ podIdentityAssociations: [owned.arn] });
    const known = { record: untouched, snapshot };
    expect(decide(now, { ...known, associations: [owned] })).toEqual({ do: 'done' });
    expect(decide(now, { ...known, associations: [{ ...owned, roleArn: ROLE }] })).toEqual({ do: 'update' });
    expect(decide(anAddon(), { ...known, associations: [] })).toMatchObject({ do: 'refuse' });
  });

  it('ignores associations of service accounts that are not planned', () => {
    const elsewhere = made({ id: 'a-elsewhere', serviceAccount: 'other-sa' });
    const addon = anAddon({ podIdentityAssociations: [elsewhere.arn] });
    expect(decide(addon, { record: untouched, snapshot: { addon }, associations: [] })).toEqual({ do: 'done' });
  });

  it('waits while the add-on and the list of associations differ', () => {
    expect(decide(migrated(), { associations: [] }).do).toBe('wait');
    expect(decide(anAddon(), { record: untouched, associations: [made({ ownerArn: addonArn(1) })] }).do).toBe('wait');
  });

  const NEWER = 'v1.40.0-eksbuild.1';
  const asRead = { record: untouched };
  const failedCopy = anAddon({ arn: addonArn(5), status: FAILED });
  const issues = [{ code: 'AccessDenied', message: 'no rights', resourceIds: [] }];
  const failing: Partial<Addon> = { status: 'DELETE_FAILED', issues };
  const nine = '{"controller":{"replicaCount":9}}';
  it.each<[string, RestoreDecision, RegExp]>([
    ['another version', decide(migrated({ version: NEWER })), /v1\.40\.0-eksbuild\.1, was v1\.38\.1/],
    ['another that failed', decide(migrated({ version: NEWER, status: FAILED })), /changed the version of add-on/],
    ['another version with the old role', decide(anAddon({ version: NEWER }), asRead), /changed the version of add-on/],
    ['another configuration', decide(migrated({ configurationValues: nine })), /configuration values/],
    ['another role', decide(withRole(OTHER_ROLE), asRead), /given add-on .* the role arn:.*third-party/],
    ['neither of both', decide(inPlace({ podIdentityAssociations: [] }), asRead), /no role and 0 associations/],
    ['a failed delete that was not its own', decide(anAddon(failing), asRead), /could not delete .*: no rights/],
    ['a delete that failed without a word', decide(migrated({ status: 'DELETE_FAILED' })), /no reason given/],
    ['a copy of another principal', decide(migrated({ arn: addonArn(5) })), /another principal has created/],
    ['a copy that failed', decide(failedCopy, asRead), /another principal has created/],
  ])('leaves %s to a person', (_, decision, why) =>
    expect(decision).toMatchObject({ do: 'refuse', why: matching(why) }),
  );

  it('adopts a copy from its own create whose reply was lost', () => {
    const record = { removed: [addonArn(1)], made: [] };
    const associations = [made({ ownerArn: addonArn(5) })];
    expect(decide(migrated({ arn: addonArn(5) }), { record, associations })).toEqual({ do: 'update' });
    for (const copy of [migrated({ arn: addonArn(5), status: FAILED }), failedCopy])
      expect(decide(copy, { record })).toEqual({ do: 'delete' });
  });

  it('repeats its own failed delete, but not forever', () => {
    const failed = anAddon({ status: 'DELETE_FAILED' });
    const record = { removed: [addonArn(1)], made: [] };
    expect([0, 1, 2].map((actions) => decide(failed, { record, actions }).do)).toEqual(['delete', 'delete', 'refuse']);
  });

  it('keeps third-party changes once a person has requested the rollback', () => {
    const rollback = aRollback();
    const other = anAddon({ version: NEWER });
    expect(decide(other, { record: { ...untouched, rollback } })).toEqual({ do: 'done' });
    expect(decide(other, { record: { ...untouched, rollback: aRollback({ after: 'migrated' }) } }).do).toBe('refuse');
    // Without its role it is still not put back.
    expect(decide(inPlace({ version: NEWER }), { record: { ...untouched, rollback } }).do).toBe('refuse');
  });

  it('never creates over an existing add-on, and is done only if role and version are restored', () => {
    const changes = fc.record({
      status: fc.constantFrom(...statuses),
      version: fc.constantFrom('v1.38.1-eksbuild.1', NEWER),
      serviceAccountRoleArn: fc.constantFrom(undefined, ROLE, OTHER_ROLE),
      podIdentityAssociations: fc.constantFrom<string[]>([], [made().arn]),
      arn: fc.constantFrom(addonArn(1), COPY, addonArn(5)),
    });
    const now = changes.map((change) => anAddon(change));
    const record = fc.record({ removed: fc.subarray([addonArn(1), COPY]), made: fc.subarray([COPY]) });
    forAllIn(3000, now, record, fc.integer({ min: 0, max: 6 }), (addon, known, actions) => {
      const { do: action } = decide(addon, { record: known, actions });
      expect(action).not.toBe('create');
      const allRemoved = [addonArn(1), ...known.made].every((arn) => known.removed.includes(arn));
      const isForeign =
        addon.arn !== addonArn(1) &&
        !known.made.includes(addon.arn) &&
        (addon.podIdentityAssociations.length > 0 || !allRemoved);
      const same =
        (addon.status === 'ACTIVE' || addon.status === 'DEGRADED') &&
        addon.version === 'v1.38.1-eksbuild.1' &&
        addon.serviceAccountRoleArn === ROLE &&
        (addon.podIdentityAssociations.length === 0 || !isForeign);
      expect(action === 'done').toBe(same);
      // Third-party changes and copies are neither updated nor deleted.
      const foreign =
        addon.version !== 'v1.38.1-eksbuild.1' ||
        addon.serviceAccountRoleArn === OTHER_ROLE ||
        (addon.arn === addonArn(5) && !allRemoved);
      expect(foreign && !['wait', 'refuse', 'done'].includes(action)).toBe(false);
    });
  });
});

describe('conflicts over preserved objects', () => {
  const conflicting = { code: 'ConfigurationConflict', message: 'Conflicts found', resourceIds: [] };
  const tried = (attempt: Attempt) => ({ record: { plan: aPlan({ attempts: [attempt] }) } });

  it.each<[string, Attempt, 'NONE' | 'OVERWRITE', boolean]>([
    ['in place', IN_PLACE, 'NONE', true],
    ['in place with consent', { ...IN_PLACE, resolveConflicts: 'OVERWRITE' }, 'OVERWRITE', true],
    ['preserving', RECREATE_PRESERVING, 'NONE', true],
    ['preserving with consent', { ...RECREATE_PRESERVING, resolveConflicts: 'OVERWRITE' }, 'OVERWRITE', true],
    ['without preserve', RECREATE, 'OVERWRITE', false],
  ])('%s', (_, attempt, conflicts, preserves) => {
    const { record } = facts(undefined, tried(attempt));
    expect([conflictsOfCreate(record), preservesFailedCopy(record)]).toEqual([conflicts, preserves]);
    const failed = migrated({ status: 'CREATE_FAILED', issues: [conflicting] });
    expect(needsConsent(record, failed)).toBe(conflicts === 'NONE');
    expect(decide(failed, tried(attempt)).do).toBe(conflicts === 'NONE' ? 'refuse' : 'delete');
  });

  it('are named if a person has to decide', () => {
    const why = containing('Conflicts found');
    expect(decide(migrated({ status: FAILED, issues: [conflicting] }))).toMatchObject({ why });
  });

  it('depend on the last attempt', () => {
    const record = { plan: aPlan({ attempts: [RECREATE_PRESERVING, RECREATE] }), attempt: 1 };
    expect(conflictsOfCreate(facts(undefined, { record }).record)).toBe('OVERWRITE');
    expect(preservesFailedCopy(aMigration({ plan: undefined }))).toBe(true);
  });
});

it.each<[string, Partial<Addon>, boolean]>([
  ['nothing', {}, true],
  ['its status, tags or issues', { status: 'DEGRADED', tags: {}, issues: [ISSUE] }, true],
  ['its incarnation', { arn: addonArn(2) }, false],
  ['its version', { version: 'v1.40.0-eksbuild.1' }, false],
  ['its role', { serviceAccountRoleArn: OTHER_ROLE }, false],
  ['the loss of its role', { serviceAccountRoleArn: undefined }, false],
  ['its configuration', { configurationValues: '{}' }, false],
])('isAsSnapshot knows %s: %s', (_, change, same) => expect(isAsSnapshot(aSnapshot(), anAddon(change))).toBe(same));
