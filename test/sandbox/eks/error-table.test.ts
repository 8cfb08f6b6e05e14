/**
 * The known errors of EKS, one row each, through the real SDK. Rows state their certainty:
 * `certain` is documented or reported verbatim, `likely` follows from several reports, `unknown` is the sandbox's
 * own choice, often a knob with a row for each setting.
 *
 * Errors of callers that lack the permission to call the operation or to pass the role are tested in
 * `authorization.test.ts` and `on-behalf.test.ts`.
 */
import type { CreateAddonRequest, EKS, UpdateAddonRequest } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import type { AddonState, UpdateState } from '../../../sandbox/world/world.ts';
import {
  CLUSTER,
  EBS,
  EBS_SA,
  OTHER_ACCOUNT,
  failureOf,
  openFixture,
  roleArn,
  type Fixture,
  type FixtureAddon,
} from './fixture.ts';

type Certainty = 'certain' | 'likely' | 'unknown';

interface Situation {
  /** The setting that decides the row. */
  knobs?: Partial<Knobs>;
  /** Kubernetes version of the cluster; defaults to 1.31. */
  version?: string;
  addons?: FixtureAddon[];
  before?: (fixture: Fixture) => unknown;
}
type Answer = [name: string, status: number, message: string] | 'accepted';
type Call = (eks: EKS) => Promise<unknown>;
type Row = [situation: string, call: Call, answer: Answer, more?: Situation];

/** `certainty`: also that of the message, if it differs. Some rows only combine what others state, and have none. */
const rowsOf = (certainty: Certainty | `${Certainty}, message ${Certainty}` | undefined, rows: Row[]) =>
  rows.map((row) => {
    const [situation, , , { knobs } = {}] = row;
    return [
      `${certainty ? `[${certainty}] ` : ''}${situation}${knobs ? `, ${JSON.stringify(knobs)}` : ''}`,
      row,
    ] as const;
  });

const addon = { clusterName: CLUSTER, addonName: EBS };
const INSTALLED = { addons: [{ name: EBS, role: 'ebs' }] };
const being = (status: AddonState['status']) => ({ addons: [{ name: EBS, status }] });
const OLD = 'v1.25.0-eksbuild.1';
const ID = 'a-00000000000000000';
const association = { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: EBS_SA, roleArn: roleArn('ebs') };
const byAddon = (role = roleArn('ebs'), serviceAccount = EBS_SA) => ({
  podIdentityAssociations: [{ serviceAccount, roleArn: role }],
});
const held = (fixture: Fixture, ownerArn?: string): unknown =>
  fixture.associate({ id: ID, serviceAccount: EBS_SA, roleArn: roleArn('other'), ownerArn });
const HELD = { before: (fixture: Fixture): unknown => held(fixture) };
const BEING_DELETED = { ...INSTALLED, before: ({ eks }: Fixture): unknown => eks.deleteAddon(addon) };

const invalid = (message: string): Answer => ['InvalidParameterException', 400, message];
const inUse = (message: string): Answer => ['ResourceInUseException', 409, message];
const notFound = (message: string): Answer => ['ResourceNotFoundException', 404, message];
const NO_ADDON = notFound(`No addon: ${EBS} found in cluster: ${CLUSTER}`);
const CROSS_ACCOUNT: Answer = ['AccessDeniedException', 403, 'Cross-account pass role is not allowed.'];
const EXISTS = inUse(`Association already exists: ${ID}`);

const remove: Call = (eks) => eks.deleteAddon(addon);
const createWith =
  (more: Partial<CreateAddonRequest> = {}): Call =>
  (eks) =>
    eks.createAddon({ ...addon, ...more });
const updateWith =
  (more: Partial<UpdateAddonRequest> = {}): Call =>
  (eks) =>
    eks.updateAddon({ ...addon, ...more });

const busy = (['CREATING', 'UPDATING', 'DELETING'] as const).flatMap((status): Row[] => {
  const text = `Addon ${EBS} cannot be deleted as it is currently in ${status} state`;
  const situation = `delete while ${status}`;
  const setting = (deleteWhileBusy: Knobs['deleteWhileBusy']) => ({ knobs: { deleteWhileBusy }, ...being(status) });
  return [
    [situation, remove, inUse(text), setting('ResourceInUseException')],
    [situation, remove, ['InvalidRequestException', 400, text], setting('InvalidRequestException')],
    [situation, remove, 'accepted', setting('accept')],
  ];
});

