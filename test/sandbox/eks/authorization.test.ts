import { describe, expect, it } from 'vitest';
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

interface Case {
  call: (eks: Fixture['eks']) => Promise<unknown>;
  /** Action without its prefix, resource, and the resource's name in the error. */
  permissions: [action: string, resource: string, named?: string][];
  additional?: Statement[];
  before?: (fixture: Fixture) => void;
}

/** Returns cases of a create with tags, which needs eks:TagResource on one of three resources, depending on a knob. */
const withTags = (
  operation: string,
  call: Case['call'],
  created: string,
  { before, additional = [] }: Pick<Case, 'before' | 'additional'>,
): Record<string, Case> => {
  const resources = {
    cluster: CLUSTER_ARN,
    addon: created,
    createaddon: `${EKS_ARN}:/${operation.toLowerCase()}`,
  } as const;
  return Object.fromEntries(
    (['cluster', 'addon', 'createaddon'] as const).map((tagOnCreate) => [
      `${operation} with tags, tagOnCreate ${tagOnCreate}`,
      {
        call,
        permissions: [
          [operation, CLUSTER_ARN],
          ['TagResource', resources[tagOnCreate]],
        ],
        additional,
        before: (fixture: Fixture) => {
          fixture.world.knobs.tagOnCreate = tagOnCreate;
          before?.(fixture);
        },
      },
    ]),
  );
};

