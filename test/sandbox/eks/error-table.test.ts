/**
 * The known errors of EKS, one row each, through the real SDK. Each row states its certainty:
 * `certain` is documented or reported verbatim, `likely` follows from several reports, `unknown` is the sandbox's
 * own choice, often a knob with a row for each setting.
 *
 * Errors of callers that lack the permission to call the operation or to pass the role are tested in
 * `authorization.test.ts` and `on-behalf.test.ts`.
 */
import type { EKS } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import type { Knobs } from '../../../sandbox/world/scenario.ts';
import { CLUSTER, EBS, EBS_SA, OTHER_ACCOUNT, failureOf, openFixture, roleArn } from './fixture.ts';
import type { Fixture, FixtureAddon } from './fixture.ts';

type Certainty = 'certain' | 'likely' | 'unknown';

interface Row {
  situation: string;
  certainty: Certainty;
  /** Certainty of the message, if it differs. */
  text?: Certainty;
  /** The setting that decides the row. */
  knobs?: Partial<Knobs>;
  /** Kubernetes version of the cluster; defaults to 1.31. */
  version?: string;
  addons?: FixtureAddon[];
  before?: (fixture: Fixture) => unknown;
  call: (eks: EKS, fixture: Fixture) => Promise<unknown>;
  answer: [name: string, status: number, message: string] | 'accepted';
}

const addon = { clusterName: CLUSTER, addonName: EBS };
const installed: FixtureAddon[] = [{ name: EBS, role: 'ebs' }];
const OLD = 'v1.25.0-eksbuild.1';
const ID = 'a-00000000000000000';
const association = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: EBS_SA, roleArn: roleArn('ebs') };
const byAddon = (role = roleArn('ebs'), serviceAccount = EBS_SA) => ({
  podIdentityAssociations: [{ serviceAccount, roleArn: role }],
});
const held = (fixture: Fixture): unknown =>
  fixture.associate({ id: ID, serviceAccount: EBS_SA, roleArn: roleArn('other') });
const deleting = (fixture: Fixture): unknown => fixture.eks.deleteAddon(addon);

const invalid = (message: string): Row['answer'] => ['InvalidParameterException', 400, message];
const inUse = (message: string): Row['answer'] => ['ResourceInUseException', 409, message];
const notFound = (message: string): Row['answer'] => ['ResourceNotFoundException', 404, message];
const NO_ADDON = notFound(`No addon: ${EBS} found in cluster: ${CLUSTER}`);
const CROSS_ACCOUNT: Row['answer'] = ['AccessDeniedException', 403, 'Cross-account pass role is not allowed.'];
const NOT_SUPPORTED =
  'ConfigurationValue provided in request is not supported: Json schema validation failed with error: ';
const EXISTS = inUse(`Association already exists: ${ID}`);

const busy = (['CREATING', 'UPDATING', 'DELETING'] as const).flatMap((status): Row[] => {
  const text = `Addon ${EBS} cannot be deleted as it is currently in ${status} state`;
  const row = {
    situation: `delete while ${status}`,
    certainty: 'unknown' as const,
    addons: [{ name: EBS, status }],
    call: (eks: EKS) => eks.deleteAddon(addon),
  };
  return [
    { ...row, knobs: { deleteWhileBusy: 'ResourceInUseException' }, answer: inUse(text) },
    { ...row, knobs: { deleteWhileBusy: 'InvalidRequestException' }, answer: ['InvalidRequestException', 400, text] },
    { ...row, knobs: { deleteWhileBusy: 'accept' }, answer: 'accepted' },
  ];
});

const fsx = {
  clusterName: CLUSTER,
  addonName: 'aws-fsx-csi-driver',
  podIdentityAssociations: [{ serviceAccount: 'fsx-csi-controller-sa', roleArn: roleArn('ebs') }],
};
const withoutAgent: Row[] = (['refuse', 'accept', 'degrade'] as const).map((setting) => ({
  situation: `associations without an agent: ${setting}`,
  certainty: 'unknown',
  knobs: { withoutAgent: setting },
  call: (eks) => eks.createAddon(fsx),
  answer:
    setting === 'refuse'
      ? ['InvalidParameterException', 400, 'Amazon EKS Pod Identity agent is not installed in the cluster']
      : 'accepted',
}));

