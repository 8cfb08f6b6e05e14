import { describe, expect, it } from 'vitest';
import type { CapabilityState } from '../../../sandbox/world/capabilities.ts';
import { permissionsOf } from '../../../sandbox/eks/authorization.ts';
import { operations } from '../../../sandbox/eks/model.ts';
import { supportedOperations } from '../../../sandbox/eks/service.ts';
import { ACCOUNT, CALLER_SESSION, CLUSTER, EBS, EBS_SA, failureOf, openFixture, roleArn } from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';
import {
  EKS_ARN,
  UPDATE,
  VIEW,
  open,
  allow,
  because,
  CAPABILITY_ARN,
  CLUSTER_ARN,
  ASSOCIATION_ARN,
  addonArn,
  PASS_ROLE,
  NOTHING,
  ENTRY_ARN,
  noEntryArn,
  entry,
  addon,
  association,
  withoutAddon,
  withoutEntry,
  create,
} from './permissions.ts';
import { expectError } from '../../lambdas/matchers.ts';

interface Case {
  call: (eks: Fixture['eks']) => Promise<unknown>;
  /** Action without its prefix, resource, and the resource's name in the error. */
  permissions: [action: string, resource: string, named?: string][];
  additional?: Statement[];
  before?: (fixture: Fixture) => void;
}

type Row = [name: string, call: Case['call'], resources: string | string[], more?: Partial<Case>];

/** Rows of a create with tags, which needs eks:TagResource on one of three resources, depending on a knob. */
const withTags = (
  operation: string,
  call: Case['call'],
  created: string,
  more: Pick<Case, 'before' | 'additional'>,
) => {
  const resources = { cluster: CLUSTER_ARN, addon: created, createaddon: `${EKS_ARN}:/${operation.toLowerCase()}` };
  return (['cluster', 'addon', 'createaddon'] as const).map((tagOnCreate): Row => {
    const before = (fixture: Fixture): void => {
      fixture.world.knobs.tagOnCreate = tagOnCreate;
      more.before?.(fixture);
    };
    const permissions: Case['permissions'] = [
      [operation, CLUSTER_ARN],
      ['TagResource', resources[tagOnCreate]],
    ];
    return [`${operation} with tags, tagOnCreate ${tagOnCreate}`, call, [], { ...more, permissions, before }];
  });
};

const inCluster = { clusterName: CLUSTER };
const tags = { a: 'b' };
const ack: CapabilityState = {
  name: 'ack',
  arn: CAPABILITY_ARN,
  type: 'ACK',
  roleArn: roleArn('ack'),
  status: 'ACTIVE',
  tags: {},
  createdAt: 0,
};
const withCapability = (fixture: Fixture): void => void (fixture.cluster.capabilities = [ack]);
const withProfile = (fixture: Fixture): void =>
  void (fixture.cluster.fargateProfiles = [{ name: 'default', namespace: 'default', labels: {} }]);
const PROFILE_ARN = `${EKS_ARN}:fargateprofile/${CLUSTER}/default/*`;
const configured = { addonName: EBS, addonVersion: open([]).addon()!.version };
const associations = `${EKS_ARN}:podidentityassociation/${CLUSTER}/*`;
const clusters: Case['permissions'] = [['ListClusters', '*', `${EKS_ARN}:cluster/*`]];

