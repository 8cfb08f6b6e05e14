import type { CreateAddonCommandInput, EKS, UpdateAddonCommandInput } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, OTHER_ACCOUNT, failureOf, openFixture, roleArn } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const VERSION = 'v1.38.1-eksbuild.1';
const BEFORE_POD_IDENTITY = 'v1.25.0-eksbuild.1';
const association = (role: string, serviceAccount = EBS_SA) => [{ serviceAccount, roleArn: roleArn(role) }];
const expected = (name: string, status: number, message: string) => ({ name, status, message, worldUnchanged: true });
const invalid = (message: string) => expected('InvalidParameterException', 400, message);
const CROSS_ACCOUNT = expected('AccessDeniedException', 403, 'Cross-account pass role is not allowed.');

/** Errors of both create and update: what is wrong, members of the request, and the error. */
const SHARED: [string, Partial<CreateAddonCommandInput & UpdateAddonCommandInput>, ReturnType<typeof expected>][] = [
  ['an empty role', { serviceAccountRoleArn: '' }, CROSS_ACCOUNT],
  [
    'an empty role together with associations',
    { serviceAccountRoleArn: '', podIdentityAssociations: association('ebs') },
    CROSS_ACCOUNT,
  ],
  ['a role of another account', { serviceAccountRoleArn: roleArn('ebs', OTHER_ACCOUNT) }, CROSS_ACCOUNT],
  ['a role that is not an ARN', { serviceAccountRoleArn: 'ebs' }, CROSS_ACCOUNT],
  [
    'an association with a role of another account',
    { podIdentityAssociations: [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs', OTHER_ACCOUNT) }] },
    CROSS_ACCOUNT,
  ],
  [
    'an association with an empty role',
    { podIdentityAssociations: [{ serviceAccount: EBS_SA, roleArn: '' }] },
    CROSS_ACCOUNT,
  ],
  ['an unknown version', { addonVersion: 'v9.9.9-eksbuild.1' }, invalid('Addon version specified is not supported')],
  [
    'a version for other Kubernetes versions',
    { addonVersion: BEFORE_POD_IDENTITY },
    invalid('Addon version specified is not supported'),
  ],
  [
    'configuration that is not in the schema',
    { configurationValues: '{"podAnnotations":{}}' },
    invalid(
      'ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$.podAnnotations: is not defined in the schema and the schema does not allow additional properties]',
    ),
  ],
  [
    'configuration that is null',
    { configurationValues: 'null' },
    invalid(
      'ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$: null found, object expected]',
    ),
  ],
  [
    'configuration of the wrong type',
    { configurationValues: '{"controller":{"replicaCount":"two"}}' },
    invalid(
      'ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$.controller.replicaCount: string found, integer expected]',
    ),
  ],
  [
    'configuration that is invalid JSON',
    { configurationValues: '{"controller":' },
    invalid('ConfigurationValue provided in request is not supported: it is neither valid JSON nor YAML'),
  ],
  [
    'a service account that does not support an association',
    { podIdentityAssociations: association('ebs', 'ebs-csi-node-sa') },
    invalid(`Service account ebs-csi-node-sa in pod identity configuration is not supported for addon ${EBS}`),
  ],
  [
    'a service account named twice',
    { podIdentityAssociations: [...association('ebs'), ...association('other')] },
    invalid(`Service account ${EBS_SA} is specified more than once in pod identity configuration`),
  ],
  [
    'a role that does not exist',
    { podIdentityAssociations: association('nobody') },
    invalid('Role provided in the request does not exist.'),
  ],
  [
    'a role created just now',
    { podIdentityAssociations: association('young') },
    invalid('Role provided in the request does not exist.'),
  ],
  [
    'a role that trusts IRSA only',
    { podIdentityAssociations: association('irsa-only') },
    invalid('Trust policy of the role provided is invalid'),
  ],
  [
    'a role without sts:TagSession',
    { podIdentityAssociations: association('no-tag-session') },
    invalid('Trust policy of the role provided is invalid'),
  ],
];

const state = ({ cluster }: Fixture): string =>
  JSON.stringify([
    [...cluster.addons],
    [...cluster.associations],
    [...cluster.updates],
    [...cluster.preserved],
    [...cluster.kube.objects].map(([kind, objects]) => [kind, [...objects]]),
  ]);

/** Returns the error of a call, and whether the world is unchanged. */
const refusalOf = async (
  fixture: Fixture,
  call: (eks: EKS) => Promise<unknown>,
): Promise<ReturnType<typeof expected>> => {
  const before = state(fixture);
  const { name, status = 0, message } = await failureOf(call(fixture.eks));
  return { name, status, message, worldUnchanged: state(fixture) === before };
};

describe('CreateAddon rejects', () => {
  it.each(SHARED)('%s', async (_what, input, answer) => {
    expect(
      await refusalOf(openFixture(), (eks) => eks.createAddon({ clusterName: CLUSTER, addonName: EBS, ...input })),
    ).toEqual(answer);
  });

  it('a version that EKS has withdrawn', async () => {
    const fixture = openFixture();
    fixture.world.catalogue.get(EBS)!.versions.find(({ version }) => version === VERSION)!.offered = false;
    expect(
      await refusalOf(fixture, (eks) =>
        eks.createAddon({ clusterName: CLUSTER, addonName: EBS, addonVersion: VERSION }),
      ),
    ).toEqual(invalid('Addon version specified is not supported'));
  });

  it('an association for a service account that has one, standalone or of a preserved add-on', async () => {
    for (const ownerArn of [undefined, 'arn:aws:eks:eu-west-1:111122223333:addon/shop/aws-ebs-csi-driver/gone']) {
      const fixture = openFixture();
      const { id } = fixture.associate({ serviceAccount: EBS_SA, roleArn: roleArn('other'), ownerArn });
      expect(
        await refusalOf(fixture, (eks) =>
          eks.createAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: association('ebs') }),
        ),
      ).toEqual(expected('ResourceInUseException', 409, `Association already exists: ${id}`));
    }
  });

  it('an invalid role before a duplicate association', async () => {
    const fixture = openFixture();
    fixture.associate({ serviceAccount: EBS_SA, roleArn: roleArn('other') });
    expect(
      await refusalOf(fixture, (eks) =>
        eks.createAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: association('irsa-only') }),
      ),
    ).toEqual(invalid('Trust policy of the role provided is invalid'));
  });

  it('associations beyond the quota', async () => {
    const fixture = openFixture();
    for (let n = 0; n < 5000; n += 1) fixture.associate({ serviceAccount: `sa-${n}`, roleArn: roleArn('ebs') });
    const failure = await failureOf(
      fixture.eks.createAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: association('ebs') }),
    );
    expect(failure).toMatchObject({ name: 'ResourceLimitExceededException', status: 400 });
    expect(fixture.addon()).toBeUndefined();
  });
});

