import type { CreateAddonCommandInput } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { type Fixture, ACCOUNT, CLUSTER, EBS, EBS_SA, REGION, START, envOf } from './fixture.ts';
import { openFixture, roleArn, addon, podIdentityAssociations, annotation, uids, kept } from './fixture.ts';
import { expectError, expectExactError } from '../../lambdas/matchers.ts';

const status = async ({ eks }: Fixture) => (await eks.describeAddon(addon)).addon?.status;

/** Creates a fixture with an IRSA add-on and deletes the add-on with preserve. */
const preserved = async (knobs: Parameters<typeof openFixture>[0] = {}): Promise<Fixture> => {
  const fixture = openFixture({ addons: [{ name: EBS, role: 'ebs' }], ...knobs });
  await fixture.eks.deleteAddon({ ...addon, preserve: true });
  fixture.pass(60);
  expect(fixture.addon()).toBeUndefined();
  return fixture;
};

/** Creates the add-on with an association over what was preserved, and waits. */
const recreated = async (fixture: Fixture, more: Partial<CreateAddonCommandInput> = {}): Promise<Fixture> => {
  await fixture.eks.createAddon({ ...addon, ...more, podIdentityAssociations });
  fixture.pass(300);
  return fixture;
};

describe('CreateAddon', () => {
  it('returns CREATING, owns its associations, and becomes ACTIVE after its time once pods are ready', async () => {
    const fixture = openFixture({ knobs: { addonCreateSeconds: 30, podReadySeconds: 5 } });
    const input: CreateAddonCommandInput = {
      ...addon,
      addonVersion: 'v1.38.1-eksbuild.1',
      podIdentityAssociations,
      configurationValues: 'node:\n  tolerateAllTaints: true\n',
      tags: { team: 'storage' },
    };
    const { addon: created } = await fixture.eks.createAddon(input);
    expect(created).toMatchObject({
      ...addon,
      status: 'CREATING',
      addonVersion: input.addonVersion,
      configurationValues: input.configurationValues,
      tags: input.tags,
      health: { issues: [] },
      namespaceConfig: { namespace: 'kube-system' },
    });
    expect(created?.addonArn).toMatch(
      new RegExp(`^arn:aws:eks:${REGION}:${ACCOUNT}:addon/${CLUSTER}/${EBS}/[0-9a-f-]{36}$`),
    );
    expect(created?.createdAt?.getTime()).toBe(START);

    const { associations } = await fixture.eks.listPodIdentityAssociations({ clusterName: CLUSTER });
    expect(associations).toMatchObject([
      { namespace: 'kube-system', serviceAccount: EBS_SA, ownerArn: created?.addonArn },
    ]);
    expect(created?.podIdentityAssociations).toEqual([associations?.[0]?.associationArn]);

    fixture.pass(29);
    expect(await status(fixture)).toBe('CREATING');
    fixture.pass(1);
    expect(await status(fixture)).toBe('ACTIVE');
    expect(fixture.podsOf(EBS_SA)).toHaveLength(2);
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });

  it('uses the default version for the cluster if none is named, and the namespace that the request names', async () => {
    const { eks } = openFixture();
    const { addon: created } = await eks.createAddon({
      clusterName: CLUSTER,
      addonName: 'cert-manager',
      namespaceConfig: { namespace: 'certificates' },
    });
    const namespaceConfig = { namespace: 'certificates' };
    expect(created).toMatchObject({ addonVersion: 'v1.18.2-eksbuild.2', namespaceConfig });
  });

  it.each([
    ['accept', EBS, 'kube-system', 'kube-system'],
    ['accept', EBS, 'storage', 'storage'],
    ['refuse', EBS, 'kube-system', 'InvalidParameterException'],
    ['refuse', EBS, undefined, 'kube-system'],
    ['refuse', 'external-dns', 'dns', 'dns'],
  ] as const)('fixedNamespaces %s: %s, naming %s: %s', async (fixedNamespaces, addonName, namespace, expected) => {
    const { eks } = openFixture({ knobs: { fixedNamespaces } });
    const named = namespace ? { namespaceConfig: { namespace } } : {};
    const answer = await eks.createAddon({ clusterName: CLUSTER, addonName, ...named }).then(
      ({ addon: created }) => created?.namespaceConfig?.namespace,
      (error: Error) => error.name,
    );
    expect(answer).toBe(expected);
  });

  it.each([
    ['always', undefined, 'kube-system'],
    ['always', 'storage', 'storage'],
    ['chosen', undefined, undefined],
    ['chosen', 'storage', 'storage'],
    ['chosen', 'kube-system', 'kube-system'],
  ] as const)(
    'namespaceConfigShown %s: a create with the namespace %s shows %s',
    async (namespaceConfigShown, namespace, shown) => {
      const { eks } = openFixture({ knobs: { namespaceConfigShown } });
      await eks.createAddon({
        clusterName: CLUSTER,
        addonName: EBS,
        ...(namespace ? { namespaceConfig: { namespace } } : {}),
      });
      const { addon: found } = await eks.describeAddon({ clusterName: CLUSTER, addonName: EBS });
      expect(found?.namespaceConfig?.namespace).toBe(shown);
    },
  );

  it('injects IRSA into pods with only a role', async () => {
    const fixture = openFixture();
    await fixture.eks.createAddon({ ...addon, serviceAccountRoleArn: roleArn('ebs') });
    fixture.pass(1);
    expect(annotation(fixture)).toBe(roleArn('ebs'));
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_ROLE_ARN');
  });

  it('creates one association for each service account, in the add-on’s namespace', async () => {
    const { eks, addon: stateOf } = openFixture();
    const names = ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'];
    await eks.createAddon({
      clusterName: CLUSTER,
      addonName: 'adot',
      podIdentityAssociations: names.map((serviceAccount) => ({ serviceAccount, roleArn: roleArn('ebs') })),
    });
    const { associations } = await eks.listPodIdentityAssociations({
      clusterName: CLUSTER,
      namespace: 'opentelemetry-operator-system',
    });
    expect(associations?.map(({ serviceAccount }) => serviceAccount).sort()).toEqual(names.sort());
    expect(stateOf('adot')?.associationIds).toHaveLength(3);
  });

  it('stays CREATING while pods are not ready', async () => {
    const fixture = openFixture({ knobs: { addonCreateSeconds: 10, podReadySeconds: 40 } });
    await fixture.eks.createAddon(addon);
    fixture.pass(39);
    expect(await status(fixture)).toBe('CREATING');
    fixture.pass(5);
    expect(await status(fixture)).toBe('ACTIVE');
  });

  it('becomes DEGRADED if pods never become ready', async () => {
    const fixture = openFixture({ nodes: 0 });
    await fixture.eks.createAddon(addon);
    fixture.pass(3600);
    const message = "The add-on is unhealthy because it doesn't have the desired number of replicas.";
    expect((await fixture.eks.describeAddon(addon)).addon).toMatchObject({
      status: 'DEGRADED',
      health: { issues: [{ code: 'InsufficientNumberOfReplicas', message, resourceIds: [] }] },
    });
  });

  it('becomes ACTIVE later if pods become ready late', async () => {
    const fixture = openFixture({ knobs: { podReadySeconds: 1000 } });
    await fixture.eks.createAddon(addon);
    fixture.pass(900);
    expect(await status(fixture)).toBe('DEGRADED');
    fixture.pass(200);
    expect([await status(fixture), fixture.addon()?.issues]).toEqual(['ACTIVE', []]);
  });

  it('is DEGRADED for degradedAfterCreateSeconds before ACTIVE', async () => {
    const fixture = openFixture({
      knobs: { addonCreateSeconds: 20, degradedAfterCreateSeconds: 15, podReadySeconds: 1 },
    });
    await fixture.eks.createAddon(addon);
    const seen: unknown[] = [];
    for (let n = 0; n < 4; n += 1) {
      fixture.pass(10);
      seen.push(await status(fixture));
    }
    expect(seen).toEqual(['CREATING', 'DEGRADED', 'DEGRADED', 'ACTIVE']);
  });

  it.each(['CREATE_FAILED', 'DEGRADED'] as const)(
    'ends in %s if the knob createEndsIn is set to it',
    async (createEndsIn) => {
      const fixture = openFixture({ knobs: { createEndsIn } });
      await fixture.eks.createAddon(addon);
      fixture.pass(24);
      expect(await status(fixture)).toBe('CREATING');
      fixture.pass(3600);
      expect(await status(fixture)).toBe(createEndsIn);
      expect(fixture.addon()?.issues).toHaveLength(1);
    },
  );

  it('can be repeated over a failed copy, whose associations it takes over', async () => {
    const fixture = openFixture({ knobs: { createEndsIn: 'CREATE_FAILED' } });
    const first = (await fixture.eks.createAddon({ ...addon, podIdentityAssociations })).addon;
    await expectExactError(
      fixture.eks.createAddon({ ...addon, podIdentityAssociations }),
      'ResourceInUseException',
      'Addon already exists.',
    );
    fixture.pass(60);
    fixture.world.knobs.createEndsIn = 'ACTIVE';
    const second = (await fixture.eks.createAddon({ ...addon, podIdentityAssociations })).addon;
    expect(second?.addonArn).not.toBe(first?.addonArn);
    expect([...fixture.cluster.associations.values()].map(({ ownerArn }) => ownerArn)).toEqual([second?.addonArn]);
    fixture.pass(60);
    expect(await status(fixture)).toBe('ACTIVE');
  });

  it('assigns a new ARN after each delete', async () => {
    const fixture = openFixture();
    const arns = new Set<string | undefined>();
    for (let n = 0; n < 3; n += 1) {
      arns.add((await fixture.eks.createAddon(addon)).addon?.addonArn);
      fixture.pass(120);
      await fixture.eks.deleteAddon(addon);
      fixture.pass(120);
    }
    expect(arns.size).toBe(3);
  });

  it('returns the same response for the same token, and creates again once that copy is deleted', async () => {
    const fixture = openFixture();
    const input = { ...addon, clientRequestToken: 'create-1', podIdentityAssociations };
    const first = await fixture.eks.createAddon(input);
    fixture.pass(60);
    expect([(await fixture.eks.createAddon(input)).addon, await status(fixture)]).toEqual([first.addon, 'ACTIVE']);
    expect(fixture.cluster.associations.size).toBe(1);
    await expectError(fixture.eks.createAddon({ ...input, tags: { a: 'b' } }), 'InvalidParameterException');
    await fixture.eks.deleteAddon(addon);
    await expectExactError(fixture.eks.createAddon(input), 'ResourceInUseException', 'Addon already exists.');
    fixture.pass(120);
    expect((await fixture.eks.createAddon(input)).addon?.addonArn).not.toBe(first.addon?.addonArn);
  });
});

