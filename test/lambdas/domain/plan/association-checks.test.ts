import { describe, expect, it } from 'vitest';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import {
  addedAssociations,
  checkAssociationQuota,
  planAssociations,
  type AssociationPlan,
} from '../../../../lambdas/domain/plan/association-checks.ts';
import { ADDON, addonArn, anAssociation, CLUSTER, OTHER_ROLE, planned, ROLE, someFacts } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const ways = {
  inPlace: { strategy: 'in-place', preserve: false },
  recreate: { strategy: 'recreate', preserve: false },
  preserving: { strategy: 'recreate', preserve: true },
} as const;
const decide = (existing: Association[], attempt: (typeof ways)[keyof typeof ways] = ways.inPlace): AssociationPlan =>
  planAssociations(existing, {
    cluster: CLUSTER,
    region: 'eu-west-1',
    addon: ADDON,
    addonArn: addonArn(1),
    planned: [planned],
    attempt,
    accept: [],
  });
const statuses = ({ checks }: AssociationPlan): string[] => checks.map(({ id, status }) => `${id} ${status}`);

describe('planAssociations', () => {
  it('passes with none', () =>
    expect(decide([])).toEqual({
      purge: [],
      goWithAddon: [],
      carryOver: [],
      checks: [{ id: 'associations', status: 'pass', message: 'No conflicting association exists.' }],
    }));

  it.each([
    ['in place', ways.inPlace, /make the update fail/, /before the add-on is updated; a rollback restores it/],
    ['a recreate', ways.recreate, /make the create fail/, /before the add-on is created again; a rollback restores it/],
  ] as const)('warns of those that %s deletes, by name', (_, attempt, message, remedy) => {
    const plan = decide([anAssociation()], attempt);
    expect(plan).toMatchObject({ purge: ['a-left00000000000001'], goWithAddon: [], carryOver: [] });
    expect(plan.checks).toEqual([expect.objectContaining({ id: 'associations', ...said('warn', message, remedy) })]);
    expect(plan.checks[0]?.message).toContain('a-left00000000000001 for kube-system/ebs-csi-controller-sa');
  });

  it("leaves the add-on's own one to EKS, but where the add-on is let go of", () => {
    const own = [anAssociation({ id: 'a-own', ownerArn: addonArn(1) })];
    const left = (message: string) => ({ purge: [], goWithAddon: ['a-own'], checks: [said('pass', message)] });
    const replaced = 'a-own for kube-system/ebs-csi-controller-sa is replaced by EKS';
    expect(decide(own, ways.inPlace)).toMatchObject(left(replaced));
    expect(decide(own, ways.recreate)).toMatchObject(left('deleted by EKS with the add-on'));
    const checks = [{ status: 'warn' }];
    expect(decide(own, ways.preserving)).toMatchObject({ purge: ['a-own'], goWithAddon: [], checks });
  });
  it('deletes an association of a deleted copy itself, in every attempt', () => {
    for (const attempt of Object.values(ways))
      expect(decide([anAssociation({ ownerArn: addonArn(9) })], attempt).purge).toEqual(['a-left00000000000001']);
  });

  it('fails once for each that it may not delete, and then deletes and carries over nothing', () => {
    const one = anAssociation({ id: 'a-one', ownerArn: addonArn(1, 'adot') });
    const two = anAssociation({ id: 'a-two', tags: { iac: 'pulumi' } });
    const plan = decide([anAssociation({ tags: { team: 'a' } }), one, two]);
    expect(plan).toMatchObject({ purge: [], carryOver: [] });
    expect(statuses(plan)).toEqual(['associations fail', 'associations fail']);
    expect([plan.checks[0]?.message, plan.checks[1]?.message]).toEqual([containing('a-one'), containing('a-two')]);
    expect(plan.checks[1]?.remedy).toMatch(/^Remove it with the tool that manages it.*Pulumi.*\.$/);
  });

  it("carries over what the add-on's form can't", () => {
    const settings = { disableSessionTags: true, tags: { team: 'a' } };
    const plan = decide([anAssociation(settings)]);
    expect(plan.carryOver).toMatchObject([{ from: 'a-left00000000000001', ...settings }]);
    expect(statuses(plan)).toEqual(['associations warn']);
  });
  it.each<[string, Partial<Association>]>([
    ['a target role', { targetRoleArn: 'arn:aws:iam::444455556666:role/snapshots' }],
    ['a session policy', { disableSessionTags: true, policy: '{}' }],
    ['a session policy, though the add-on owns it', { disableSessionTags: true, policy: '{}', ownerArn: addonArn(1) }],
  ])('fails for an association with %s in every attempt, and deletes nothing', (_, change) => {
    for (const attempt of Object.values(ways)) {
      const plan = decide([anAssociation(change)], attempt);
      expect(plan).toMatchObject({ purge: [], goWithAddon: [], carryOver: [] });
      expect(statuses(plan)).toEqual(['associations fail']);
      expect(plan.checks[0]?.remedy).toMatch(/otherwise leave the add-on as it is\.$/);
    }
  });

  it('warns where the pods get another role by it', () => {
    const plan = decide([anAssociation({ roleArn: OTHER_ROLE })]);
    expect(statuses(plan)).toEqual(['associations warn', 'association-role warn']);
    expect(plan.checks[1]).toMatchObject({
      message: containing(`has role ${OTHER_ROLE}; the new association will have ${ROLE}`),
      remedy: containing(`--role ebs-csi-controller-sa=${OTHER_ROLE}`),
    });
  });
});

describe('checkAssociationQuota', () => {
  const twoPlanned = [planned, { ...planned, serviceAccount: 'second-sa' }];
  const NO_MORE = /does not increase the number of associations/;
  it.each<[string, Association[], number | undefined, string, RegExp]>([
    ['room', [], 4999, 'pass', /The migration adds 1, so the cluster will have 5000 of at most 5000/],
    ['no room', [], 5000, 'fail', /Cluster dev has 5000 associations; adding 1 would exceed the quota of 5000/],
    ['one that goes for the one that comes', [anAssociation()], undefined, 'pass', NO_MORE],
    ['one that goes from a cluster that is over already', [anAssociation()], 5001, 'pass', NO_MORE],
  ])('with %s', (_, associations, associationCount, status, message) => {
    const check = checkAssociationQuota(someFacts({ associations, associationCount }), [planned]);
    expect(check).toMatchObject({ id: 'association-quota', ...said(status, message) });
  });
  it('counts service accounts that have none yet', () =>
    expect(addedAssociations([anAssociation(), anAssociation({ namespace: 'web' })], twoPlanned)).toBe(1));
});
