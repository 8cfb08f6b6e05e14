import type { CreateAddonCommandInput, UpdateAddonCommandInput } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import type { ForeignField } from '../../../sandbox/world/world.ts';
import {
  type Fixture,
  EBS,
  EBS_SA,
  openFixture,
  roleArn,
  addon,
  podIdentityAssociations,
  annotation,
  uids,
  kept,
  updateOf,
} from './fixture.ts';

const CONTROLLER = 'Deployment.apps ebs-csi-controller';
const REPLICAS: ForeignField = { field: `${CONTROLLER} - .spec.replicas`, manager: 'kubectl-scale' };
const IMAGE: ForeignField = {
  field: `${CONTROLLER} - .spec.template.spec.containers[name="ebs-plugin"].image`,
  manager: 'kubectl-edit',
};
const CONFLICT = {
  code: 'ConfigurationConflict',
  message: `Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts:\n${REPLICAS.field}\n${IMAGE.field}`,
  resourceIds: [],
};

/** Creates a fixture with an IRSA add-on of which another manager changed these fields. */
const changed = (knobs: Partial<Knobs>, ...fields: ForeignField[]): Fixture => {
  const fixture = openFixture({
    addons: [{ name: EBS, role: 'ebs' }],
    knobs: { addonCreateSeconds: 25, addonUpdateSeconds: 15, ...knobs },
  });
  if (fields.length > 0) fixture.cluster.foreignFields.set(EBS, fields);
  return fixture;
};

/** Creates the add-on, and returns its status after five minutes. */
const created = async (fixture: Fixture, more: Partial<CreateAddonCommandInput>): Promise<string | undefined> => {
  await fixture.eks.createAddon({ ...addon, ...more });
  fixture.pass(300);
  return fixture.addon()?.status;
};
const updated = async (fixture: Fixture, more: Partial<UpdateAddonCommandInput> = {}): Promise<string | undefined> => {
  await fixture.eks.updateAddon({ ...addon, ...more });
  fixture.pass(300);
  return fixture.addon()?.status;
};

/** Patches the controller's Deployment as an administrator. */
const kubectl = async ({ world, cluster }: Fixture, fieldManager: string, patch: object): Promise<void> => {
  const principalArn = roleArn('operator');
  const policyArn = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy';
  const policies = [{ policyArn, scope: { type: 'cluster' as const, namespaces: [] }, associatedAt: 0 }];
  const entry = { principalArn, kubernetesGroups: [], type: 'STANDARD', tags: {}, createdAt: 0, policies };
  cluster.accessEntries.set(principalArn, entry);
  const path = '/apis/apps/v1/namespaces/kube-system/deployments/ebs-csi-controller';
  const headers = { 'content-type': 'application/strategic-merge-patch+json' };
  const body = Buffer.from(JSON.stringify(patch));
  const request = { method: 'PATCH', host: 'shop.example', path, query: { fieldManager }, headers, body };
  const answer = await createKubernetesService(world, cluster)(request, {
    caller: { accessKeyId: 'AK', principalArn, account: cluster.account },
    region: cluster.region,
    describe: () => undefined,
    authorize: () => undefined,
  });
  expect(answer.status).toBe(200);
};

const preserved = async (...fields: ForeignField[]): Promise<Fixture> => {
  const fixture = changed({}, ...fields);
  await fixture.eks.deleteAddon({ ...addon, preserve: true });
  fixture.pass(60);
  return fixture;
};

describe('CreateAddon over preserved objects with changed fields', () => {
  it.each([undefined, 'NONE', 'PRESERVE'] as const)(
    'with %s fails at the end of the create, names the fields, and changes nothing',
    async (resolveConflicts) => {
      const fixture = await preserved(REPLICAS, IMAGE);
      const before = uids(fixture);
      expect((await fixture.eks.createAddon({ ...addon, resolveConflicts })).addon?.status).toBe('CREATING');
      fixture.pass(24);
      expect((await fixture.eks.describeAddon(addon)).addon?.status).toBe('CREATING');
      fixture.pass(1);
      expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
        status: 'CREATE_FAILED',
        health: { issues: [CONFLICT] },
      });
      fixture.pass(3600);
      expect([fixture.addon()?.status, uids(fixture)]).toEqual(['CREATE_FAILED', before]);
      expect(annotation(fixture)).toBe(roleArn('ebs'));
      expect(fixture.cluster.foreignFields.get(EBS)).toHaveLength(2);
    },
  );

  it('with OVERWRITE overwrites the fields; fields of a pod template restart pods', async () => {
    for (const fields of [[REPLICAS], [REPLICAS, IMAGE]]) {
      const fixture = await preserved(...fields);
      const before = uids(fixture);
      expect(await created(fixture, { resolveConflicts: 'OVERWRITE' })).toBe('ACTIVE');
      expect(fixture.addon()?.issues).toEqual([]);
      expect(fixture.cluster.foreignFields.has(EBS)).toBe(false);
      expect(uids(fixture).some((uid) => before.includes(uid))).toBe(!fields.includes(IMAGE));
      expect(await updated(fixture, { resolveConflicts: 'NONE' })).toBe('ACTIVE');
    }
  });

  it('can be repeated with OVERWRITE over the failed copy', async () => {
    const fixture = await preserved(REPLICAS);
    await fixture.eks.createAddon({ ...addon, addonVersion: 'v1.44.0-eksbuild.1' });
    fixture.pass(60);
    const before = uids(fixture);
    const again = { addonVersion: 'v1.44.0-eksbuild.1', resolveConflicts: 'OVERWRITE' } as const;
    expect([await created(fixture, again), fixture.cluster.preserved.has(EBS)]).toEqual(['ACTIVE', false]);
    // The version of the failed copy was never applied to the pods.
    expect(kept(fixture, before)).toBe(0);
  });

  it('after a preserved failed copy compares with the settings that the objects were created from', async () => {
    const fixture = await preserved(REPLICAS);
    await fixture.eks.createAddon({ ...addon, addonVersion: 'v1.44.0-eksbuild.1' });
    fixture.pass(60);
    await fixture.eks.deleteAddon({ ...addon, preserve: true });
    fixture.pass(60);
    const before = uids(fixture);
    await created(fixture, { addonVersion: 'v1.38.1-eksbuild.1', resolveConflicts: 'OVERWRITE' });
    expect(uids(fixture)).toEqual(before);
  });

  it('has no conflict after a delete without preserve, which deleted the fields with the objects', async () => {
    const fixture = changed({}, REPLICAS, IMAGE);
    await fixture.eks.deleteAddon(addon);
    fixture.pass(60);
    expect(await created(fixture, { resolveConflicts: 'NONE' })).toBe('ACTIVE');
  });
});