const CASES: Record<string, Case> = {
  AssociateAccessPolicy: {
    call: (eks) => eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope: { type: 'cluster' } }),
    permissions: [['AssociateAccessPolicy', ENTRY_ARN]],
  },
  CreateAccessEntry: {
    call: (eks) => eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs') }),
    permissions: [['CreateAccessEntry', CLUSTER_ARN]],
  },
  ...withTags(
    'CreateAccessEntry',
    (eks) => eks.createAccessEntry({ ...entry, tags: { a: 'b' } }),
    noEntryArn('other'),
    { before: withoutEntry },
  ),
  CreateAddon: {
    call: (eks) => eks.createAddon(addon),
    permissions: [['CreateAddon', CLUSTER_ARN]],
    before: withoutAddon,
  },
  ...withTags(
    'CreateAddon',
    (eks) => eks.createAddon({ ...addon, tags: { a: 'b' } }),
    `${EKS_ARN}:addon/${CLUSTER}/${EBS}/*`,
    { before: withoutAddon },
  ),
  CreatePodIdentityAssociation: {
    call: (eks) => eks.createPodIdentityAssociation(create),
    permissions: [['CreatePodIdentityAssociation', CLUSTER_ARN]],
    additional: PASS_ROLE,
  },
  ...withTags(
    'CreatePodIdentityAssociation',
    (eks) => eks.createPodIdentityAssociation({ ...create, tags: { a: 'b' } }),
    `${EKS_ARN}:podidentityassociation/${CLUSTER}/*`,
    { additional: PASS_ROLE },
  ),
  DeleteAccessEntry: { call: (eks) => eks.deleteAccessEntry(entry), permissions: [['DeleteAccessEntry', ENTRY_ARN]] },
  DeleteAddon: { call: (eks) => eks.deleteAddon(addon), permissions: [['DeleteAddon', addonArn]] },
  DeletePodIdentityAssociation: {
    call: (eks) => eks.deletePodIdentityAssociation(association),
    permissions: [['DeletePodIdentityAssociation', ASSOCIATION_ARN]],
  },
  DescribeAccessEntry: {
    call: (eks) => eks.describeAccessEntry(entry),
    permissions: [['DescribeAccessEntry', ENTRY_ARN]],
  },
  DescribeAddon: { call: (eks) => eks.describeAddon(addon), permissions: [['DescribeAddon', addonArn]] },
  DescribeAddonConfiguration: {
    call: (eks) => eks.describeAddonConfiguration({ addonName: EBS, addonVersion: open([]).addon()!.version }),
    permissions: [['DescribeAddonConfiguration', '*', NOTHING]],
  },
  DescribeAddonVersions: {
    call: (eks) => eks.describeAddonVersions({}),
    permissions: [['DescribeAddonVersions', '*', NOTHING]],
  },
  DescribeCluster: {
    call: (eks) => eks.describeCluster({ name: CLUSTER }),
    permissions: [['DescribeCluster', CLUSTER_ARN]],
  },
  DescribeClusterVersions: {
    call: (eks) => eks.describeClusterVersions({}),
    permissions: [['DescribeClusterVersions', '*', NOTHING]],
  },
  DescribeCapability: {
    call: (eks) => eks.describeCapability({ clusterName: CLUSTER, capabilityName: 'ack' }),
    permissions: [['DescribeCapability', CAPABILITY_ARN]],
    before: ({ cluster }) => {
      cluster.capabilities = [
        {
          name: 'ack',
          arn: CAPABILITY_ARN,
          type: 'ACK',
          roleArn: roleArn('ack'),
          status: 'ACTIVE',
          tags: {},
          createdAt: 0,
        },
      ];
    },
  },
  DescribeFargateProfile: {
    call: (eks) => eks.describeFargateProfile({ clusterName: CLUSTER, fargateProfileName: 'default' }),
    permissions: [['DescribeFargateProfile', `${EKS_ARN}:fargateprofile/${CLUSTER}/default/*`]],
    before: ({ cluster }) => {
      cluster.fargateProfiles = [{ name: 'default', namespace: 'default', labels: {} }];
    },
  },
  DescribePodIdentityAssociation: {
    call: (eks) => eks.describePodIdentityAssociation(association),
    permissions: [['DescribePodIdentityAssociation', ASSOCIATION_ARN]],
  },
  DescribeUpdate: {
    call: (eks) => eks.describeUpdate({ name: CLUSTER, addonName: EBS, updateId: UPDATE }),
    permissions: [
      ['DescribeUpdate', CLUSTER_ARN],
      ['DescribeUpdate', addonArn],
    ],
  },
  DisassociateAccessPolicy: {
    call: (eks) => eks.disassociateAccessPolicy({ ...entry, policyArn: VIEW }),
    permissions: [['DisassociateAccessPolicy', ENTRY_ARN]],
  },
  ListAccessEntries: {
    call: (eks) => eks.listAccessEntries({ clusterName: CLUSTER }),
    permissions: [['ListAccessEntries', CLUSTER_ARN]],
  },
  ListAccessPolicies: {
    call: (eks) => eks.listAccessPolicies({}),
    permissions: [['ListAccessPolicies', '*', NOTHING]],
  },
  ListAddons: { call: (eks) => eks.listAddons({ clusterName: CLUSTER }), permissions: [['ListAddons', CLUSTER_ARN]] },
  ListAssociatedAccessPolicies: {
    call: (eks) => eks.listAssociatedAccessPolicies(entry),
    permissions: [['ListAssociatedAccessPolicies', ENTRY_ARN]],
  },
  ListCapabilities: {
    call: (eks) => eks.listCapabilities({ clusterName: CLUSTER }),
    permissions: [['ListCapabilities', CLUSTER_ARN]],
  },
  ListFargateProfiles: {
    call: (eks) => eks.listFargateProfiles({ clusterName: CLUSTER }),
    permissions: [['ListFargateProfiles', CLUSTER_ARN]],
  },
  ListClusters: { call: (eks) => eks.listClusters({}), permissions: [['ListClusters', '*', `${EKS_ARN}:cluster/*`]] },
  ListPodIdentityAssociations: {
    call: (eks) => eks.listPodIdentityAssociations({ clusterName: CLUSTER }),
    permissions: [['ListPodIdentityAssociations', CLUSTER_ARN]],
  },
  ListTagsForResource: {
    call: (eks) => eks.listTagsForResource({ resourceArn: addonArn }),
    permissions: [['ListTagsForResource', addonArn]],
  },
  ListUpdates: { call: (eks) => eks.listUpdates({ name: CLUSTER }), permissions: [['ListUpdates', CLUSTER_ARN]] },
  'ListUpdates of an add-on': {
    call: (eks) => eks.listUpdates({ name: CLUSTER, addonName: EBS }),
    permissions: [
      ['ListUpdates', CLUSTER_ARN],
      ['ListUpdates', addonArn],
    ],
  },
  TagResource: {
    call: (eks) => eks.tagResource({ resourceArn: ASSOCIATION_ARN, tags: { a: 'b' } }),
    permissions: [['TagResource', ASSOCIATION_ARN]],
  },
  UntagResource: {
    call: (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['team'] }),
    permissions: [['UntagResource', ASSOCIATION_ARN]],
  },
  UpdateAccessEntry: {
    call: (eks) => eks.updateAccessEntry({ ...entry, username: 'someone' }),
    permissions: [['UpdateAccessEntry', ENTRY_ARN]],
  },
  UpdateAddon: { call: (eks) => eks.updateAddon(addon), permissions: [['UpdateAddon', addonArn]] },
  UpdatePodIdentityAssociation: {
    call: (eks) => eks.updatePodIdentityAssociation({ ...association, disableSessionTags: true }),
    permissions: [['UpdatePodIdentityAssociation', ASSOCIATION_ARN]],
  },
};

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
    expect(await failureOf(call(eks))).toEqual({
      name: 'AccessDeniedException',
      status: 403,
      message: because(action, named),
    });
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
    const { message } = await failureOf(eks.deleteAddon({ ...addon, preserve: true }));
    expect(message).toBe(
      `User: ${CALLER_SESSION} is not authorized to perform: eks:DeleteAddon on resource: ${addonArn} with an explicit deny in an identity-based policy`,
    );
    expect(installed()?.status).toBe('ACTIVE');
  });
});

