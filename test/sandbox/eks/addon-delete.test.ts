import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, failureOf, openFixture, roleArn, addon, podIdentityAssociations } from './fixture.ts';
import type { Fixture } from './fixture.ts';
import { expectError, expectExactError, expectFailure } from '../../lambdas/matchers.ts';

const status = async ({ eks }: Fixture): Promise<string | undefined> => {
  try {
    return (await eks.describeAddon(addon)).addon?.status;
  } catch (error) {
    return (error as Error).name;
  }
};
const keys = async ({ eks }: Fixture): Promise<string[]> =>
  ((await eks.listPodIdentityAssociations({ clusterName: CLUSTER })).associations ?? [])
    .map(({ serviceAccount = '' }) => serviceAccount)
    .sort();

/** Creates a fixture with an ACTIVE add-on that owns an association, and a standalone association. */
const owning = async (knobs: NonNullable<Parameters<typeof openFixture>[0]>['knobs'] = {}): Promise<Fixture> => {
  const fixture = openFixture({ knobs });
  await fixture.eks.createAddon({ ...addon, podIdentityAssociations });
  fixture.associate({ serviceAccount: 'other-service-account', roleArn: roleArn('ebs') });
  fixture.pass(120);
  expect(await status(fixture)).toBe('ACTIVE');
  return fixture;
};

/** Begins the deletion of the add-on of such a fixture, and returns it after that time. */
const deleted = async (
  seconds: number,
  knobs: Parameters<typeof owning>[0] = {},
  preserve?: boolean,
): Promise<Fixture> => {
  const fixture = await owning(knobs);
  await fixture.eks.deleteAddon({ ...addon, preserve });
  fixture.pass(seconds);
  return fixture;
};

describe('DeleteAddon', () => {
  it('returns DELETING; DescribeAddon follows after deleteStaleSeconds, and later does not find it', async () => {
    const fixture = await owning({ deleteStaleSeconds: 4, addonDeleteSeconds: 40 });
    expect((await fixture.eks.deleteAddon(addon)).addon?.status).toBe('DELETING');
    const seen: (string | undefined)[] = [await status(fixture)];
    for (const seconds of [3.9, 0.1, 35.9, 0.1]) {
      fixture.pass(seconds);
      seen.push(await status(fixture));
    }
    expect(seen).toEqual(['ACTIVE', 'ACTIVE', 'DELETING', 'DELETING', 'ResourceNotFoundException']);
    expect((await fixture.eks.listAddons({ clusterName: CLUSTER })).addons).toEqual([]);
  });

  it('shows DELETING at once if the knob deleteStaleSeconds is 0', async () =>
    expect(await status(await deleted(0, { deleteStaleSeconds: 0 }))).toBe('DELETING'));

  it('without preserve deletes the objects at its start', async () => {
    const fixture = await deleted(10);
    expect([await status(fixture), fixture.podsOf(EBS_SA)]).toEqual(['DELETING', []]);
    expect(fixture.object('deployments.apps', 'ebs-csi-controller')).toBeUndefined();
    fixture.pass(60);
    expect(fixture.cluster.preserved.has(EBS)).toBe(false);
  });

  it('without preserve deletes owned associations cascadeLagSeconds after the add-on, and no others', async () => {
    const fixture = await deleted(44.9, { addonDeleteSeconds: 40, cascadeLagSeconds: 5 });
    expect(await status(fixture)).toBe('ResourceNotFoundException');
    expect(await keys(fixture)).toEqual([EBS_SA, 'other-service-account']);
    await expectError(
      fixture.eks.createAddon({ ...addon, podIdentityAssociations }),
      'ResourceInUseException',
      'Association already exists: a-',
    );
    fixture.pass(0.1);
    expect(await keys(fixture)).toEqual(['other-service-account']);
    await fixture.eks.createAddon({ ...addon, podIdentityAssociations });
  });

  it('deletes them with the add-on if the knob cascadeLagSeconds is 0', async () =>
    expect(await keys(await deleted(40, { addonDeleteSeconds: 40, cascadeLagSeconds: 0 }))).toEqual([
      'other-service-account',
    ]));

  it('with preserve keeps objects and associations, and takes addonPreserveDeleteSeconds', async () => {
    const fixture = await owning({ addonPreserveDeleteSeconds: 15 });
    const before = fixture.podsOf(EBS_SA).map((pod) => pod.metadata.uid);
    const arn = fixture.addon()?.arn;
    await fixture.eks.deleteAddon({ ...addon, preserve: true });
    fixture.pass(14.9);
    expect(await status(fixture)).toBe('DELETING');
    fixture.pass(0.1);
    expect(await status(fixture)).toBe('ResourceNotFoundException');
    fixture.pass(600);
    expect(fixture.podsOf(EBS_SA).map((pod) => pod.metadata.uid)).toEqual(before);
    expect(await keys(fixture)).toEqual([EBS_SA, 'other-service-account']);
    expect(fixture.cluster.preserved.has(EBS)).toBe(true);
    expect(
      [...fixture.cluster.associations.values()].find(({ serviceAccount }) => serviceAccount === EBS_SA)?.ownerArn,
    ).toBe(arn);
  });

  it('with preserve clears the ownerArn if the knob ownerArnAfterPreserve is set; the association still exists', async () => {
    const fixture = await deleted(60, { ownerArnAfterPreserve: 'clear' }, true);
    const { associations } = await fixture.eks.listPodIdentityAssociations({
      clusterName: CLUSTER,
      serviceAccount: EBS_SA,
    });
    expect(associations).toHaveLength(1);
    expect(associations?.[0]?.ownerArn).toBeUndefined();
    await expectError(fixture.eks.createAddon({ ...addon, podIdentityAssociations }), 'ResourceInUseException');
  });

  it('deletes preserved objects if a later delete does not preserve', async () => {
    const fixture = await deleted(60, {}, true);
    await fixture.eks.createAddon(addon);
    fixture.pass(60);
    await fixture.eks.deleteAddon(addon);
    fixture.pass(60);
    expect([fixture.podsOf(EBS_SA), fixture.cluster.preserved.has(EBS)]).toEqual([[], false]);
  });

  it('stays DELETING permanently with the knob stuckDeleting', async () => {
    const fixture = await deleted(86_400, { stuckDeleting: true });
    expect(await status(fixture)).toBe('DELETING');
    await expectExactError(fixture.eks.createAddon(addon), 'ResourceInUseException', 'Addon already exists.');
  });

  it.each([0, 10])('blocks a create until the add-on is deleted: %i seconds after', async (seconds) => {
    const fixture = await deleted(seconds);
    await expectFailure(fixture.eks.createAddon(addon), 409, 'ResourceInUseException', 'Addon already exists.');
  });

  it('stops an operation in progress: an add-on that is deleted while CREATING never becomes ACTIVE', async () => {
    const fixture = openFixture({
      knobs: { deleteWhileBusy: 'accept', addonCreateSeconds: 30, addonDeleteSeconds: 60 },
    });
    await fixture.eks.createAddon(addon);
    fixture.pass(20);
    await fixture.eks.deleteAddon(addon);
    const seen = new Set<string | undefined>();
    for (let n = 0; n < 59; n += 1) {
      fixture.pass(1);
      seen.add(await status(fixture));
    }
    expect([...seen]).toEqual(['CREATING', 'DELETING']);
    fixture.pass(1);
    expect(await status(fixture)).toBe('ResourceNotFoundException');
  });
});