const ADDONS: Row[] = [
  ...withoutAgent,
  {
    situation: 'create of an existing add-on',
    certainty: 'certain',
    addons: installed,
    call: (eks) => eks.createAddon(addon),
    answer: inUse('Addon already exists.'),
  },
  {
    situation: 'create while the previous copy is DELETING',
    certainty: 'likely',
    addons: installed,
    before: deleting,
    call: (eks) => eks.createAddon(addon),
    answer: inUse('Addon already exists.'),
  },
  {
    situation: 'describe if missing',
    certainty: 'certain',
    call: (eks) => eks.describeAddon(addon),
    answer: NO_ADDON,
  },
  {
    situation: 'delete if missing',
    certainty: 'certain',
    text: 'likely',
    call: (eks) => eks.deleteAddon(addon),
    answer: NO_ADDON,
  },
  {
    situation: 'update if missing',
    certainty: 'certain',
    text: 'likely',
    call: (eks) => eks.updateAddon(addon),
    answer: NO_ADDON,
  },
  {
    situation: 'missing cluster',
    certainty: 'certain',
    call: (eks) => eks.describeAddon({ ...addon, clusterName: 'none' }),
    answer: notFound('No cluster found for name: none.'),
  },
  ...(['UPDATING', 'CREATING'] as const).map((status): Row => ({
    situation: `update while ${status}`,
    certainty: 'certain',
    addons: [{ name: EBS, status }],
    call: (eks) => eks.updateAddon(addon),
    answer: inUse(`Addon ${EBS} cannot be updated as it is currently in ${status} state`),
  })),
  {
    situation: 'update while DELETING',
    certainty: 'likely',
    addons: installed,
    before: deleting,
    call: (eks) => eks.updateAddon(addon),
    answer: inUse(`Addon ${EBS} cannot be updated as it is currently in DELETING state`),
  },
  ...busy,
  {
    situation: 'unknown version',
    certainty: 'certain',
    call: (eks) => eks.createAddon({ ...addon, addonVersion: 'v9.9.9-eksbuild.1' }),
    answer: invalid('Addon version specified is not supported'),
  },
  {
    situation: 'unknown add-on',
    certainty: 'certain',
    call: (eks) => eks.createAddon({ ...addon, addonName: 'no-such-addon' }),
    answer: invalid('Addon specified is not supported'),
  },
  {
    situation: 'configuration that is not in the schema',
    certainty: 'certain',
    call: (eks) => eks.createAddon({ ...addon, configurationValues: '{"podAnnotations":{}}' }),
    answer: invalid(
      `${NOT_SUPPORTED}[$.podAnnotations: is not defined in the schema and the schema does not allow additional properties]`,
    ),
  },
  {
    situation: 'configuration null',
    certainty: 'certain',
    addons: installed,
    call: (eks) => eks.updateAddon({ ...addon, configurationValues: 'null' }),
    answer: invalid(`${NOT_SUPPORTED}[$: null found, object expected]`),
  },
  // In 2022, EKS rejected it; according to today's API reference, it is treated as NONE.
  {
    situation: 'PRESERVE on create',
    certainty: 'certain',
    call: (eks) => eks.createAddon({ ...addon, resolveConflicts: 'PRESERVE' }),
    answer: 'accepted',
  },
  {
    situation: 'associations for a version without support',
    certainty: 'certain',
    version: '1.30',
    call: (eks) => eks.createAddon({ ...addon, addonVersion: OLD, ...byAddon() }),
    answer: invalid(`Pod Identity feature is not supported for addon version: ${OLD}`),
  },
  {
    situation: 'an association for an unsupported service account',
    certainty: 'certain',
    call: (eks) => eks.createAddon({ ...addon, ...byAddon(roleArn('ebs'), 'ebs-csi-node-sa') }),
    answer: invalid(`Service account ebs-csi-node-sa in pod identity configuration is not supported for addon ${EBS}`),
  },
  {
    situation: 'create for a service account that has an association',
    certainty: 'certain',
    text: 'likely',
    before: held,
    call: (eks) => eks.createAddon({ ...addon, ...byAddon() }),
    answer: EXISTS,
  },
  {
    situation: 'update for a service account that has an association',
    certainty: 'certain',
    text: 'likely',
    addons: installed,
    before: held,
    call: (eks) => eks.updateAddon({ ...addon, ...byAddon() }),
    answer: EXISTS,
  },
  {
    situation: 'update with an empty role',
    certainty: 'certain',
    addons: installed,
    call: (eks) => eks.updateAddon({ ...addon, serviceAccountRoleArn: '' }),
    answer: CROSS_ACCOUNT,
  },
  {
    situation: 'create with an empty role',
    certainty: 'likely',
    call: (eks) => eks.createAddon({ ...addon, serviceAccountRoleArn: '' }),
    answer: CROSS_ACCOUNT,
  },
  {
    situation: 'update of an add-on, described without the add-on’s name',
    certainty: 'certain',
    addons: installed,
    before: (fixture) =>
      fixture.cluster.updates.set('u-1', {
        id: 'u-1',
        addonName: EBS,
        status: 'InProgress',
        type: 'AddonUpdate',
        params: [],
        errors: [],
        createdAt: 0,
      }),
    call: (eks) => eks.describeUpdate({ name: CLUSTER, updateId: 'u-1' }),
    answer: notFound('No update found for ID: u-1'),
  },
];