const FSX = 'aws-fsx-csi-driver';
const fsx = { ...addon, addonName: FSX, ...byAddon(roleArn('ebs'), 'fsx-csi-controller-sa') };
const NO_AGENT = 'Amazon EKS Pod Identity agent is not installed in the cluster';
const withoutAgent = (['refuse', 'accept', 'degrade'] as const).map((setting): Row => {
  const answer = setting === 'refuse' ? invalid(NO_AGENT) : 'accepted';
  return [`associations without an agent: ${setting}`, createWith(fsx), answer, { knobs: { withoutAgent: setting } }];
});

const NO_POD_IDENTITY = `Pod Identity feature is not supported for addon version: ${OLD}`;
const updating = (status: string): Answer =>
  inUse(`Addon ${EBS} cannot be updated as it is currently in ${status} state`);
const describeUpdate: Call = (eks) => eks.describeUpdate({ name: CLUSTER, updateId: 'u-1' });
const update: UpdateState = {
  id: 'u-1',
  addonName: EBS,
  status: 'InProgress',
  type: 'AddonUpdate',
  params: [],
  errors: [],
  createdAt: 0,
};
const beingUpdated = { ...INSTALLED, before: ({ cluster }: Fixture) => cluster.updates.set('u-1', update) };

const ADDONS = [
  ...rowsOf('certain', [
    ['create of an existing add-on', createWith(), inUse('Addon already exists.'), INSTALLED],
    ['describe if missing', (eks) => eks.describeAddon(addon), NO_ADDON],
    ['missing cluster', updateWith({ clusterName: 'none' }), notFound('No cluster found for name: none.')],
    ['update while UPDATING', updateWith(), updating('UPDATING'), being('UPDATING')],
    ['update while CREATING', updateWith(), updating('CREATING'), being('CREATING')],
    ['unknown add-on', createWith({ addonName: 'no-such-addon' }), invalid('Addon specified is not supported')],
    // In 2022, EKS rejected it; according to today's API reference, it is treated as NONE.
    ['PRESERVE on create', createWith({ resolveConflicts: 'PRESERVE' }), 'accepted'],
    [
      'associations for a version without support',
      createWith({ addonVersion: OLD, ...byAddon() }),
      invalid(NO_POD_IDENTITY),
      { version: '1.30' },
    ],
    [
      'update of an add-on, described without the add-on’s name',
      describeUpdate,
      notFound('No update found for ID: u-1'),
      beingUpdated,
    ],
  ]),
  ...rowsOf('certain, message likely', [
    ['delete if missing', remove, NO_ADDON],
    ['update if missing', updateWith(), NO_ADDON],
    ['create for a service account that has an association', createWith(byAddon()), EXISTS, HELD],
    ['update for a service account that has an association', updateWith(byAddon()), EXISTS, { ...INSTALLED, ...HELD }],
  ]),
  ...rowsOf('likely', [
    ['create while the previous copy is DELETING', createWith(), inUse('Addon already exists.'), BEING_DELETED],
    ['update while DELETING', updateWith(), updating('DELETING'), BEING_DELETED],
  ]),
  ...rowsOf('unknown', [...withoutAgent, ...busy]),
];

const create =
  (change: Partial<typeof association> = {}): Call =>
  (eks) =>
    eks.createPodIdentityAssociation({ ...association, ...change });
const createAs = (role: string): Call => create({ roleArn: roleArn(role) });
const byId = { clusterName: CLUSTER, associationId: ID };
const updateTo =
  (role: string): Call =>
  (eks) =>
    eks.updatePodIdentityAssociation({ ...byId, roleArn: role });
const disassociate =
  (associationId = ID): Call =>
  (eks) =>
    eks.deletePodIdentityAssociation({ ...byId, associationId });
const NO_ASSOCIATION = notFound(`No association found for ID: ${ID}`);
const NO_ROLE = invalid('Role provided in the request does not exist.');
const BAD_TRUST = invalid('Trust policy of the role provided is invalid');
const WRONG_LENGTH = invalid('The parameter associationId should be 19 characters long.');
const QUOTA = `The cluster ${CLUSTER} can have at most 5000 Pod Identity associations.`;
const OVER_QUOTA: Answer = ['ResourceLimitExceededException', 400, QUOTA];
const deletedWithLag = (associationDeleteLagSeconds: number): Situation => ({
  knobs: { associationDeleteLagSeconds },
  before: (fixture) => {
    held(fixture);
    return fixture.eks.deletePodIdentityAssociation(byId);
  },
});
const atQuota = (fixture: Fixture): void => {
  for (let n = 0; n < 5000; n += 1) fixture.associate({ serviceAccount: `sa-${n}`, roleArn: roleArn('ebs') });
};

