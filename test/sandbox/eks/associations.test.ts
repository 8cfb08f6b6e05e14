import type { CreatePodIdentityAssociationCommandInput, EKS } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, addon, CLUSTER, EBS_SA, OTHER_ACCOUNT, REGION, START } from './fixture.ts';
import { failureOf, openFixture, podIdentityAssociations, roleArn } from './fixture.ts';
import { expectError, expectExactError, expectFailure } from '../../lambdas/matchers.ts';

const wanted = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: EBS_SA, roleArn: roleArn('ebs') };
const targetRoleArn = roleArn('far', OTHER_ACCOUNT);
const create = async (eks: EKS, more: Partial<CreatePodIdentityAssociationCommandInput> = {}) =>
  (await eks.createPodIdentityAssociation({ ...wanted, ...more })).association!;
const idOf = ({ associationId }: { associationId?: string | undefined }) => ({ clusterName: CLUSTER, associationId });
const describeOne = async (eks: EKS, one: Parameters<typeof idOf>[0]) =>
  (await eks.describePodIdentityAssociation(idOf(one))).association;
const listed = async (eks: EKS): Promise<(string | undefined)[]> =>
  ((await eks.listPodIdentityAssociations({ clusterName: CLUSTER })).associations ?? []).map(
    ({ associationId }) => associationId,
  );

describe('CreatePodIdentityAssociation', () => {
  it('creates an association as EKS does', async () => {
    const { eks } = openFixture();
    const association = await create(eks, { tags: { owner: 'platform' } });
    expect(association.associationId).toMatch(/^a-[a-z0-9]{17}$/);
    expect(association).toMatchObject({
      ...wanted,
      tags: { owner: 'platform' },
      associationArn: `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/${CLUSTER}/${association.associationId}`,
      createdAt: new Date(START),
    });
    expect(association.ownerArn).toBeUndefined();
    expect(await describeOne(eks, association)).toEqual(association);
  });

  it('does not require that namespace and service account exist', async () => {
    const { eks } = openFixture();
    expect((await create(eks, { namespace: 'nowhere', serviceAccount: 'nobody' })).namespace).toBe('nowhere');
  });

  it('returns an external id for a target role, and accepts a session policy only without session tags', async () => {
    const { eks } = openFixture();
    const more = { targetRoleArn, disableSessionTags: true, policy: '{}' };
    const association = await create(eks, { ...more });
    expect(association).toMatchObject(more);
    expect(association.externalId).toBeTruthy();
    await expectError(create(eks, { serviceAccount: 'second', policy: '{}' }), 'InvalidParameterException');
  });

  it('accepts a role once it is old enough', async () => {
    const { eks, pass } = openFixture({ knobs: { iamLagSeconds: 10 } });
    pass(9);
    expect((await failureOf(create(eks, { roleArn: roleArn('young') }))).message).toBe(
      'Role provided in the request does not exist.',
    );
    pass(0.5);
    await create(eks, { roleArn: roleArn('young') });
  });

  it('rejects a second association for the same service account, regardless of its role', async () => {
    const { eks } = openFixture();
    const association = await create(eks);
    expect(await failureOf(create(eks, { roleArn: roleArn('other') }))).toEqual({
      name: 'ResourceInUseException',
      status: 409,
      message: `Association already exists: ${association.associationId}`,
      clusterName: CLUSTER,
    });
    await create(eks, { namespace: 'other' });
    await create(eks, { serviceAccount: 'other' });
  });

  it('returns the same response for the same token, as long as the association exists', async () => {
    const { eks, cluster, pass } = openFixture();
    const input = { clientRequestToken: 'step-1' };
    const first = await create(eks, input);
    expect(await create(eks, input)).toEqual(first);
    expect(cluster.associations.size).toBe(1);
    await expectError(create(eks, { ...input, roleArn: roleArn('other') }), 'InvalidParameterException', 'step-1');
    await eks.deletePodIdentityAssociation(idOf(first));
    pass(10);
    expect((await create(eks, input)).associationId).not.toBe(first.associationId);
  });
});