const ROWS: Row[] = [
  [
    'AssociateAccessPolicy',
    (eks) => eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope: { type: 'cluster' } }),
    ENTRY_ARN,
  ],
  ['CreateAccessEntry', (eks) => eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs') }), CLUSTER_ARN],
  ...withTags('CreateAccessEntry', (eks) => eks.createAccessEntry({ ...entry, tags }), noEntryArn('other'), {
    before: withoutEntry,
  }),
  ['CreateAddon', (eks) => eks.createAddon(addon), CLUSTER_ARN, { before: withoutAddon }],
  ...withTags('CreateAddon', (eks) => eks.createAddon({ ...addon, tags }), `${EKS_ARN}:addon/${CLUSTER}/${EBS}/*`, {
    before: withoutAddon,
  }),
  [
    'CreatePodIdentityAssociation',
    (eks) => eks.createPodIdentityAssociation(create),
    CLUSTER_ARN,
    { additional: PASS_ROLE },
  ],
  ...withTags(
    'CreatePodIdentityAssociation',
    (eks) => eks.createPodIdentityAssociation({ ...create, tags }),
    associations,
    { additional: PASS_ROLE },
  ),
  ['DeleteAccessEntry', (eks) => eks.deleteAccessEntry(entry), ENTRY_ARN],
  ['DeleteAddon', (eks) => eks.deleteAddon(addon), addonArn],
  ['DeletePodIdentityAssociation', (eks) => eks.deletePodIdentityAssociation(association), ASSOCIATION_ARN],
  ['DescribeAccessEntry', (eks) => eks.describeAccessEntry(entry), ENTRY_ARN],
  ['DescribeAddon', (eks) => eks.describeAddon(addon), addonArn],
  ['DescribeAddonConfiguration', (eks) => eks.describeAddonConfiguration(configured), '*'],
  ['DescribeAddonVersions', (eks) => eks.describeAddonVersions({}), '*'],
  ['DescribeCluster', (eks) => eks.describeCluster({ name: CLUSTER }), CLUSTER_ARN],
  ['DescribeClusterVersions', (eks) => eks.describeClusterVersions({}), '*'],
  [
    'DescribeCapability',
    (eks) => eks.describeCapability({ ...inCluster, capabilityName: 'ack' }),
    CAPABILITY_ARN,
    { before: withCapability },
  ],
  [
    'DescribeFargateProfile',
    (eks) => eks.describeFargateProfile({ ...inCluster, fargateProfileName: 'default' }),
    PROFILE_ARN,
    { before: withProfile },
  ],
  ['DescribePodIdentityAssociation', (eks) => eks.describePodIdentityAssociation(association), ASSOCIATION_ARN],
  [
    'DescribeUpdate',
    (eks) => eks.describeUpdate({ name: CLUSTER, addonName: EBS, updateId: UPDATE }),
    [CLUSTER_ARN, addonArn],
  ],
  ['DisassociateAccessPolicy', (eks) => eks.disassociateAccessPolicy({ ...entry, policyArn: VIEW }), ENTRY_ARN],
  ['ListAccessEntries', (eks) => eks.listAccessEntries(inCluster), CLUSTER_ARN],
  ['ListAccessPolicies', (eks) => eks.listAccessPolicies({}), '*'],
  ['ListAddons', (eks) => eks.listAddons(inCluster), CLUSTER_ARN],
  ['ListAssociatedAccessPolicies', (eks) => eks.listAssociatedAccessPolicies(entry), ENTRY_ARN],
  ['ListCapabilities', (eks) => eks.listCapabilities(inCluster), CLUSTER_ARN],
  ['ListFargateProfiles', (eks) => eks.listFargateProfiles(inCluster), CLUSTER_ARN],
  ['ListClusters', (eks) => eks.listClusters({}), '*', { permissions: clusters }],
  ['ListPodIdentityAssociations', (eks) => eks.listPodIdentityAssociations(inCluster), CLUSTER_ARN],
  ['ListTagsForResource', (eks) => eks.listTagsForResource({ resourceArn: addonArn }), addonArn],
  ['ListUpdates', (eks) => eks.listUpdates({ name: CLUSTER }), CLUSTER_ARN],
  ['ListUpdates of an add-on', (eks) => eks.listUpdates({ name: CLUSTER, addonName: EBS }), [CLUSTER_ARN, addonArn]],
  ['TagResource', (eks) => eks.tagResource({ resourceArn: ASSOCIATION_ARN, tags }), ASSOCIATION_ARN],
  ['UntagResource', (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['team'] }), ASSOCIATION_ARN],
  ['UpdateAccessEntry', (eks) => eks.updateAccessEntry({ ...entry, username: 'someone' }), ENTRY_ARN],
  ['UpdateAddon', (eks) => eks.updateAddon(addon), addonArn],
  [
    'UpdatePodIdentityAssociation',
    (eks) => eks.updatePodIdentityAssociation({ ...association, disableSessionTags: true }),
    ASSOCIATION_ARN,
  ],
];