const ASSOCIATIONS = [
  ...rowsOf('certain', [
    ['duplicate', create(), EXISTS, HELD],
    ['role missing', createAs('nobody'), NO_ROLE],
    ['role created just now', createAs('young'), NO_ROLE, { knobs: { iamLagSeconds: 10 } }],
    ['role created just now', createAs('young'), 'accepted', { knobs: { iamLagSeconds: 0 } }],
    ['trust policy without the pods’ principal', createAs('irsa-only'), BAD_TRUST],
    ['trust policy without sts:TagSession', createAs('no-tag-session'), BAD_TRUST],
    ['update with an empty role', updateTo(''), CROSS_ACCOUNT, HELD],
    ['id of another length', disassociate('a-1'), WRONG_LENGTH],
  ]),
  ...rowsOf('certain, message unknown', [
    ['describe if missing', (eks) => eks.describePodIdentityAssociation(byId), NO_ASSOCIATION],
    ['delete if missing', disassociate(), NO_ASSOCIATION],
    ['update if missing', updateTo(roleArn('ebs')), NO_ASSOCIATION],
    ['more than the quota', create(), OVER_QUOTA, { before: atQuota }],
  ]),
  ...rowsOf('likely', [
    ['the same service account again after a delete', create(), EXISTS, deletedWithLag(2)],
    ['the same service account again after a delete', create(), 'accepted', deletedWithLag(0)],
    ['trust policy before duplicate', createAs('irsa-only'), BAD_TRUST, HELD],
    ['role of another account', create({ roleArn: roleArn('ebs', OTHER_ACCOUNT) }), CROSS_ACCOUNT],
  ]),
];

/** Rows of what both CreateAddon and UpdateAddon reject. */
const bothWith = (what: string, members: Partial<CreateAddonRequest>, answer: Answer): Row[] => [
  [`create with ${what}`, createWith(members), answer],
  [`update with ${what}`, updateWith(members), answer, INSTALLED],
];
const as = (...roles: string[]) => ({
  podIdentityAssociations: roles.map((role) => ({ serviceAccount: EBS_SA, roleArn: roleArn(role) })),
});
const configured = (configurationValues: string) => ({ configurationValues });
const badConfiguration = (why: string): Answer =>
  invalid(`ConfigurationValue provided in request is not supported: ${why}`);
const notInSchema = (why: string): Answer => badConfiguration(`Json schema validation failed with error: [$${why}]`);
const NOT_DEFINED = 'is not defined in the schema and the schema does not allow additional properties';
const NO_VERSION = invalid('Addon version specified is not supported');
const NOT_THEIRS = `Service account ebs-csi-node-sa in pod identity configuration is not supported for addon ${EBS}`;
const TWICE = `Service account ${EBS_SA} is specified more than once in pod identity configuration`;
const elsewhere = roleArn('ebs', OTHER_ACCOUNT);
const OF_GONE = 'arn:aws:eks:eu-west-1:111122223333:addon/shop/aws-ebs-csi-driver/gone';
const VERSION = 'v1.38.1-eksbuild.1';
const withdrawn = ({ world }: Fixture): void => {
  world.catalogue.get(EBS)!.versions.find(({ version }) => version === VERSION)!.offered = false;
};
const [NO_CLUSTER, noCluster] = [notFound('No cluster found for name: none.'), { ...addon, clusterName: 'none' }];

