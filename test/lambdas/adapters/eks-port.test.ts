/** What the steps rely on, held by the SDK's adapter on the sandbox's EKS and by the fake that the steps' tests use. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AwsEks } from '../../../lambdas/adapters/aws-eks.ts';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Eks } from '../../../lambdas/ports/eks.ts';
import { CLUSTER as SANDBOX_CLUSTER, openFixture, roleArn } from '../../sandbox/eks/fixture.ts';
import { FakeEks } from '../fake-eks.ts';
import { FakeClock } from '../fakes.ts';
import { ADDON, anAssociation, NAMESPACE, SERVICE_ACCOUNT } from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';

interface Lab {
  eks: Eks;
  pass: (seconds: number) => void;
}

const ROLE = roleArn('ebs');
const OTHER_ROLE = roleArn('other');
/** Longer than any change takes. */
const LONG = 600;
const planned = (role = ROLE) => [{ namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT, roleArn: role }];

describe.each<[string, () => Lab]>([
  [
    'the sandbox',
    () => {
      const { eks, pass } = openFixture({ addons: [{ name: ADDON, role: 'ebs' }] });
      return { eks: new AwsEks(eks, SANDBOX_CLUSTER), pass };
    },
  ],
  [
    'memory',
    () => {
      const clock = new FakeClock();
      const eks = new FakeEks(clock);
      eks.addons.get(ADDON)!.serviceAccountRoleArn = ROLE;
      return { eks, pass: (seconds) => clock.advance(seconds * 1000) };
    },
  ],
])('EKS in %s', (_, open) => {
  let eks: Eks;
  let pass: Lab['pass'];
  let before: Addon;
  let token = 0;
  beforeEach(async () => {
    ({ eks, pass } = open());
    before = structuredClone((await eks.describeAddon(ADDON))!);
  });

  const next = (): string => `token-${++token}`;
  const now = async (): Promise<Addon> => structuredClone((await eks.describeAddon(ADDON))!);
  const list = async (): Promise<Association[]> =>
    structuredClone(await eks.listAssociations(NAMESPACE, SERVICE_ACCOUNT));
  const update = async (role = ROLE): Promise<void> => {
    await eks.updateAddon({ addon: ADDON, podIdentityAssociations: planned(role), clientRequestToken: next() });
    pass(LONG);
  };
  const creation = () => ({
    addon: ADDON,
    version: before.version,
    tags: {},
    podIdentityAssociations: planned(),
    clientRequestToken: next(),
  });
  const remove = async (preserve: boolean): Promise<void> => {
    expect(await eks.deleteAddon(ADDON, { preserve })).toBe(true);
    pass(LONG);
    expect(await eks.describeAddon(ADDON)).toBeUndefined();
  };

  it('changes an add-on in place: same copy, the role gone, an association of its own', async () => {
    await eks.updateAddon({ addon: ADDON, podIdentityAssociations: planned(), clientRequestToken: next() });
    expect(await now()).toMatchObject({ arn: before.arn, status: 'UPDATING' });
    await expectError(update(), 'Busy', 'it is currently in UPDATING state');
    pass(LONG);
    const [association, ...more] = await list();
    expect([more, association]).toMatchObject([[], { roleArn: ROLE, ownerArn: before.arn }]);
    expect(await now()).toMatchObject({
      arn: before.arn,
      status: 'ACTIVE',
      version: before.version,
      podIdentityAssociations: [association?.arn],
    });
    expect((await now()).serviceAccountRoleArn).toBeUndefined();
    expect((await now()).configurationValues).toBe(before.configurationValues);
  });

  it("replaces what the copy owns, which keeps its id and tags and loses what the add-on form can't say", async () => {
    await update();
    const [first] = await list();
    await eks.tagResource(first!.arn, { team: 'storage' });
    await eks.updateAssociation(first!.id, { disableSessionTags: true, policy: '{}' }, next());
    expect((await list())[0]).toMatchObject({
      tags: { team: 'storage' },
      disableSessionTags: true,
      policy: '{}',
      roleArn: ROLE,
    });
    await update(OTHER_ROLE);
    const [second] = await list();
    expect(second).toMatchObject({
      id: first!.id,
      ownerArn: before.arn,
      roleArn: OTHER_ROLE,
      tags: { team: 'storage' },
    });
    expect([second?.disableSessionTags, second?.policy]).toEqual([undefined, undefined]);
    await eks.updateAddon({
      addon: ADDON,
      podIdentityAssociations: [],
      serviceAccountRoleArn: ROLE,
      clientRequestToken: next(),
    });
    pass(LONG);
    expect(await list()).toEqual([]);
    expect(await now()).toMatchObject({ serviceAccountRoleArn: ROLE, podIdentityAssociations: [] });
  });

  it('does not let go of a standalone association for an add-on, nor for another one', async () => {
    const standing = await eks.createAssociation(anAssociation({ roleArn: ROLE }), next());
    const refusal = anError('Busy', `Association already exists: ${standing.id}`);
    await expect(update()).rejects.toMatchObject(refusal);
    await expect(eks.createAssociation(anAssociation({ roleArn: OTHER_ROLE }), next())).rejects.toMatchObject(refusal);
    expect([await now(), await eks.deleteAssociation(standing.id)]).toEqual([before, true]);
    expect(await eks.deleteAssociation(standing.id)).toBe(false);
    pass(LONG);
    await update();
  });

  it('leaves associations behind a copy that is deleted with preserve, in the way of the next one', async () => {
    await update();
    await remove(true);
    const [orphan] = await list();
    expect(orphan).toMatchObject({ ownerArn: before.arn });
    await expectError(eks.createAddon(creation()), 'Busy', `Association already exists: ${orphan!.id}`);
    expect(await eks.describeAddon(ADDON)).toBeUndefined();
    await eks.deleteAssociation(orphan!.id);
    pass(LONG);
    const arn = await eks.createAddon(creation());
    expect(arn).not.toBe(before.arn);
    pass(LONG);
    expect([await now(), await list()]).toMatchObject([{ arn, status: 'ACTIVE' }, [{ ownerArn: arn }]]);
  });

  it('takes associations away with a copy that is deleted without preserve', async () => {
    await update();
    expect(await eks.countAssociations()).toBe(1);
    await remove(false);
    expect([await eks.countAssociations(), await eks.deleteAddon(ADDON, { preserve: false })]).toEqual([0, false]);
  });

  it('lists what the whole cluster has', async () => {
    expect(await eks.listAddons()).toContain(ADDON);
    expect(await eks.listAllAssociations(10)).toEqual({ associations: [], more: false });
    await update();
    const standing = await eks.createAssociation(anAssociation({ namespace: 'other', roleArn: ROLE }), next());
    const { associations, more } = await eks.listAllAssociations(10);
    expect(associations.map(({ id }) => id).sort()).toEqual([standing.id, (await list())[0]!.id].sort());
    expect([more, (await eks.listAllAssociations(2)).more, (await eks.listAllAssociations(1)).more]).toEqual([
      false,
      false,
      true,
    ]);
    expect((await eks.listAllAssociations(1)).associations).toHaveLength(1);
    await remove(false);
    expect(await eks.listAddons()).not.toContain(ADDON);
  });

  it('answers a request again under its token, and makes nothing twice', async () => {
    await remove(false);
    const request = creation();
    const arn = await eks.createAddon(request);
    expect(await eks.createAddon(request)).toBe(arn);
    await expectError(eks.createAddon(creation()), 'Busy', 'Addon already exists');
    expect(await list()).toHaveLength(1);
  });

  it('shows no association of an add-on that was deleted behind its back', async () => {
    await update();
    await eks.deleteAssociation((await list())[0]!.id);
    expect((await now()).podIdentityAssociations).toEqual([]);
  });

  it('refuses a change of an association that says nothing, or a policy with session tags', async () => {
    const { id } = await eks.createAssociation(anAssociation({ roleArn: ROLE }), next());
    await expectError(eks.updateAssociation(id, {}, next()), 'InvalidRequest');
    await expectError(eks.updateAssociation(id, { policy: '{}' }, next()), 'InvalidRequest', 'disableSessionTags');
    await expectError(eks.updateAssociation('a-00000000000000000', { disableSessionTags: true }, next()), 'NotFound');
  });
});