describe('missing resources', () => {
  it.each([
    [
      'an add-on',
      (eks: Fixture['eks']) => eks.describeAddon({ ...addon, addonName: 'vpc-cni' }),
      'eks:DescribeAddon',
      `${EKS_ARN}:addon/${CLUSTER}/vpc-cni/*`,
    ],
    [
      'an add-on of a missing cluster',
      (eks: Fixture['eks']) => eks.deleteAddon({ clusterName: 'gone', addonName: EBS }),
      'eks:DeleteAddon',
      `${EKS_ARN}:addon/gone/${EBS}/*`,
    ],
    [
      'a cluster',
      (eks: Fixture['eks']) => eks.listAddons({ clusterName: 'gone' }),
      'eks:ListAddons',
      `${EKS_ARN}:cluster/gone`,
    ],
    [
      'an association',
      (eks: Fixture['eks']) =>
        eks.deletePodIdentityAssociation({ ...association, associationId: 'a-00000000000000009' }),
      'eks:DeletePodIdentityAssociation',
      `${EKS_ARN}:podidentityassociation/${CLUSTER}/a-00000000000000009`,
    ],
    [
      'an access entry',
      (eks: Fixture['eks']) => eks.describeAccessEntry({ ...entry, principalArn: roleArn('nobody') }),
      'eks:DescribeAccessEntry',
      noEntryArn('nobody'),
    ],
  ])('are not disclosed to callers without permission: %s', async (_what, call, action, named) => {
    const { eks, grant } = open([]);
    expect(await failureOf(call(eks))).toEqual({
      name: 'AccessDeniedException',
      status: 403,
      message: because(action, named),
    });
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
    expect(await failureOf(eks.listAddons({ clusterName: CLUSTER, maxResults: 0 }))).toMatchObject({
      name: 'InvalidParameterException',
    });
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