describe('CreateAddon over preserved objects', () => {
  it('does not restart pods by default: they keep their old identity', async () => {
    const fixture = await preserved();
    const before = uids(fixture);
    expect(before).toHaveLength(2);
    await recreated(fixture);
    expect([await status(fixture), uids(fixture)]).toEqual(['ACTIVE', before]);
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_ROLE_ARN');
    expect(fixture.cluster.preserved.has(EBS)).toBe(false);
  });

  it('restarts pods with the knob restartOnCreate', async () => {
    const fixture = await preserved({ knobs: { restartOnCreate: true } });
    const before = uids(fixture);
    expect(kept(await recreated(fixture), before)).toBe(0);
    expect(envOf(fixture.podsOf(EBS_SA)[0])).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });

  it.each([
    ['version', { addonVersion: 'v1.44.0-eksbuild.1' }],
    ['configuration', { configurationValues: '{"controller":{"replicaCount":2}}' }],
  ])('restarts pods if the %s differs', async (_what, change) => {
    const fixture = await preserved();
    const before = uids(fixture);
    expect(kept(await recreated(fixture, change), before)).toBe(0);
  });

  it('without a role removes the annotation, or keeps it with the knob annotationAfterRecreate', async () => {
    const removing = await preserved();
    expect(annotation(removing)).toBe(roleArn('ebs'));
    expect(annotation(await recreated(removing))).toBeUndefined();
    const keeping = await recreated(await preserved({ knobs: { annotationAfterRecreate: 'keep' } }));
    expect(annotation(keeping)).toBe(roleArn('ebs'));
  });

  it('with a role sets the annotation, regardless of that knob', async () => {
    const fixture = await preserved({ knobs: { annotationAfterRecreate: 'keep' } });
    await fixture.eks.createAddon({ ...addon, serviceAccountRoleArn: roleArn('other') });
    expect(annotation(fixture)).toBe(roleArn('other'));
  });
});