const CASES: Record<string, Case> = Object.fromEntries(
  ROWS.map(([name, call, resources, more]) => {
    const permissions = [resources]
      .flat()
      .map((resource): Case['permissions'][number] => [
        name.split(' ')[0]!,
        resource,
        resource === '*' ? NOTHING : resource,
      ]);
    return [name, { call, permissions, ...more }];
  }),
);

describe('each operation', () => {
  it('has an entry in the table of permissions, and no other has', () => {
    expect(
      operations
        .map(({ name }) => name)
        .filter((name) => permissionsOf(name) !== undefined)
        .sort(),
    ).toEqual([...supportedOperations].sort());
    expect(new Set(Object.keys(CASES).map((name) => name.split(' ')[0]))).toEqual(new Set(supportedOperations));
  });

  const each = Object.entries(CASES).flatMap(([name, { permissions }]) =>
    permissions.map((permission, index) => [name, `eks:${permission[0]}`, index] as const),
  );

  it.each(each)('%s is denied without %s (%i), and changes nothing', async (name, action, missing) => {
    const { call, permissions, additional = [], before } = CASES[name]!;
    const others = permissions
      .filter((_permission, index) => index !== missing)
      .map(([other, resource]) => allow(`eks:${other}`, resource));
    const { eks, cluster, pass } = open([...others, ...additional], before);
    const state = structuredClone(cluster);
    const [, resource, named = resource] = permissions[missing]!;
    const message = because(action, named);
    expect(await failureOf(call(eks))).toEqual({ name: 'AccessDeniedException', status: 403, message });
    pass(600);
    expect(cluster).toEqual(state);
  });

  it.each(Object.keys(CASES))('%s needs exactly these permissions', async (name) => {
    const { call, permissions, additional = [], before } = CASES[name]!;
    const { eks, authorizer } = open(
      [...permissions.map(([action, resource]) => allow(`eks:${action}`, resource)), ...additional],
      before,
    );
    await call(eks);
    expect(authorizer.denials).toEqual([]);
    expect(
      authorizer
        .uses()
        .filter(({ action }) => action.startsWith('eks:'))
        .map(({ action }) => action),
    ).toEqual(permissions.map(([action]) => `eks:${action}`));
  });

  it.each(Object.entries(CASES).filter(([, { permissions }]) => permissions.every(([, resource]) => resource !== '*')))(
    '%s is denied with permissions on another cluster',
    async (_name, { call, permissions, additional = [], before }) => {
      const elsewhere = permissions.map(([action, resource]) =>
        allow(`eks:${action}`, resource.replace(`/${CLUSTER}`, '/shop-2')),
      );
      const { eks } = open([...elsewhere, ...additional], before);
      expect(await failureOf(call(eks))).toMatchObject({ name: 'AccessDeniedException', status: 403 });
    },
  );

  it('without a resource type is not allowed by a policy that names a resource', async () => {
    const { eks } = open([allow('eks:DescribeAddonVersions', `${EKS_ARN}:*`)]);
    expect((await failureOf(eks.describeAddonVersions({}))).message).toBe(
      because('eks:DescribeAddonVersions', NOTHING),
    );
  });

  it('is denied to a role that IAM does not have, and allowed to the administrator', async () => {
    const gone = open([allow('*', '*')]);
    gone.world.accounts.get(ACCOUNT)!.roles.delete('caller');
    expect((await failureOf(gone.eks.describeAddon(addon))).message).toBe(because('eks:DescribeAddon', addonArn));
    await openFixture({ addons: [{ name: EBS }] }).eks.describeAddon(addon);
  });

  it('is denied by an explicit deny, even if another policy allows it', async () => {
    const { eks, addon: installed } = open([
      allow('*', '*'),
      { Effect: 'Deny', Action: 'eks:DeleteAddon', Resource: `${EKS_ARN}:addon/*/${EBS}/*` },
    ]);
    expect((await failureOf(eks.deleteAddon({ ...addon, preserve: true }))).message).toBe(
      `User: ${CALLER_SESSION} is not authorized to perform: eks:DeleteAddon on resource: ${addonArn} with an explicit deny in an identity-based policy`,
    );
    expect(installed()?.status).toBe('ACTIVE');
  });
});

