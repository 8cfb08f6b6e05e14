import { describe, expect, it } from 'vitest';
import { type Fixture, CLUSTER, EBS, EBS_SA, OTHER_ACCOUNT, envOf, failureOf, openFixture } from './fixture.ts';
import { roleArn, addon, podIdentityAssociations, annotation, uids, kept, updateOf } from './fixture.ts';
import { expectError, expectExactError, expectFailure } from '../../lambdas/matchers.ts';

const irsa = (options: Parameters<typeof openFixture>[0] = {}): Fixture =>
  openFixture({ addons: [{ name: EBS, role: 'ebs', configurationValues: '{}' }], ...options });
const associations = async ({ eks }: Fixture) =>
  (await eks.listPodIdentityAssociations({ clusterName: CLUSTER })).associations ?? [];

describe('UpdateAddon with associations and without a role', () => {
  it('removes IRSA, owns the association and rolls the pods to it', async () => {
    const fixture = irsa({ knobs: { addonUpdateSeconds: 15, podReadySeconds: 2 } });
    const before = uids(fixture);
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_ROLE_ARN');
    const input = { ...addon, resolveConflicts: 'PRESERVE' as const, podIdentityAssociations };
    const { update } = await fixture.eks.updateAddon(input);
    const value = `[{"serviceAccount":"${EBS_SA}","roleArn":"${roleArn('ebs')}","namespace":"kube-system"}]`;
    const params = [
      { type: 'ResolveConflicts', value: 'PRESERVE' },
      { type: 'PodIdentityAssociations', value },
    ];
    expect(update).toMatchObject({ status: 'InProgress', type: 'AddonUpdate', errors: [], params });
    expect((await fixture.eks.describeAddon(addon)).addon?.status).toBe('UPDATING');
    fixture.pass(60);
    const { addon: updated } = await fixture.eks.describeAddon(addon);
    expect(updated).toMatchObject({ status: 'ACTIVE', configurationValues: '{}', tags: { team: 'storage' } });
    expect(updated?.serviceAccountRoleArn).toBeUndefined();
    expect(updated?.podIdentityAssociations).toHaveLength(1);
    expect(await associations(fixture)).toMatchObject([{ serviceAccount: EBS_SA, ownerArn: updated?.addonArn }]);
    expect(annotation(fixture)).toBeUndefined();
    expect(kept(fixture, before)).toBe(0);
    for (const pod of fixture.podsOf(EBS_SA)) {
      expect(envOf(pod)).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
      expect(envOf(pod)).not.toContain('AWS_ROLE_ARN');
    }
    expect((await updateOf(fixture, update?.id))?.status).toBe('Successful');
  });

  it('keeps the role with the knob keepIrsaRole, but only with associations', async () => {
    const fixture = irsa({ knobs: { keepIrsaRole: true } });
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    expect((await fixture.eks.describeAddon(addon)).addon?.serviceAccountRoleArn).toBe(roleArn('ebs'));
    expect(annotation(fixture)).toBe(roleArn('ebs'));
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations: [] });
    expect((await fixture.eks.describeAddon(addon)).addon?.serviceAccountRoleArn).toBeUndefined();
  });
});

