import type { EKS } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, addon, CLUSTER, EBS_SA, OTHER_ACCOUNT, REGION, START } from './fixture.ts';
import { failureOf, openFixture, podIdentityAssociations, roleArn } from './fixture.ts';

const wanted = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: EBS_SA, roleArn: roleArn('ebs') };
const targetRoleArn = roleArn('far', OTHER_ACCOUNT);
const listed = async (eks: EKS): Promise<(string | undefined)[]> =>
  ((await eks.listPodIdentityAssociations({ clusterName: CLUSTER })).associations ?? []).map(
    ({ associationId }) => associationId,
  );

describe('CreatePodIdentityAssociation', () => {
  it('creates an association as EKS does', async () => {
    const { eks } = openFixture();
    const { association } = await eks.createPodIdentityAssociation({ ...wanted, tags: { owner: 'platform' } });
    expect(association?.associationId).toMatch(/^a-[a-z0-9]{17}$/);
    expect(association).toMatchObject({
      ...wanted,
      tags: { owner: 'platform' },
      associationArn: `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/${CLUSTER}/${association?.associationId}`,
    });
    expect(association?.ownerArn).toBeUndefined();
    expect(association?.createdAt?.getTime()).toBe(START);
    expect(
      (await eks.describePodIdentityAssociation({ clusterName: CLUSTER, associationId: association?.associationId }))
        .association,
    ).toEqual(association);
  });

  it('does not require that namespace and service account exist', async () => {
    const { eks } = openFixture();
    expect(
      (await eks.createPodIdentityAssociation({ ...wanted, namespace: 'nowhere', serviceAccount: 'nobody' }))
        .association?.namespace,
    ).toBe('nowhere');
  });

  it('returns an external id for a target role, and accepts a session policy only without session tags', async () => {
    const { eks } = openFixture();
    const more = { targetRoleArn, disableSessionTags: true, policy: '{}' };
    const { association } = await eks.createPodIdentityAssociation({ ...wanted, ...more });
    expect(association).toMatchObject(more);
    expect(association?.externalId).toBeTruthy();
    expect(
      await failureOf(eks.createPodIdentityAssociation({ ...wanted, serviceAccount: 'second', policy: '{}' })),
    ).toMatchObject({ name: 'InvalidParameterException' });
  });

  it('accepts a role once it is old enough', async () => {
    const { eks, pass } = openFixture({ knobs: { iamLagSeconds: 10 } });
    pass(9);
    expect((await failureOf(eks.createPodIdentityAssociation({ ...wanted, roleArn: roleArn('young') }))).message).toBe(
      'Role provided in the request does not exist.',
    );
    pass(0.5);
    await eks.createPodIdentityAssociation({ ...wanted, roleArn: roleArn('young') });
  });

  it('rejects a second association for the same service account, regardless of its role', async () => {
    const { eks } = openFixture();
    const { association } = await eks.createPodIdentityAssociation(wanted);
    expect(await failureOf(eks.createPodIdentityAssociation({ ...wanted, roleArn: roleArn('other') }))).toEqual({
      name: 'ResourceInUseException',
      status: 409,
      message: `Association already exists: ${association?.associationId}`,
      clusterName: CLUSTER,
    });
    await eks.createPodIdentityAssociation({ ...wanted, namespace: 'other' });
    await eks.createPodIdentityAssociation({ ...wanted, serviceAccount: 'other' });
  });

  it('returns the same response for the same token, as long as the association exists', async () => {
    const { eks, cluster, pass } = openFixture();
    const input = { ...wanted, clientRequestToken: 'step-1' };
    const first = await eks.createPodIdentityAssociation(input);
    expect((await eks.createPodIdentityAssociation(input)).association).toEqual(first.association);
    expect(cluster.associations.size).toBe(1);
    expect(await failureOf(eks.createPodIdentityAssociation({ ...input, roleArn: roleArn('other') }))).toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining('step-1'),
    });
    await eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId: first.association?.associationId });
    pass(10);
    const again = await eks.createPodIdentityAssociation(input);
    expect(again.association?.associationId).not.toBe(first.association?.associationId);
  });
});

