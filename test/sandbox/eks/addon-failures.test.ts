import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, openFixture, roleArn } from './fixture.ts';
import { expectExactError } from '../../lambdas/matchers.ts';

const addon = { clusterName: CLUSTER, addonName: EBS };
const podIdentityAssociations = [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs') }];

it.each([
  ['UPDATE_FAILED', 'InternalFailure', 'Unknown'],
  ['DEGRADED', 'InsufficientNumberOfReplicas', 'InsufficientNumberOfReplicas'],
] as const)(
  'an update that fails because of the knob updateEndsIn leaves the add-on %s until the next call',
  async (updateEndsIn, code, errorCode) => {
    const fixture = openFixture({
      addons: [{ name: EBS, role: 'ebs' }],
      knobs: { updateEndsIn, addonUpdateSeconds: 15 },
    });
    const { update } = await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    const read = async () =>
      (await fixture.eks.describeUpdate({ name: CLUSTER, addonName: EBS, updateId: update?.id })).update;
    fixture.pass(14);
    expect([(await read())?.status, fixture.addon()?.status]).toEqual(['InProgress', 'UPDATING']);
    fixture.pass(3600);
    expect(await read()).toMatchObject({ status: 'Failed', errors: [{ errorCode }] });
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
      status: updateEndsIn,
      health: { issues: [{ code }] },
    });
    fixture.world.knobs.updateEndsIn = 'ACTIVE';
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(300);
    expect(fixture.addon()).toMatchObject({ status: 'ACTIVE', issues: [] });
    expect(
      fixture.podsOf(EBS_SA).every((pod) => JSON.stringify(pod.spec).includes('AWS_CONTAINER_CREDENTIALS_FULL_URI')),
    ).toBe(true);
  },
);

describe('a delete that fails because of the knob deleteEndsIn', () => {
  it.each([true, false])('keeps objects and associations, and can be repeated (preserve: %s)', async (preserve) => {
    const fixture = openFixture({ addons: [{ name: EBS }], knobs: { deleteEndsIn: 'DELETE_FAILED' } });
    await fixture.eks.updateAddon({ ...addon, podIdentityAssociations });
    fixture.pass(120);
    expect((await fixture.eks.deleteAddon({ ...addon, preserve })).addon?.status).toBe('DELETING');
    fixture.pass(3600);
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
      status: 'DELETE_FAILED',
      health: { issues: [{ code: 'InternalFailure' }] },
    });
    expect(fixture.podsOf(EBS_SA)).toHaveLength(2);
    expect((await fixture.eks.listPodIdentityAssociations({ clusterName: CLUSTER })).associations).toHaveLength(1);
    await expectExactError(fixture.eks.createAddon(addon), 'ResourceInUseException', 'Addon already exists.');
    fixture.world.knobs.deleteEndsIn = 'GONE';
    await fixture.eks.deleteAddon({ ...addon, preserve });
    fixture.pass(120);
    expect(fixture.addon()).toBeUndefined();
    expect(fixture.podsOf(EBS_SA)).toHaveLength(preserve ? 2 : 0);
  });
});
