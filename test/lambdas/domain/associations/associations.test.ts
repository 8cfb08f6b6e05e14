import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type PurgeContext,
  type PurgeDecision,
  carriedOver,
  decidePurge,
  plannedFor,
  unportableFields,
} from '../../../../lambdas/domain/associations/associations.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import { ADDON, addonArn, anAssociation, CLUSTER, OTHER_ROLE, planned, ROLE } from '../../fixtures.ts';
import { containing, matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const context = (change: Partial<PurgeContext> = {}): PurgeContext => ({
  cluster: CLUSTER,
  region: 'eu-west-1',
  addon: ADDON,
  addonArn: addonArn(1),
  planned: [planned],
  attempt: { strategy: 'in-place' },
  accept: [],
  ...change,
});
const decide = (association: Partial<Association>, change: Partial<PurgeContext> = {}): PurgeDecision =>
  decidePurge(anAssociation(association), context(change));

it.each<[Partial<Association>, string[]]>([
  [{}, []],
  [{ disableSessionTags: false, externalId: 'x', tags: { team: 'a' } }, []],
  [{ targetRoleArn: OTHER_ROLE }, ['targetRoleArn']],
  [{ disableSessionTags: true, policy: '{}' }, ['disableSessionTags', 'policy']],
])('unportableFields of %j: %j', (change, fields) => expect(unportableFields(anAssociation(change))).toEqual(fields));

const OF_EFS = addonArn(1, 'aws-efs-csi-driver');

describe('carriedOver', () => {
  const { namespace, serviceAccount } = planned;
  const from = { namespace, serviceAccount, from: 'a-left00000000000001' };
  const settings = { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy: '{}', tags: { team: 'a' } };
  const carried = (...associations: Partial<Association>[]) => carriedOver(associations.map(anAssociation), [planned]);

  it('is empty if AddonPodIdentityAssociations can express everything', () =>
    expect(carried({}, { disableSessionTags: false, externalId: 'x' })).toEqual([]));
  it('has the settings that AddonPodIdentityAssociations cannot express, and their association', () =>
    expect(carried({ ...settings, externalId: 'x' })).toEqual([{ ...from, ...settings }]));
  it("includes tags of the add-on's own association, but none that AWS reserves", () => {
    const tags = { 'aws:cloudformation:stack-name': 'eks', 'AWS:x': 'y', awsome: '1' };
    expect(carried({ ownerArn: addonArn(1), tags })).toEqual([{ ...from, tags: { awsome: '1' } }]);
    expect(carried({ tags: { 'aws:createdBy': 'me' } })).toEqual([]);
  });
  it('leaves out what is not part of the plan', () =>
    expect(carried({ serviceAccount: 'shop', ...settings }, { namespace: 'web', tags: { a: 'b' } })).toEqual([]));
});

it('plannedFor finds the association of the same namespace and service account', () => {
  expect(plannedFor(anAssociation(), [{ ...planned, namespace: 'web' }, planned])).toBe(planned);
  expect(plannedFor(anAssociation({ serviceAccount: 'shop' }), [planned])).toBeUndefined();
});

describe('decidePurge', () => {
  it.each<[string, Partial<Association>]>([
    ['a plain standalone one of the plan', {}],
    ['one with tags', { tags: { team: 'a' } }],
    ['one whose session tags are disabled, and stay so', { disableSessionTags: true }],
    ['a plain one with another role', { roleArn: OTHER_ROLE }],
    ['one of an earlier life of the add-on', { ownerArn: addonArn(7), tags: { 'managed-by': 'terraform' } }],
  ])('deletes %s, in place and in a recreate', (_, change) => {
    expect(decide(change)).toEqual({ do: 'purge' });
    expect(decide(change, { attempt: { strategy: 'recreate' } })).toEqual({ do: 'purge' });
  });

  it("keeps the current copy's association in place, since UpdateAddon replaces it, but not in a recreate", () => {
    const own = { ownerArn: addonArn(1) };
    expect(decide(own)).toEqual({ do: 'keep' });
    expect(decide(own, { attempt: { strategy: 'recreate' } })).toEqual({ do: 'purge' });
    expect(decide(own, { addonArn: addonArn(2) })).toEqual({ do: 'purge' });
    expect(decide(own, { addonArn: undefined })).toEqual({ do: 'purge' });
  });

  const FROM_THAT = /remove the association from that add-on/;
  it.each<[string, Partial<Association>, RegExp, RegExp]>([
    ['another namespace', { namespace: 'web' }, /not part of the plan/, /leave it unchanged/],
    ['another service account', { serviceAccount: 'shop' }, /not part of the plan/, /leave it unchanged/],
    ['one owned by the add-on', { serviceAccount: 'shop', ownerArn: addonArn(1) }, /not part of/, /leave it unchanged/],
    ['an add-on', { ownerArn: OF_EFS }, /owned by another add-on: arn:.*aws-efs-csi-driver/, FROM_THAT],
    ['the add-on in another cluster', { ownerArn: addonArn(1, ADDON, 'prod') }, /owned by another add-on/, FROM_THAT],
    ['a tool', { tags: { 'managed-by': 'terraform' } }, /another tool: Terraform/, /with the tool that manages it/],
    [
      'disabled session tags for another role',
      { roleArn: OTHER_ROLE, disableSessionTags: true },
      /has disableSessionTags for role .*third-party, .* planned role .*ebs-csi/,
      /--role ebs-csi-controller-sa=arn:aws:iam::111122223333:role\/third-party ; .* --association-id a-left00000000000001$/,
    ],
    [
      'a target role, whose own role has other rights',
      { targetRoleArn: OTHER_ROLE },
      /has a target role, which an association of an add-on does not have .* all permissions of role .*ebs-csi$/,
      /^if pods may use that role without it, .* --association-id a-left00000000000001 ; otherwise leave the add-on/,
    ],
    [
      'a session policy, though owned by the add-on',
      { disableSessionTags: true, policy: '{}', ownerArn: addonArn(1) },
      /has a session policy, which an association of an add-on does not have/,
      /otherwise leave the add-on as it is$/,
    ],
    [
      'both',
      { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy: '{}' },
      /has a target role and a session policy, .* until they were restored/,
      /without them/,
    ],
  ])('refuses %s and says what to do', (_, change, reason, remedy) => {
    for (const strategy of ['in-place', 'recreate'] as const) {
      const decision = decide(change, { attempt: { strategy } });
      expect(decision).toMatchObject({ do: 'refuse', reason: matching(reason), remedy: matching(remedy) });
      expect(decision).toMatchObject({ reason: containing('a-left00000000000001') });
    }
  });

  describe('with a snapshot', () => {
    const snapshot = { associations: [anAssociation({ tags: { a: '1', b: '2' }, disableSessionTags: true })] };
    const refused = (reason: string) => ({ do: 'refuse', reason: containing(reason) });
    const asIs = { disableSessionTags: true, tags: { b: '2', a: '1' } };

    it('deletes associations that are unchanged since the snapshot', () =>
      expect(decide(asIs, { snapshot })).toEqual({ do: 'purge' }));
    it('refuses an association that appeared since', () =>
      expect(decide({ ...asIs, id: 'a-new' }, { snapshot })).toMatchObject(
        refused('a-new (kube-system/ebs-csi-controller-sa) appeared after the snapshot'),
      ));
    it.each<[string, Partial<Association>]>([
      ['another role', { roleArn: OTHER_ROLE }],
      ['a target role', { targetRoleArn: ROLE }],
      ['session tags', { disableSessionTags: false }],
      ['a policy', { policy: '{}' }],
      ['other tags', { tags: { a: '2', b: '2' } }],
    ])('refuses an association that has %s since', (_, change) =>
      expect(decide({ ...asIs, ...change }, { snapshot })).toMatchObject(refused('was changed after the snapshot')),
    );
    it("deletes associations that the add-on's own copies created since", () => {
      const own = { id: 'a-new', ownerArn: addonArn(2), disableSessionTags: true };
      const recreate = { snapshot, addonArn: undefined, attempt: { strategy: 'recreate' } } as const;
      expect(decide(own, recreate)).toEqual({ do: 'purge' });
    });
  });

  it('deletes exactly the planned associations, no third-party ones, and keeps their settings', () => {
    const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
    const association = fc
      .record({
        namespace: some('kube-system', 'web'),
        serviceAccount: some(planned.serviceAccount, 'shop'),
        roleArn: some(ROLE, OTHER_ROLE),
        ownerArn: some(undefined, addonArn(1), addonArn(3), addonArn(1, 'adot'), addonArn(1, ADDON, 'prod'), 'rubbish'),
        tags: some<Record<string, string>>({}, { 'managed-by': 'terraform' }, { team: 'a' }),
        targetRoleArn: some(undefined, OTHER_ROLE),
        policy: some(undefined, '{}'),
        disableSessionTags: some(undefined, true),
      })
      .map(anAssociation);
    const mayGo = (one: Association): boolean =>
      one.namespace === planned.namespace &&
      one.serviceAccount === planned.serviceAccount &&
      one.targetRoleArn === undefined &&
      one.policy === undefined &&
      (one.disableSessionTags !== true || one.roleArn === ROLE) &&
      (one.ownerArn === undefined
        ? one.tags['managed-by'] === undefined
        : [addonArn(1), addonArn(3)].includes(one.ownerArn));
    forAllIn(500, association, some('in-place' as const, 'recreate' as const), (one, strategy) => {
      const decision = decidePurge(one, context({ attempt: { strategy } })).do;
      expect(decision !== 'refuse').toBe(mayGo(one));
      expect(decision === 'keep').toBe(mayGo(one) && strategy === 'in-place' && one.ownerArn === addonArn(1));
    });
  });
});