describe('DeletePodIdentityAssociation', () => {
  it('removes it from lists at once, but blocks its service account for associationDeleteLagSeconds', async () => {
    const { eks, pass } = openFixture({ knobs: { associationDeleteLagSeconds: 3 } });
    const associationId = (await eks.createPodIdentityAssociation(wanted)).association?.associationId;
    expect(
      (await eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId })).association?.associationId,
    ).toBe(associationId);
    expect(await listed(eks)).toEqual([]);
    expect(await failureOf(eks.describePodIdentityAssociation({ clusterName: CLUSTER, associationId }))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
    expect(await failureOf(eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId }))).toMatchObject({
      name: 'ResourceNotFoundException',
    });
    pass(2.9);
    expect(await failureOf(eks.createPodIdentityAssociation(wanted))).toMatchObject({
      name: 'ResourceInUseException',
      message: `Association already exists: ${associationId}`,
    });
    pass(0.1);
    await eks.createPodIdentityAssociation(wanted);
  });

  it('deletes an association that an add-on owns, and the add-on no longer shows it', async () => {
    const { eks } = openFixture();
    await eks.createAddon({ ...addon, podIdentityAssociations });
    const [associationId] = await listed(eks);
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toHaveLength(1);
    await eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId });
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toBeUndefined();
  });

  it('keeps its ARN in the add-on if the knob is set, until the associations are updated', async () => {
    const { eks, pass } = openFixture({ knobs: { deletedOwnedAssociation: 'shown' } });
    await eks.createAddon({ ...addon, podIdentityAssociations });
    pass(600);
    const [associationId] = await listed(eks);
    await eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId });
    expect(await listed(eks)).toEqual([]);
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toEqual([
      expect.stringContaining(associationId!),
    ]);
    pass(600);
    await eks.updateAddon({ ...addon, podIdentityAssociations });
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toEqual([
      expect.not.stringContaining(associationId!),
    ]);
  });

  it('keeps its ARN in the add-on for a while, also after an update, if the knob is set', async () => {
    const { eks, pass } = openFixture({ knobs: { ownedAssociationLagSeconds: 60 } });
    const shown = async () => (await eks.describeAddon(addon)).addon?.podIdentityAssociations?.length ?? 0;
    await eks.createAddon({ ...addon, podIdentityAssociations });
    pass(600);
    const [associationId] = await listed(eks);
    const id = { clusterName: CLUSTER, associationId };
    await eks.deletePodIdentityAssociation(id);
    expect(await listed(eks)).toEqual([]);
    expect(await failureOf(eks.describePodIdentityAssociation(id))).toMatchObject({ status: 404 });
    expect(await shown()).toBe(1);
    pass(60);
    expect(await shown()).toBe(0);
    await eks.updateAddon({ ...addon, podIdentityAssociations });
    pass(600);
    await eks.updateAddon({ ...addon, podIdentityAssociations: [] });
    expect(await shown()).toBe(1);
    pass(60);
    expect(await shown()).toBe(0);
  });
});

it('disableSessionTags is false where nobody has set it, in every answer but the list', async () => {
  const { eks } = openFixture();
  const { association: created } = await eks.createPodIdentityAssociation(wanted);
  expect(created).toMatchObject({ disableSessionTags: false });
  const id = { clusterName: CLUSTER, associationId: created!.associationId };
  expect((await eks.describePodIdentityAssociation(id)).association).toMatchObject({ disableSessionTags: false });
  const updated = await eks.updatePodIdentityAssociation({ ...id, roleArn: roleArn('other') });
  expect(updated.association).toMatchObject({ disableSessionTags: false });
  const { associations } = await eks.listPodIdentityAssociations({ clusterName: CLUSTER });
  expect(associations?.[0]).not.toHaveProperty('disableSessionTags');
  expect((await eks.deletePodIdentityAssociation(id)).association).toMatchObject({ disableSessionTags: false });
});