describe('DeleteAddon of a busy add-on', () => {
  it.each([
    ['ResourceInUseException', 409],
    ['InvalidRequestException', 400],
  ] as const)('is refused with %s if the knob deleteWhileBusy requires it', async (deleteWhileBusy, code) => {
    const fixture = await owning({ deleteWhileBusy });
    await fixture.eks.updateAddon(addon);
    expect(await failureOf(fixture.eks.deleteAddon(addon))).toEqual({
      name: deleteWhileBusy,
      status: code,
      message: `Addon ${EBS} cannot be deleted as it is currently in UPDATING state`,
      clusterName: CLUSTER,
      addonName: EBS,
    });
    fixture.pass(60);
    expect(await status(fixture)).toBe('ACTIVE');
    await fixture.eks.deleteAddon(addon);
    expect((await failureOf(fixture.eks.deleteAddon(addon))).message).toContain('DELETING');
  });

  it('is accepted with the knob accept, and a second one changes nothing', async () => {
    const fixture = await owning({ deleteWhileBusy: 'accept', addonDeleteSeconds: 40 });
    await fixture.eks.updateAddon(addon);
    await fixture.eks.deleteAddon({ ...addon, preserve: false });
    fixture.pass(30);
    expect((await fixture.eks.deleteAddon({ ...addon, preserve: true })).addon?.status).toBe('DELETING');
    fixture.pass(10);
    expect([await status(fixture), fixture.cluster.preserved.has(EBS)]).toEqual(['ResourceNotFoundException', false]);
  });

  it.each(['CREATE_FAILED', 'DEGRADED', 'UPDATE_FAILED', 'DELETE_FAILED'] as const)(
    'is always accepted in the status %s',
    async (failed) => {
      const fixture = openFixture({ addons: [{ name: EBS, status: failed }] });
      await fixture.eks.deleteAddon(addon);
      fixture.pass(60);
      expect(await status(fixture)).toBe('ResourceNotFoundException');
    },
  );
});