describe('DeletePodIdentityAssociation', () => {
  it('removes it from lists at once, but blocks its service account for associationDeleteLagSeconds', async () => {
    const { eks, pass } = openFixture({ knobs: { associationDeleteLagSeconds: 3 } });
    const id = idOf(await create(eks));
    expect((await eks.deletePodIdentityAssociation(id)).association).toMatchObject({ associationId: id.associationId });
    expect(await listed(eks)).toEqual([]);
    await expectFailure(describeOne(eks, id), 404, 'ResourceNotFoundException');
    await expectError(eks.deletePodIdentityAssociation(id), 'ResourceNotFoundException');
    pass(2.9);
    const message = `Association already exists: ${id.associationId}`;
    await expectExactError(create(eks), 'ResourceInUseException', message);
    pass(0.1);
    await create(eks);
  });

  it('deletes an association that an add-on owns, and the add-on no longer shows it', async () => {
    const { eks } = openFixture();
    await eks.createAddon({ ...addon, podIdentityAssociations });
    const [associationId] = await listed(eks);
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toHaveLength(1);
    await eks.deletePodIdentityAssociation(idOf({ associationId }));
    expect((await eks.describeAddon(addon)).addon?.podIdentityAssociations).toBeUndefined();
  });

  it('keeps its ARN in the add-on if the knob is set, until the associations are updated', async () => {
    const { eks, pass } = openFixture({ knobs: { deletedOwnedAssociation: 'shown' } });
    await eks.createAddon({ ...addon, podIdentityAssociations });
    pass(600);
    const [associationId] = await listed(eks);
    await eks.deletePodIdentityAssociation(idOf({ associationId }));
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
    await eks.deletePodIdentityAssociation(idOf({ associationId }));
    expect(await listed(eks)).toEqual([]);
    expect(await failureOf(describeOne(eks, { associationId }))).toMatchObject({ status: 404 });
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
  const created = await create(eks);
  expect(created).toMatchObject({ disableSessionTags: false });
  const id = idOf(created);
  expect(await describeOne(eks, id)).toMatchObject({ disableSessionTags: false });
  const updated = await eks.updatePodIdentityAssociation({ ...id, roleArn: roleArn('other') });
  expect(updated.association).toMatchObject({ disableSessionTags: false });
  const { associations } = await eks.listPodIdentityAssociations({ clusterName: CLUSTER });
  expect(associations?.[0]).not.toHaveProperty('disableSessionTags');
  expect((await eks.deletePodIdentityAssociation(id)).association).toMatchObject({ disableSessionTags: false });
});

describe('UpdatePodIdentityAssociation', () => {
  it('changes role, target role, session tags and policy, and modifiedAt', async () => {
    const { eks, pass } = openFixture();
    const created = await create(eks);
    pass(60);
    const id = idOf(created);
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
    const old = await create(eks, { targetRoleArn });
    await eks.deletePodIdentityAssociation(idOf(old));
    await eks.createAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    const id = { clusterName: CLUSTER, associationId: fixture.addon()!.associationIds[0] };
    const change = { targetRoleArn, disableSessionTags: true, policy: '{}' };
    const { association: made } = await eks.updatePodIdentityAssociation({ ...id, ...change });
    await eks.tagResource({ resourceArn: made!.associationArn, tags: { 'cost-centre': '4711' } });
    const association = await describeOne(eks, id);
    const tags = { 'cost-centre': '4711' };
    expect(association).toMatchObject({ ownerArn: fixture.addon()?.arn, roleArn: roleArn('ebs'), ...change, tags });
    for (const { externalId } of [old, association!]) expect(externalId).toMatch(/^[0-9a-f-]{36}$/);
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
    const association = await create(eks);
    await expectError(eks.updatePodIdentityAssociation({ ...idOf(association), ...change }), name);
    expect(await describeOne(eks, association)).toEqual(association);
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
    const unknown = { clusterName: CLUSTER, nextToken: 'mine' };
    await expectError(eks.listPodIdentityAssociations(unknown), 'InvalidParameterException');
  });
});