const create =
  (change: Partial<typeof association> = {}) =>
  (eks: EKS) =>
    eks.createPodIdentityAssociation({ ...association, ...change });
const byId = { clusterName: CLUSTER, associationId: ID };
const NO_ASSOCIATION = notFound(`No association found for ID: ${ID}`);
const NO_ROLE = invalid('Role provided in the request does not exist.');
const BAD_TRUST = invalid('Trust policy of the role provided is invalid');
const deleted = (fixture: Fixture): unknown => {
  held(fixture);
  return fixture.eks.deletePodIdentityAssociation(byId);
};

const ASSOCIATIONS: Row[] = [
  { situation: 'duplicate', certainty: 'certain', before: held, call: create(), answer: EXISTS },
  {
    situation: 'the same service account again after a delete',
    certainty: 'likely',
    knobs: { associationDeleteLagSeconds: 2 },
    before: deleted,
    call: create(),
    answer: EXISTS,
  },
  {
    situation: 'the same service account again after a delete',
    certainty: 'likely',
    knobs: { associationDeleteLagSeconds: 0 },
    before: deleted,
    call: create(),
    answer: 'accepted',
  },
  { situation: 'role missing', certainty: 'certain', call: create({ roleArn: roleArn('nobody') }), answer: NO_ROLE },
  {
    situation: 'role created just now',
    certainty: 'certain',
    knobs: { iamLagSeconds: 10 },
    call: create({ roleArn: roleArn('young') }),
    answer: NO_ROLE,
  },
  {
    situation: 'role created just now',
    certainty: 'certain',
    knobs: { iamLagSeconds: 0 },
    call: create({ roleArn: roleArn('young') }),
    answer: 'accepted',
  },
  {
    situation: 'trust policy without the pods’ principal',
    certainty: 'certain',
    call: create({ roleArn: roleArn('irsa-only') }),
    answer: BAD_TRUST,
  },
  {
    situation: 'trust policy without sts:TagSession',
    certainty: 'certain',
    call: create({ roleArn: roleArn('no-tag-session') }),
    answer: BAD_TRUST,
  },
  {
    situation: 'trust policy before duplicate',
    certainty: 'likely',
    before: held,
    call: create({ roleArn: roleArn('irsa-only') }),
    answer: BAD_TRUST,
  },
  {
    situation: 'role of another account',
    certainty: 'likely',
    call: create({ roleArn: roleArn('ebs', OTHER_ACCOUNT) }),
    answer: CROSS_ACCOUNT,
  },
  {
    situation: 'update with an empty role',
    certainty: 'certain',
    before: held,
    call: (eks) => eks.updatePodIdentityAssociation({ ...byId, roleArn: '' }),
    answer: CROSS_ACCOUNT,
  },
  {
    situation: 'describe if missing',
    certainty: 'certain',
    text: 'unknown',
    call: (eks) => eks.describePodIdentityAssociation(byId),
    answer: NO_ASSOCIATION,
  },
  {
    situation: 'delete if missing',
    certainty: 'certain',
    text: 'unknown',
    call: (eks) => eks.deletePodIdentityAssociation(byId),
    answer: NO_ASSOCIATION,
  },
  {
    situation: 'update if missing',
    certainty: 'certain',
    text: 'unknown',
    call: (eks) => eks.updatePodIdentityAssociation({ ...byId, roleArn: roleArn('ebs') }),
    answer: NO_ASSOCIATION,
  },
  {
    situation: 'id of another length',
    certainty: 'certain',
    call: (eks) => eks.deletePodIdentityAssociation({ ...byId, associationId: 'a-1' }),
    answer: invalid('The parameter associationId should be 19 characters long.'),
  },
  {
    situation: 'more than the quota',
    certainty: 'certain',
    text: 'unknown',
    before: (fixture) => {
      for (let n = 0; n < 5000; n += 1) fixture.associate({ serviceAccount: `sa-${n}`, roleArn: roleArn('ebs') });
    },
    call: create(),
    answer: [
      'ResourceLimitExceededException',
      400,
      `The cluster ${CLUSTER} can have at most 5000 Pod Identity associations.`,
    ],
  },
];