describe('UpdateAddon of objects with changed fields', () => {
  it.each([undefined, 'NONE'] as const)('with %s fails, and applies nothing', async (resolveConflicts) => {
    const fixture = changed({}, REPLICAS, IMAGE);
    const before = uids(fixture);
    const { update } = await fixture.eks.updateAddon({ ...addon, resolveConflicts });
    fixture.pass(14);
    expect(fixture.addon()?.status).toBe('UPDATING');
    fixture.pass(1);
    const errors = [{ errorCode: 'ConfigurationConflict', errorMessage: CONFLICT.message, resourceIds: [] }];
    expect(await updateOf(fixture, update?.id)).toMatchObject({ status: 'Failed', errors });
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
      status: 'UPDATE_FAILED',
      health: { issues: [CONFLICT] },
    });
    expect(uids(fixture)).toEqual(before);
    expect(annotation(fixture)).toBe(roleArn('ebs'));
  });

  it('succeeds: with PRESERVE it keeps the fields, with OVERWRITE it overwrites them', async () => {
    const fixture = changed({}, REPLICAS);
    expect(await updated(fixture, { resolveConflicts: 'PRESERVE' })).toBe('ACTIVE');
    expect(fixture.cluster.foreignFields.get(EBS)).toEqual([REPLICAS]);
    expect(await updated(fixture, { resolveConflicts: 'OVERWRITE' })).toBe('ACTIVE');
    expect(fixture.cluster.foreignFields.has(EBS)).toBe(false);
  });

  it.each(['UPDATE_FAILED', 'DEGRADED'] as const)(
    'ends in %s if the knob is set to it, and the update is Failed',
    async (updateConflictEndsIn) => {
      const fixture = changed({ updateConflictEndsIn }, REPLICAS);
      const { update } = await fixture.eks.updateAddon(addon);
      fixture.pass(60);
      const issues = [{ code: 'ConfigurationConflict' }];
      expect(fixture.addon()).toMatchObject({ status: updateConflictEndsIn, issues });
      expect((await updateOf(fixture, update?.id))?.status).toBe('Failed');
    },
  );

  it('conflicts with a change by kubectl, and keeps the value with PRESERVE', async () => {
    const fixture = changed({});
    const replicas = () => fixture.object('deployments.apps', 'ebs-csi-controller')!.spec?.['replicas'];
    const counts = () => [fixture.addon()?.status, replicas(), fixture.podsOf(EBS_SA).length];
    await kubectl(fixture, 'kubectl-edit', { spec: { replicas: 3 } });
    expect(fixture.cluster.foreignFields.get(EBS)).toEqual([{ ...REPLICAS, manager: 'kubectl-edit' }]);
    await updated(fixture, { podIdentityAssociations, resolveConflicts: 'PRESERVE' });
    expect(counts()).toEqual(['ACTIVE', 3, 3]);
    expect(await updated(fixture, { resolveConflicts: 'NONE' })).toBe('UPDATE_FAILED');
    await updated(fixture, { resolveConflicts: 'OVERWRITE' });
    expect([counts(), fixture.cluster.foreignFields.size]).toEqual([['ACTIVE', 2, 2], 0]);
  });

  it('does not conflict with a restart by kubectl, whose annotation EKS does not set', async () => {
    const fixture = changed({});
    const annotations = { 'kubectl.kubernetes.io/restartedAt': 'x' };
    await kubectl(fixture, 'kubectl-rollout', { spec: { template: { metadata: { annotations } } } });
    expect(await updated(fixture, { resolveConflicts: 'NONE' })).toBe('ACTIVE');
  });

  it('applies the values of a failed update when repeated with OVERWRITE', async () => {
    const fixture = changed({}, REPLICAS);
    const before = uids(fixture);
    const input = { addonVersion: 'v1.44.0-eksbuild.1', serviceAccountRoleArn: roleArn('other') };
    await updated(fixture, input);
    expect(annotation(fixture)).toBe(roleArn('ebs'));
    expect(await updated(fixture, { ...input, resolveConflicts: 'OVERWRITE' })).toBe('ACTIVE');
    expect(annotation(fixture)).toBe(roleArn('other'));
    expect(kept(fixture, before)).toBe(0);
  });

  it('does not affect other add-ons', async () => {
    const fixture = openFixture({ addons: [{ name: EBS }, { name: 'coredns' }] });
    const field = 'ConfigMap coredns - .data.Corefile';
    fixture.cluster.foreignFields.set('coredns', [{ field, manager: 'kubectl-edit' }]);
    expect(await updated(fixture)).toBe('ACTIVE');
  });
});
