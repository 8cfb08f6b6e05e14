import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addon as addonSchema, type Addon, type Association, type Snapshot } from '../../../lambdas/domain/model.ts';
import { decideRestore, isAsSnapshot, isMadeSince, ownedBefore, standAloneBefore } from '../../../lambdas/domain/restore.ts';
import { addonArn, anAddon, anAssociation, associationArn, aSnapshot, at, CLUSTER, OTHER_ROLE, ROLE } from '../fixtures.ts';

const snapshot = aSnapshot();
const statuses = addonSchema.shape.status.options;
/** The add-on as the migration made it. */
const migrated = (change: Partial<Addon> = {}): Addon => anAddon({ arn: addonArn(2), serviceAccountRoleArn: undefined, podIdentityAssociations: [associationArn('a-new')], ...change });

describe('decideRestore', () => {
  it('creates what is not there', () => {
    expect(decideRestore(snapshot, undefined)).toEqual({ do: 'create' });
  });

  it.each<[Addon['status'], string, string]>([
    ['CREATING', 'wait', 'wait'],
    ['UPDATING', 'wait', 'wait'],
    ['DELETING', 'wait', 'wait'],
    ['ACTIVE', 'done', 'update'],
    ['DEGRADED', 'wait', 'update'],
    ['UPDATE_FAILED', 'refuse', 'update'],
    ['CREATE_FAILED', 'delete', 'delete'],
    ['DELETE_FAILED', 'refuse', 'refuse'],
  ])('%s: as it was, %s; migrated, %s', (status, asItWas, moved) => {
    expect(decideRestore(snapshot, anAddon({ status })).do).toBe(asItWas);
    expect(decideRestore(snapshot, migrated({ status })).do).toBe(moved);
  });

  it('leaves an add-on alone whose configuration somebody else changed', () => {
    expect(decideRestore(snapshot, migrated({ configurationValues: '{"controller":{"replicaCount":9}}' })).do).toBe('refuse');
  });

  it('covers every status that EKS has', () => {
    for (const status of statuses) expect(decideRestore(snapshot, anAddon({ status })).do).not.toBe('create');
  });

  it('is done with a later incarnation too', () => {
    expect(decideRestore(snapshot, anAddon({ arn: addonArn(9) }))).toEqual({ do: 'done' });
  });
  it('detaches associations that came beside the role', () => {
    expect(decideRestore(snapshot, anAddon({ podIdentityAssociations: [associationArn('a-new')] }))).toEqual({ do: 'update' });
  });
  it('leaves an association that was there before', () => {
    const before = aSnapshot({ addon: anAddon({ podIdentityAssociations: [associationArn('a-old')] }) });
    expect(decideRestore(before, anAddon({ podIdentityAssociations: [associationArn('a-new')] }))).toEqual({ do: 'done' });
  });

  it.each<[string, Addon, RegExp]>([
    ['another version', anAddon({ version: 'v1.40.0-eksbuild.1' }), /v1\.40\.0-eksbuild\.1, was v1\.38\.1/],
    ['another version that failed', anAddon({ version: 'v1.40.0-eksbuild.1', status: 'CREATE_FAILED' }), /changed add-on/],
    ['another role', anAddon({ serviceAccountRoleArn: OTHER_ROLE }), /gave add-on .* the role arn:.*somebody-elses/],
    ['a delete that failed', anAddon({ status: 'DELETE_FAILED', issues: [{ code: 'AccessDenied', message: 'no rights', resourceIds: [] }] }), /could not delete .*: no rights/],
    ['a delete that failed without a word', anAddon({ status: 'DELETE_FAILED' }), /no reason given/],
  ])('refuses %s', (_, now, why) => {
    expect(decideRestore(snapshot, now)).toMatchObject({ do: 'refuse', why: expect.stringMatching(why) as string });
  });

  it('never creates over something, and is done exactly when role, version and status match', () => {
    const role = fc.constantFrom(undefined, ROLE, OTHER_ROLE);
    const addon = fc
      .record({
        status: fc.constantFrom(...statuses),
        version: fc.constantFrom('v1.38.1-eksbuild.1', 'v1.40.0-eksbuild.1'),
        serviceAccountRoleArn: role,
        podIdentityAssociations: fc.array(fc.constantFrom('a-1', 'a-2'), { maxLength: 2 }),
        arn: fc.constantFrom(addonArn(1), addonArn(2)),
      })
      .map(anAddon);
    fc.assert(
      fc.property(addon, addon, (was, now) => {
        const action = decideRestore(aSnapshot({ addon: was }), now);
        expect(action.do).not.toBe('create');
        const same = now.status === 'ACTIVE' && now.version === was.version && now.serviceAccountRoleArn === was.serviceAccountRoleArn;
        const noMore = now.podIdentityAssociations.length <= was.podIdentityAssociations.length;
        expect(action.do === 'done').toBe(same && noMore);
        // A role that is neither the old one nor none was given by somebody else.
        const foreignRole = now.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn !== was.serviceAccountRoleArn;
        expect(action.do === 'update' && (foreignRole || now.version !== was.version)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what belonged to whom', () => {
  const owned = anAssociation({ id: 'a-owned', ownerArn: addonArn(1) });
  const standAlone = anAssociation({ id: 'a-alone' });
  const before: Snapshot = aSnapshot({ associations: [owned, standAlone] });

  it('tells owned from stand-alone ones', () => {
    expect(ownedBefore(before, CLUSTER)).toEqual([owned]);
    expect(standAloneBefore(before)).toEqual([standAlone]);
  });

  it.each<[string, Partial<Association>, boolean]>([
    ['made just now, as planned', { id: 'a-new', createdAt: at(5) }, true],
    ['made at the very moment of the snapshot', { id: 'a-new', createdAt: at(0) }, true],
    ['older than the snapshot', { id: 'a-new', createdAt: at(-1) }, false],
    ['known to the snapshot', { id: 'a-alone', createdAt: at(5) }, false],
    ['with a role that was not planned', { id: 'a-new', createdAt: at(5), roleArn: OTHER_ROLE }, false],
    ['for a service account that was not planned', { id: 'a-new', createdAt: at(5), serviceAccount: 'shop' }, false],
    ['in a namespace that was not planned', { id: 'a-new', createdAt: at(5), namespace: 'web' }, false],
  ])('%s: made by the migration %s', (_, change, made) => {
    expect(isMadeSince(before, anAssociation(change))).toBe(made);
  });
});

describe('isAsSnapshot', () => {
  it.each<[string, Partial<Addon>, boolean]>([
    ['nothing', {}, true],
    ['its status, tags or issues', { status: 'DEGRADED', tags: {}, issues: [{ code: 'x', message: 'y', resourceIds: [] }] }, true],
    ['its incarnation', { arn: addonArn(2) }, false],
    ['its version', { version: 'v1.40.0-eksbuild.1' }, false],
    ['its role', { serviceAccountRoleArn: OTHER_ROLE }, false],
    ['the loss of its role', { serviceAccountRoleArn: undefined }, false],
    ['its configuration', { configurationValues: '{}' }, false],
  ])('knows %s: %s', (_, change, same) => {
    expect(isAsSnapshot(snapshot, anAddon(change))).toBe(same);
  });
});