const OF_BOTH = [
  ...rowsOf('certain', [
    ...bothWith(
      'configuration that is not in the schema',
      configured('{"podAnnotations":{}}'),
      notInSchema(`.podAnnotations: ${NOT_DEFINED}`),
    ),
    ...bothWith('configuration that is null', configured('null'), notInSchema(': null found, object expected')),
    ...bothWith(
      'a service account that does not support an association',
      byAddon(roleArn('ebs'), 'ebs-csi-node-sa'),
      invalid(NOT_THEIRS),
    ),
    ...bothWith('an unknown version', { addonVersion: 'v9.9.9-eksbuild.1' }, NO_VERSION),
  ]),
  ...rowsOf(undefined, [
    ...bothWith('an empty role', { serviceAccountRoleArn: '' }, CROSS_ACCOUNT),
    ...bothWith('an empty role together with associations', { serviceAccountRoleArn: '', ...byAddon() }, CROSS_ACCOUNT),
    ...bothWith('a role of another account', { serviceAccountRoleArn: elsewhere }, CROSS_ACCOUNT),
    ...bothWith('a role that is not an ARN', { serviceAccountRoleArn: 'ebs' }, CROSS_ACCOUNT),
    ...bothWith('an association with a role of another account', byAddon(elsewhere), CROSS_ACCOUNT),
    ...bothWith('an association with an empty role', byAddon(''), CROSS_ACCOUNT),
    ...bothWith('a version for other Kubernetes versions', { addonVersion: OLD }, NO_VERSION),
    ...bothWith(
      'configuration of the wrong type',
      configured('{"controller":{"replicaCount":"two"}}'),
      notInSchema('.controller.replicaCount: string found, integer expected'),
    ),
    ...bothWith(
      'configuration that is invalid JSON',
      configured('{"controller":'),
      badConfiguration('it is neither valid JSON nor YAML'),
    ),
    ...bothWith('a service account named twice', as('ebs', 'other'), invalid(TWICE)),
    ...bothWith('a role that does not exist', as('nobody'), NO_ROLE),
    ...bothWith('a role created just now', as('young'), NO_ROLE),
    ...bothWith('a role that trusts IRSA only', as('irsa-only'), BAD_TRUST),
    ...bothWith('a role without sts:TagSession', as('no-tag-session'), BAD_TRUST),
    [
      'create with a version that EKS has withdrawn',
      createWith({ addonVersion: VERSION }),
      NO_VERSION,
      { before: withdrawn },
    ],
    [
      'create for a service account that has an association of a preserved add-on',
      createWith(byAddon()),
      EXISTS,
      { before: (fixture) => held(fixture, OF_GONE) },
    ],
    ['create with an invalid role before a duplicate', createWith(as('irsa-only')), BAD_TRUST, HELD],
    ['create with associations beyond the quota', createWith(byAddon()), OVER_QUOTA, { before: atQuota }],
    [
      'update of a version without Pod Identity',
      updateWith(byAddon()),
      invalid(NO_POD_IDENTITY),
      { version: '1.30', addons: [{ name: EBS, version: OLD, role: 'ebs' }] },
    ],
    ['describe in a missing cluster', (eks) => eks.describeAddon(noCluster), NO_CLUSTER],
    ['delete in a missing cluster', (eks) => eks.deleteAddon(noCluster), NO_CLUSTER],
    ['list add-ons of a missing cluster', (eks) => eks.listAddons({ clusterName: 'none' }), NO_CLUSTER],
    ['list updates of a missing add-on', (eks) => eks.listUpdates({ name: CLUSTER, addonName: EBS }), NO_ADDON],
    ['describe a missing update', describeUpdate, notFound('No update found for ID: u-1')],
  ]),
];

const state = ({ cluster: { addons, associations, updates, preserved, kube } }: Fixture): string =>
  JSON.stringify([
    ...[addons, associations, updates, preserved].map((entries) => [...entries]),
    [...kube.objects].map(([kind, objects]) => [kind, [...objects]]),
  ]);

/** Returns the SDK's result in a row's situation. A refused call must change nothing. */
const answerIn = async ([, call, , { before, ...options } = {}]: Row): Promise<unknown> => {
  const fixture = openFixture(options);
  await before?.(fixture);
  const previous = state(fixture);
  const answer = call(fixture.eks).then(() => 'accepted');
  return answer.catch(async () => {
    expect(state(fixture)).toBe(previous);
    const { name, status, message } = await failureOf(answer);
    return [name, status, message];
  });
};

describe('the operations on add-ons', () => {
  it.each([...ADDONS, ...OF_BOTH])('%s', async (_title, row) => expect(await answerIn(row)).toEqual(row[2]));

  it('[likely] an empty role is sent by the SDK for JavaScript, which does not check lengths', async () => {
    const fixture = openFixture(INSTALLED);
    await failureOf(fixture.eks.updateAddon({ ...addon, serviceAccountRoleArn: '' }));
    expect(fixture.described).toMatchObject([
      { operation: 'UpdateAddon', input: { ...addon, serviceAccountRoleArn: '' } },
    ]);
  });
});

it.each(ASSOCIATIONS)('the operations on associations %s', async (_title, row) =>
  expect(await answerIn(row)).toEqual(row[2]),
);

const coredns = { clusterName: CLUSTER, addonName: 'coredns' };

describe('resolveConflicts with a changed field', () => {
  it('[unknown] create with associations and without an agent stays DEGRADED with the knob degrade', async () => {
    const fixture = openFixture({ knobs: { withoutAgent: 'degrade' } });
    await fixture.eks.createAddon(fsx);
    fixture.pass(600);
    const { addon: created } = await fixture.eks.describeAddon({ clusterName: CLUSTER, addonName: FSX });
    expect([created?.status, created?.health?.issues?.map(({ message }) => message)]).toEqual(['DEGRADED', [NO_AGENT]]);
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