describe('missing resources', () => {
  const missing = { ...association, associationId: 'a-00000000000000009' };
  it.each<[string, Case['call'], string, string]>([
    [
      'an add-on',
      (eks) => eks.describeAddon({ ...addon, addonName: 'vpc-cni' }),
      'DescribeAddon',
      `addon/${CLUSTER}/vpc-cni/*`,
    ],
    [
      'an add-on of a missing cluster',
      (eks) => eks.deleteAddon({ ...addon, clusterName: 'gone' }),
      'DeleteAddon',
      `addon/gone/${EBS}/*`,
    ],
    ['a cluster', (eks) => eks.listAddons({ clusterName: 'gone' }), 'ListAddons', 'cluster/gone'],
    [
      'an association',
      (eks) => eks.deletePodIdentityAssociation(missing),
      'DeletePodIdentityAssociation',
      `podidentityassociation/${CLUSTER}/${missing.associationId}`,
    ],
    [
      'an access entry',
      (eks) => eks.describeAccessEntry({ ...entry, principalArn: roleArn('nobody') }),
      'DescribeAccessEntry',
      noEntryArn('nobody').slice(EKS_ARN.length + 1),
    ],
  ])('are not disclosed to callers without permission: %s', async (_what, call, operation, resource) => {
    const { eks, grant } = open([]);
    const [action, named] = [`eks:${operation}`, `${EKS_ARN}:${resource}`];
    const message = because(action, named);
    expect(await failureOf(call(eks))).toEqual({ name: 'AccessDeniedException', status: 403, message });
    grant([allow(action, named)]);
    expect(await failureOf(call(eks))).toMatchObject({ name: 'ResourceNotFoundException', status: 404 });
  });

  it('are not disclosed by errors about the ARN to tag', async () => {
    const { eks } = open([]);
    expect((await failureOf(eks.listTagsForResource({ resourceArn: `${CLUSTER_ARN}x` }))).message).toBe(
      because('eks:ListTagsForResource', `${CLUSTER_ARN}x`),
    );
  });
});

describe('a denial', () => {
  it('comes after the validation of the request, and before everything that the operation checks', async () => {
    const { eks, send } = open([]);
    await expectError(eks.listAddons({ clusterName: CLUSTER, maxResults: 0 }), 'InvalidParameterException');
    const { status, headers, body } = await send('POST', `/clusters/${CLUSTER}/addons`, {
      body: { addonName: 'none', serviceAccountRoleArn: '' },
    });
    expect([status, headers['x-amzn-errortype'], body]).toEqual([
      403,
      'AccessDeniedException',
      { message: because('eks:CreateAddon', CLUSTER_ARN) },
    ]);
  });

  it('does not store the clientRequestToken', async () => {
    const { eks, grant, cluster } = open([]);
    const input = { ...create, clientRequestToken: 'once' };
    await failureOf(eks.createPodIdentityAssociation(input));
    grant([allow('eks:*', '*')]);
    // The call is denied because of permissions for calls on the caller's behalf.
    expect((await failureOf(eks.createPodIdentityAssociation(input))).message).toContain('iam:PassRole');
    grant([allow('eks:*', '*'), ...PASS_ROLE]);
    const { association: made } = await eks.createPodIdentityAssociation({ ...input, serviceAccount: EBS_SA });
    expect(cluster.associations.get(made!.associationId!)?.serviceAccount).toBe(EBS_SA);
  });
});
