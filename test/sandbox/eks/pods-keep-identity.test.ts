/** Both settings of the knobs with which a change of the add-on does not reach its pods. */
import { describe, expect, it } from 'vitest';
import { deletePod } from '../../../sandbox/kubernetes/controllers.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import {
  type Fixture,
  CLUSTER,
  EBS,
  EBS_SA,
  envOf,
  openFixture,
  roleArn,
  addon,
  podIdentityAssociations,
  annotation,
  uids,
  kept,
} from './fixture.ts';

const irsa = (knobs: Partial<Knobs>): Fixture => openFixture({ addons: [{ name: EBS, role: 'ebs' }], knobs });

/** Returns the identity that all pods of the controller have. */
const identity = (fixture: Fixture): string => {
  const found = fixture
    .podsOf(EBS_SA)
    .map((pod) =>
      envOf(pod).includes('AWS_CONTAINER_CREDENTIALS_FULL_URI')
        ? 'pod-identity'
        : envOf(pod).includes('AWS_ROLE_ARN')
          ? 'irsa'
          : 'none',
    );
  return [...new Set(found)].join();
};
/** Replaces every pod, and returns their identity. */
const restart = (fixture: Fixture): string => {
  for (const { metadata } of fixture.podsOf(EBS_SA))
    deletePod(fixture.world, fixture.cluster, { namespace: 'kube-system', name: metadata.name });
  fixture.pass(120);
  return identity(fixture);
};
const update = async (fixture: Fixture, input: object = { podIdentityAssociations }): Promise<void> => {
  await fixture.eks.updateAddon({ ...addon, ...input });
  fixture.pass(120);
  expect(fixture.addon()?.status).toBe('ACTIVE');
};
const recreate = async (fixture: Fixture, preserve: boolean): Promise<void> => {
  await fixture.eks.deleteAddon({ ...addon, preserve });
  fixture.pass(60);
  // Associations of the previous copy would conflict.
  for (const { associationId } of (await fixture.eks.listPodIdentityAssociations({ clusterName: CLUSTER }))
    .associations ?? []) {
    await fixture.eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId });
  }
  fixture.pass(10);
  await fixture.eks.createAddon({ ...addon, podIdentityAssociations });
  fixture.pass(120);
  expect(fixture.addon()?.status).toBe('ACTIVE');
};

describe('podsKeepIdentityOnUpdate', () => {
  it('true: the update succeeds, and its pods stay on IRSA, however often they restart', async () => {
    const fixture = irsa({ podsKeepIdentityOnUpdate: true });
    const before = uids(fixture);
    await update(fixture);
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
      podIdentityAssociations: [expect.any(String)],
    });
    expect((await fixture.eks.describeAddon(addon)).addon?.serviceAccountRoleArn).toBeUndefined();
    expect(uids(fixture)).toEqual(before);
    expect([annotation(fixture), identity(fixture), restart(fixture), restart(fixture)]).toEqual([
      roleArn('ebs'),
      'irsa',
      'irsa',
      'irsa',
    ]);
  });

  it.each([true, false])('true: pods change with a create (preserve %s)', async (preserve) => {
    const fixture = irsa({ podsKeepIdentityOnUpdate: true });
    await update(fixture);
    await recreate(fixture, preserve);
    expect(restart(fixture)).toBe('pod-identity');
  });

  it('true: another update does not change the pods; one without associations still removes the role', async () => {
    const fixture = irsa({ podsKeepIdentityOnUpdate: true });
    await update(fixture);
    await update(fixture);
    expect(restart(fixture)).toBe('irsa');
    await update(fixture, { podIdentityAssociations: [] });
    expect([annotation(fixture), identity(fixture)]).toEqual([undefined, 'none']);
  });

  it('true: an update can roll back', async () => {
    const fixture = irsa({ podsKeepIdentityOnUpdate: true });
    await update(fixture);
    await update(fixture, { serviceAccountRoleArn: roleArn('ebs'), podIdentityAssociations: [] });
    expect([identity(fixture), fixture.addon()?.serviceAccountRoleArn, fixture.addon()?.associationIds]).toEqual([
      'irsa',
      roleArn('ebs'),
      [],
    ]);
  });

  it('false: pods change automatically', async () => {
    const fixture = irsa({});
    await update(fixture);
    expect(identity(fixture)).toBe('pod-identity');
  });

  it('does not affect other reasons to roll pods', async () => {
    const fixture = irsa({ podsKeepIdentityOnUpdate: true });
    const before = uids(fixture);
    await update(fixture, { podIdentityAssociations, addonVersion: 'v1.44.0-eksbuild.1' });
    expect([kept(fixture, before), identity(fixture)]).toEqual([0, 'irsa']);
  });
});

describe('podsKeepIdentityOnPreserve', () => {
  it('true: pods stay on IRSA with a create over preserved objects, but not after a delete without preserve', async () => {
    const fixture = irsa({ podsKeepIdentityOnPreserve: true });
    const before = uids(fixture);
    await recreate(fixture, true);
    expect(uids(fixture)).toEqual(before);
    expect([annotation(fixture), restart(fixture), restart(fixture)]).toEqual([roleArn('ebs'), 'irsa', 'irsa']);
    await recreate(fixture, false);
    expect(identity(fixture)).toBe('pod-identity');
  });

  it('true: an update still works', async () => {
    const fixture = irsa({ podsKeepIdentityOnPreserve: true });
    await update(fixture);
    expect(identity(fixture)).toBe('pod-identity');
  });

  it('false: pods change with the next restart', async () => {
    const fixture = irsa({});
    await recreate(fixture, true);
    expect([identity(fixture), restart(fixture)]).toEqual(['irsa', 'pod-identity']);
  });
});

it('an association that the webhook does not know stays unknown when it is taken over', async () => {
  const fixture = irsa({ podsKeepIdentityOnUpdate: true });
  await update(fixture);
  const [associationId] = fixture.addon()!.associationIds;
  await fixture.eks.updatePodIdentityAssociation({ clusterName: CLUSTER, associationId, disableSessionTags: true });
  expect(restart(fixture)).toBe('irsa');
});