describe('UpdateAddon rejects', () => {
  it.each(SHARED)('%s', async (_what, input, answer) => {
    expect(
      await refusalOf(openFixture({ addons: [{ name: EBS, role: 'ebs' }] }), (eks) =>
        eks.updateAddon({ clusterName: CLUSTER, addonName: EBS, ...input }),
      ),
    ).toEqual(answer);
  });

  it('associations for an installed version without Pod Identity', async () => {
    const fixture = openFixture({
      version: '1.30',
      addons: [{ name: EBS, version: BEFORE_POD_IDENTITY, role: 'ebs' }],
    });
    expect(
      await refusalOf(fixture, (eks) =>
        eks.updateAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: association('ebs') }),
      ),
    ).toEqual(invalid(`Pod Identity feature is not supported for addon version: ${BEFORE_POD_IDENTITY}`));
  });
});

describe('the other operations on add-ons reject', () => {
  const missing = expected('ResourceNotFoundException', 404, `No addon: ${EBS} found in cluster: ${CLUSTER}`);
  const noCluster = expected('ResourceNotFoundException', 404, 'No cluster found for name: none.');

  it('a missing add-on or cluster', async () => {
    const fixture = openFixture();
    expect(await refusalOf(fixture, (eks) => eks.describeAddon({ clusterName: CLUSTER, addonName: EBS }))).toEqual(
      missing,
    );
    expect(await refusalOf(fixture, (eks) => eks.deleteAddon({ clusterName: CLUSTER, addonName: EBS }))).toEqual(
      missing,
    );
    expect(await refusalOf(fixture, (eks) => eks.listUpdates({ name: CLUSTER, addonName: EBS }))).toEqual(missing);
    for (const call of [
      (eks: EKS) => eks.describeAddon({ clusterName: 'none', addonName: EBS }),
      (eks: EKS) => eks.deleteAddon({ clusterName: 'none', addonName: EBS }),
      (eks: EKS) => eks.listAddons({ clusterName: 'none' }),
    ]) {
      expect(await refusalOf(fixture, call)).toEqual(noCluster);
    }
  });

  it('a missing update', async () => {
    expect(await refusalOf(openFixture(), (eks) => eks.describeUpdate({ name: CLUSTER, updateId: 'u' }))).toEqual(
      expected('ResourceNotFoundException', 404, 'No update found for ID: u'),
    );
  });
});