const titleOf = ({ situation, certainty, text = certainty, knobs }: Row): string =>
  `[${text === certainty ? certainty : `${certainty}, message ${text}`}] ${situation}${knobs ? `, ${JSON.stringify(knobs)}` : ''}`;

/** Returns the SDK's result in a row's situation. */
const answerIn = async ({ knobs, addons, version, before, call }: Row): Promise<unknown> => {
  const fixture = openFixture({
    ...(knobs ? { knobs } : {}),
    ...(addons ? { addons } : {}),
    ...(version === undefined ? {} : { version }),
  });
  await before?.(fixture);
  const answer = call(fixture.eks, fixture).then(() => 'accepted');
  return answer.catch(async () => {
    const { name, status, message } = await failureOf(answer);
    return [name, status, message];
  });
};

describe('the operations on add-ons', () => {
  it.each(ADDONS.map((row) => [titleOf(row), row] as const))('%s', async (_title, row) => {
    expect(await answerIn(row)).toEqual(row.answer);
  });

  it('[likely] an empty role is sent by the SDK for JavaScript, which does not check lengths', async () => {
    const fixture = openFixture({ addons: installed });
    await failureOf(fixture.eks.updateAddon({ ...addon, serviceAccountRoleArn: '' }));
    expect(fixture.described).toMatchObject([
      { operation: 'UpdateAddon', input: { ...addon, serviceAccountRoleArn: '' } },
    ]);
  });
});

describe('the operations on associations', () => {
  it.each(ASSOCIATIONS.map((row) => [titleOf(row), row] as const))('%s', async (_title, row) => {
    expect(await answerIn(row)).toEqual(row.answer);
  });
});

const coredns = { clusterName: CLUSTER, addonName: 'coredns' };

describe('resolveConflicts with a changed field', () => {
  it('[unknown] create with associations and without an agent stays DEGRADED with the knob degrade', async () => {
    const fixture = openFixture({ knobs: { withoutAgent: 'degrade' } });
    await fixture.eks.createAddon(fsx);
    fixture.pass(600);
    const { addon: created } = await fixture.eks.describeAddon({ clusterName: CLUSTER, addonName: fsx.addonName });
    expect([created?.status, created?.health?.issues?.map(({ message }) => message)]).toEqual([
      'DEGRADED',
      ['Amazon EKS Pod Identity agent is not installed in the cluster'],
    ]);
  });

  it.each<[Certainty, string | undefined, string]>([
    ['certain', undefined, '{"replicaCount":3}'],
    ['certain', '{}', '{}'],
  ])('[%s] update with the configuration %s results in %s', async (_certainty, configurationValues, left) => {
    const fixture = openFixture({ addons: [{ name: 'coredns', configurationValues: '{"replicaCount":3}' }] });
    await fixture.eks.updateAddon({ ...coredns, configurationValues });
    expect((await fixture.eks.describeAddon(coredns)).addon?.configurationValues).toBe(left);
  });
});