describe('UpdateAddon', () => {
  it('without role and associations removes the role as well, and its pods lose their identity', async () => {
    const fixture = irsa();
    await fixture.eks.updateAddon({ ...addon, addonVersion: fixture.addon()?.version });
    fixture.pass(120);
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({ status: 'ACTIVE' });
    expect(fixture.addon()?.serviceAccountRoleArn).toBeUndefined();
    expect(envOf(fixture.podsOf(EBS_SA)[0])).not.toContain('AWS_ROLE_ARN');
  });

  it('keeps a role that is sent again, and does not roll pods', async () => {
    const fixture = irsa();
    const before = uids(fixture);
    await fixture.eks.updateAddon({ ...addon, serviceAccountRoleArn: roleArn('ebs') });
    fixture.pass(120);
    expect(fixture.addon()).toMatchObject({ status: 'ACTIVE', serviceAccountRoleArn: roleArn('ebs') });
    expect(uids(fixture)).toEqual(before);
  });

  it('can set a role together with associations', async () => {
    const fixture = irsa();
    await fixture.eks.updateAddon({ ...addon, serviceAccountRoleArn: roleArn('other'), podIdentityAssociations });
    fixture.pass(120);
    const associationIds = [expect.stringMatching(/^a-/)];
    expect(fixture.addon()).toMatchObject({ serviceAccountRoleArn: roleArn('other'), associationIds });
    expect(annotation(fixture)).toBe(roleArn('other'));
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });

  it('can keep a version that is no longer offered, but not change to it', async () => {
    const fixture = irsa();
    const version = fixture.addon()!.version;
    for (const candidate of fixture.world.catalogue.get(EBS)!.versions)
      if (candidate.version === version) candidate.offered = false;
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    expect(fixture.addon()?.version).toBe(version);
  });

  it('changes version and configuration; an empty object is stored unchanged', async () => {
    const fixture = irsa();
    const before = uids(fixture);
    const configurationValues = '{"controller":{"replicaCount":2}}';
    const version = 'v1.44.0-eksbuild.1';
    const change = { addonVersion: version, configurationValues, serviceAccountRoleArn: roleArn('ebs') };
    await fixture.eks.updateAddon({ ...addon, ...change });
    fixture.pass(300);
    expect(fixture.addon()).toMatchObject({ version, configurationValues, status: 'ACTIVE' });
    expect(kept(fixture, before)).toBe(0);
    await fixture.eks.updateAddon({ ...addon, configurationValues: '{}' });
    expect((await fixture.eks.describeAddon(addon)).addon?.configurationValues).toBe('{}');
  });

  it('keeps associations if they are left out, and deletes owned ones for an empty list', async () => {
    const fixture = irsa();
    fixture.associate({ serviceAccount: 'another-owner', roleArn: roleArn('ebs') });
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    const owned = fixture.addon()!.associationIds;
    await fixture.eks.updateAddon({ ...addon, resolveConflicts: 'NONE' });
    fixture.pass(120);
    expect(fixture.addon()?.associationIds).toEqual(owned);
    const before = uids(fixture);
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations: [] });
    expect((await associations(fixture)).map(({ serviceAccount }) => serviceAccount)).toEqual(['another-owner']);
    fixture.pass(120);
    expect(kept(fixture, before)).toBe(0);
  });

  it('replaces the whole list, and omitted service accounts can have new associations', async () => {
    const names = ['adot-col-prom-metrics', 'adot-col-otlp-ingest'];
    const fixture = openFixture({ addons: [{ name: 'adot' }] });
    const update = (serviceAccounts: string[]) =>
      fixture.eks.updateAddon({
        clusterName: CLUSTER,
        addonName: 'adot',
        podIdentityAssociations: serviceAccounts.map((serviceAccount) => ({ serviceAccount, roleArn: roleArn('ebs') })),
      });
    await update(names);
    fixture.pass(120);
    await update([names[1]!, 'adot-col-container-logs']);
    expect(new Set((await associations(fixture)).map(({ serviceAccount }) => serviceAccount))).toEqual(
      new Set(['adot-col-container-logs', 'adot-col-otlp-ingest']),
    );
    fixture.pass(120);
    await fixture.eks.createPodIdentityAssociation({
      clusterName: CLUSTER,
      namespace: 'opentelemetry-operator-system',
      serviceAccount: names[0],
      roleArn: roleArn('ebs'),
    });
  });

  it('keeps the id of an association that is sent again, or assigns a new one with the knob newIdOnReplace', async () => {
    for (const newIdOnReplace of [false, true]) {
      const fixture = irsa({ knobs: { newIdOnReplace } });
      await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
      fixture.pass(120);
      const [before] = await associations(fixture);
      const changed = [{ serviceAccount: EBS_SA, roleArn: roleArn('other') }];
      await fixture.eks.updateAddon({ ...addon, podIdentityAssociations: changed });
      const after = await associations(fixture);
      expect(after).toHaveLength(1);
      const id = { clusterName: CLUSTER, associationId: after[0]?.associationId };
      expect(id.associationId === before?.associationId).toBe(!newIdOnReplace);
      expect(fixture.addon()?.associationIds).toEqual([id.associationId]);
      const { association } = await fixture.eks.describePodIdentityAssociation(id);
      expect(association?.roleArn).toBe(roleArn('other'));
    }
  });

  it('clears properties of associations that the request cannot express', async () => {
    const fixture = irsa();
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    const id = { clusterName: CLUSTER, associationId: fixture.addon()?.associationIds[0] };
    await fixture.eks.updatePodIdentityAssociation({ ...id, targetRoleArn: roleArn('far', OTHER_ACCOUNT) });
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    const { association } = await fixture.eks.describePodIdentityAssociation(id);
    expect(association?.roleArn).toBe(roleArn('ebs'));
    expect([association?.targetRoleArn, association?.externalId]).toEqual([undefined, undefined]);
  });

  it('fails with DEGRADED if pods do not become ready, reverts nothing, and becomes ACTIVE later', async () => {
    const fixture = irsa({ knobs: { podReadySeconds: 1000 } });
    const { update } = await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    const read = () => updateOf(fixture, update?.id);
    fixture.pass(200);
    expect((await read())?.status).toBe('InProgress');
    fixture.pass(200);
    expect(await read()).toMatchObject({ status: 'Failed', errors: [{ errorCode: 'InsufficientNumberOfReplicas' }] });
    expect(fixture.addon()).toMatchObject({ status: 'DEGRADED', issues: [{ code: 'InsufficientNumberOfReplicas' }] });
    expect(fixture.addon()?.associationIds).toHaveLength(1);
    fixture.pass(4000);
    expect([fixture.addon()?.status, (await read())?.status]).toEqual(['ACTIVE', 'Failed']);
  });

  it('recovers a failed add-on', async () => {
    const fixture = openFixture({ knobs: { createEndsIn: 'CREATE_FAILED' } });
    await fixture.eks.createAddon(addon);
    fixture.pass(60);
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    expect(fixture.addon()?.status).toBe('ACTIVE');
    expect(fixture.podsOf(EBS_SA)).toHaveLength(2);
  });

  it('returns the same response for the same token, also while busy, and starts nothing', async () => {
    const fixture = irsa();
    const input = { ...addon, clientRequestToken: 'update-1', podIdentityAssociations };
    const first = await fixture.eks.updateAddon(input);
    expect([(await fixture.eks.updateAddon(input)).update, fixture.cluster.updates.size]).toEqual([first.update, 1]);
    await expectError(fixture.eks.updateAddon({ ...input, podIdentityAssociations: [] }), 'InvalidParameterException');
    await expectError(fixture.eks.updateAddon({ ...input, clientRequestToken: 'update-2' }), 'ResourceInUseException');
  });
});