describe('UpdatePodIdentityAssociation', () => {
  it('changes role, target role, session tags and policy, and modifiedAt', async () => {
    const { eks, pass } = openFixture();
    const created = (await eks.createPodIdentityAssociation(wanted)).association!;
    pass(60);
    const id = { clusterName: CLUSTER, associationId: created.associationId };
    const change = { roleArn: roleArn('other'), targetRoleArn, disableSessionTags: true, policy: '{}' };
    const { association } = await eks.updatePodIdentityAssociation({ ...id, ...change });
    expect(association).toMatchObject({ associationId: created.associationId, ...change });
    expect(association?.externalId).toBeTruthy();
    expect([association?.createdAt?.getTime(), association?.modifiedAt?.getTime()]).toEqual([START, START + 60_000]);
    const emptied = await eks.updatePodIdentityAssociation({ ...id, targetRoleArn: '', policy: '' });
    const gone = { targetRoleArn: undefined, externalId: undefined, policy: undefined };
    expect({ ...gone, ...emptied.association }).toMatchObject({
      roleArn: roleArn('other'),
      disableSessionTags: true,
      ...gone,
    });
  });

  it('changes an association that an add-on owns, like TagResource: also properties that the add-on’s request cannot express, with a new external id', async () => {
    const fixture = openFixture({ knobs: { associationDeleteLagSeconds: 0 } });
    const { eks } = fixture;
    const old = (await eks.createPodIdentityAssociation({ ...wanted, targetRoleArn })).association!;
    await eks.deletePodIdentityAssociation({ clusterName: CLUSTER, associationId: old.associationId });
    await eks.createAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    const id = { clusterName: CLUSTER, associationId: fixture.addon()!.associationIds[0] };
    const change = { targetRoleArn, disableSessionTags: true, policy: '{}' };
    const { association: made } = await eks.updatePodIdentityAssociation({ ...id, ...change });
    await eks.tagResource({ resourceArn: made!.associationArn, tags: { 'cost-centre': '4711' } });
    const { association } = await eks.describePodIdentityAssociation(id);
    expect(association).toMatchObject({
      ownerArn: fixture.addon()?.arn,
      roleArn: roleArn('ebs'),
      ...change,
      tags: { 'cost-centre': '4711' },
    });
    expect([old.externalId, association?.externalId]).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ]);
    expect(association?.externalId).not.toBe(old.externalId);
    // A later change of another property keeps it.
    expect((await eks.updatePodIdentityAssociation({ ...id, policy: '' })).association?.externalId).toBe(
      association?.externalId,
    );
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toEqual([made!.associationArn]);
  });

  it.each([
    ['nothing to change', {}, 'InvalidParameterException'],
    ['an empty role', { roleArn: '' }, 'AccessDeniedException'],
    ['a role that trusts IRSA only', { roleArn: roleArn('irsa-only') }, 'InvalidParameterException'],
    ['a policy with session tags', { policy: '{}' }, 'InvalidParameterException'],
  ])('rejects %s', async (_what, change, name) => {
    const { eks } = openFixture();
    const { association } = await eks.createPodIdentityAssociation(wanted);
    const id = { clusterName: CLUSTER, associationId: association?.associationId };
    expect((await failureOf(eks.updatePodIdentityAssociation({ ...id, ...change }))).name).toBe(name);
    expect((await eks.describePodIdentityAssociation(id)).association).toEqual(association);
  });
});

describe('reading associations', () => {
  it('returns summaries without role, times and tags, by namespace and service account', async () => {
    const { eks, associate } = openFixture();
    const first = associate({ serviceAccount: 'one', roleArn: roleArn('ebs') });
    associate({ serviceAccount: 'two', roleArn: roleArn('ebs') });
    associate({ serviceAccount: 'one', namespace: 'other', roleArn: roleArn('ebs') });
    const one = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: 'one' };
    const { associations } = await eks.listPodIdentityAssociations(one);
    expect(associations).toEqual([{ ...one, associationArn: first.arn, associationId: first.id }]);
    expect(
      (await eks.listPodIdentityAssociations({ clusterName: CLUSTER, serviceAccount: 'one' })).associations,
    ).toHaveLength(2);
  });

  it('returns pages without losing or repeating one, also if some are deleted between two pages', async () => {
    const { eks, associate, cluster } = openFixture();
    const all = Array.from(
      { length: 7 },
      (_, n) => associate({ serviceAccount: `sa-${n}`, roleArn: roleArn('ebs') }).id,
    ).sort();
    const seen: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await eks.listPodIdentityAssociations({ clusterName: CLUSTER, maxResults: 3, nextToken });
      seen.push(...(page.associations ?? []).map(({ associationId }) => associationId));
      nextToken = page.nextToken;
      cluster.associations.delete(all[0]!);
    } while (nextToken !== undefined);
    expect(seen).toEqual(all);
    expect(await failureOf(eks.listPodIdentityAssociations({ clusterName: CLUSTER, nextToken: 'mine' }))).toMatchObject(
      { name: 'InvalidParameterException' },
    );
  });
});