describe('updates', () => {
  it('are found only with the add-on’s name', async () => {
    const fixture = irsa();
    const updateId = (await fixture.eks.updateAddon(addon)).update?.id;
    expect((await fixture.eks.listUpdates({ name: CLUSTER, addonName: EBS })).updateIds).toEqual([updateId]);
    expect((await fixture.eks.listUpdates({ name: CLUSTER })).updateIds).toEqual([]);
    const elsewhere = fixture.eks.describeUpdate({ name: CLUSTER, updateId, addonName: 'vpc-cni' });
    expect((await failureOf(elsewhere)).name).toBe('ResourceNotFoundException');
  });

  it('do not exist for node groups and capabilities, which the sandbox does not have', async () => {
    const { eks } = irsa();
    for (const call of [
      eks.listUpdates({ name: CLUSTER, nodegroupName: 'default' }),
      eks.describeUpdate({ name: CLUSTER, updateId: 'u', nodegroupName: 'default' }),
    ]) {
      await expectFailure(call, 404, 'ResourceNotFoundException', 'No node group found for name: default.');
    }
    await expectExactError(
      eks.listUpdates({ name: CLUSTER, capabilityName: 'argo' }),
      'ResourceNotFoundException',
      'No capability found for name: argo.',
    );
  });

  it('are listed in pages', async () => {
    const fixture = irsa();
    for (let n = 0; n < 3; n += 1) {
      await fixture.eks.updateAddon({ ...addon, resolveConflicts: 'NONE' });
      fixture.pass(300);
    }
    const first = await fixture.eks.listUpdates({ name: CLUSTER, addonName: EBS, maxResults: 2 });
    const next = { maxResults: 2, nextToken: first.nextToken };
    const second = await fixture.eks.listUpdates({ name: CLUSTER, addonName: EBS, ...next });
    expect(new Set([...(first.updateIds ?? []), ...(second.updateIds ?? [])])).toEqual(
      new Set(fixture.cluster.updates.keys()),
    );
    expect([first.updateIds?.length, second.updateIds?.length, second.nextToken]).toEqual([2, 1, undefined]);
  });
});
