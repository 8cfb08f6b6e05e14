import { describe, expect, it } from 'vitest';
import { entryArn } from '../../../sandbox/eks/access-entry-state.ts';
import { rightsOf } from '../../../sandbox/eks/authorization.ts';
import { operations } from '../../../sandbox/eks/model.ts';
import { playedOperations } from '../../../sandbox/eks/service.ts';
import { ACCOUNT, CALLER_SESSION, CLUSTER, EBS, EBS_SA, failureOf, openFixture, REGION, roleArn } from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';

const EKS_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}`;
const ID = 'a-00000000000000001';
const UPDATE = '00000000-0000-4000-8000-000000000001';
const PRINCIPAL = roleArn('other');
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';

/** A cluster with an add-on, an association of its own, an access entry and an update. */
const open = (as: Statement[], before?: (fixture: Fixture) => void): Fixture => {
  const fixture = openFixture({ addons: [{ name: EBS }], as });
  fixture.associate({
    id: ID,
    namespace: 'shop',
    serviceAccount: 'till',
    roleArn: roleArn('ebs'),
    tags: { team: 'till' },
  });
  const { cluster } = fixture;
  cluster.accessEntries.set(PRINCIPAL, {
    principalArn: PRINCIPAL,
    kubernetesGroups: ['viewers'],
    type: 'STANDARD',
    tags: { team: 'ops' },
    createdAt: 0,
    policies: [{ policyArn: VIEW, scope: { type: 'cluster', namespaces: [] }, associatedAt: 0 }],
  });
  cluster.updates.set(UPDATE, {
    id: UPDATE,
    addonName: EBS,
    status: 'Successful',
    type: 'AddonUpdate',
    params: [],
    errors: [],
    createdAt: 0,
  });
  before?.(fixture);
  return fixture;
};

const allow = (action: string, resource: string, condition?: unknown): Statement => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});
const because = (action: string, named: string): string =>
  `User: ${CALLER_SESSION} is not authorized to perform: ${action} on resource: ${named} because no identity-based policy allows the ${action} action`;

const CLUSTER_ARN = `${EKS_ARN}:cluster/${CLUSTER}`;
const ASSOCIATION_ARN = `${EKS_ARN}:podidentityassociation/${CLUSTER}/${ID}`;
const addonArn = open([]).addon()!.arn;
/** The role may be given to pods, so that only the operation's own rights are missing. */
const TAKE_ROLE = [allow('iam:PassRole', roleArn('ebs')), allow('iam:GetRole', roleArn('ebs'))];
const NOTHING = `${EKS_ARN}:*`;
const ENTRY_ARN = ((cluster) => entryArn(cluster, cluster.accessEntries.get(PRINCIPAL)!))(open([]).cluster);
/** Of an entry that is not there. */
const noEntryArn = (name: string): string => `${EKS_ARN}:access-entry/${CLUSTER}/role/${ACCOUNT}/${name}/*`;

interface Case {
  call: (eks: Fixture['eks']) => Promise<unknown>;
  /** Action without its prefix, resource, and how a refusal names that. */
  rights: [action: string, resource: string, named?: string][];
  beside?: Statement[];
  before?: (fixture: Fixture) => void;
}

const entry = { clusterName: CLUSTER, principalArn: PRINCIPAL };
const addon = { clusterName: CLUSTER, addonName: EBS };
const association = { clusterName: CLUSTER, associationId: ID };
const withoutAddon = ({ cluster }: Fixture): void => void cluster.addons.delete(EBS);
const withoutEntry = ({ cluster }: Fixture): void => void cluster.accessEntries.delete(PRINCIPAL);
const create = { clusterName: CLUSTER, namespace: 'shop', serviceAccount: 'stock', roleArn: roleArn('ebs') };

const CASES: Record<string, Case> = {
  AssociateAccessPolicy: {
    call: (eks) => eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope: { type: 'cluster' } }),
    rights: [['AssociateAccessPolicy', ENTRY_ARN]],
  },
  CreateAccessEntry: {
    call: (eks) => eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs') }),
    rights: [['CreateAccessEntry', CLUSTER_ARN]],
  },
  'CreateAccessEntry with tags': {
    call: (eks) => eks.createAccessEntry({ ...entry, tags: { a: 'b' } }),
    rights: [
      ['CreateAccessEntry', CLUSTER_ARN],
      ['TagResource', noEntryArn('other')],
    ],
    before: withoutEntry,
  },
  CreateAddon: { call: (eks) => eks.createAddon(addon), rights: [['CreateAddon', CLUSTER_ARN]], before: withoutAddon },
  'CreateAddon with tags': {
    call: (eks) => eks.createAddon({ ...addon, tags: { a: 'b' } }),
    rights: [
      ['CreateAddon', CLUSTER_ARN],
      ['TagResource', `${EKS_ARN}:addon/${CLUSTER}/${EBS}/*`],
    ],
    before: withoutAddon,
  },
  CreatePodIdentityAssociation: {
    call: (eks) => eks.createPodIdentityAssociation(create),
    rights: [['CreatePodIdentityAssociation', CLUSTER_ARN]],
    beside: TAKE_ROLE,
  },
  'CreatePodIdentityAssociation with tags': {
    call: (eks) => eks.createPodIdentityAssociation({ ...create, tags: { a: 'b' } }),
    rights: [
      ['CreatePodIdentityAssociation', CLUSTER_ARN],
      ['TagResource', `${EKS_ARN}:podidentityassociation/${CLUSTER}/*`],
    ],
    beside: TAKE_ROLE,
  },
  DeleteAccessEntry: { call: (eks) => eks.deleteAccessEntry(entry), rights: [['DeleteAccessEntry', ENTRY_ARN]] },
  DeleteAddon: { call: (eks) => eks.deleteAddon(addon), rights: [['DeleteAddon', addonArn]] },
  DeletePodIdentityAssociation: {
    call: (eks) => eks.deletePodIdentityAssociation(association),
    rights: [['DeletePodIdentityAssociation', ASSOCIATION_ARN]],
  },
  DescribeAccessEntry: { call: (eks) => eks.describeAccessEntry(entry), rights: [['DescribeAccessEntry', ENTRY_ARN]] },
  DescribeAddon: { call: (eks) => eks.describeAddon(addon), rights: [['DescribeAddon', addonArn]] },
  DescribeAddonConfiguration: {
    call: (eks) => eks.describeAddonConfiguration({ addonName: EBS, addonVersion: open([]).addon()!.version }),
    rights: [['DescribeAddonConfiguration', '*', NOTHING]],
  },
  DescribeAddonVersions: {
    call: (eks) => eks.describeAddonVersions({}),
    rights: [['DescribeAddonVersions', '*', NOTHING]],
  },
  DescribeCluster: {
    call: (eks) => eks.describeCluster({ name: CLUSTER }),
    rights: [['DescribeCluster', CLUSTER_ARN]],
  },
  DescribeClusterVersions: {
    call: (eks) => eks.describeClusterVersions({}),
    rights: [['DescribeClusterVersions', '*', NOTHING]],
  },
  DescribePodIdentityAssociation: {
    call: (eks) => eks.describePodIdentityAssociation(association),
    rights: [['DescribePodIdentityAssociation', ASSOCIATION_ARN]],
  },
  DescribeUpdate: {
    call: (eks) => eks.describeUpdate({ name: CLUSTER, addonName: EBS, updateId: UPDATE }),
    rights: [
      ['DescribeUpdate', CLUSTER_ARN],
      ['DescribeUpdate', addonArn],
    ],
  },
  DisassociateAccessPolicy: {
    call: (eks) => eks.disassociateAccessPolicy({ ...entry, policyArn: VIEW }),
    rights: [['DisassociateAccessPolicy', ENTRY_ARN]],
  },
  ListAccessEntries: {
    call: (eks) => eks.listAccessEntries({ clusterName: CLUSTER }),
    rights: [['ListAccessEntries', CLUSTER_ARN]],
  },
  ListAccessPolicies: { call: (eks) => eks.listAccessPolicies({}), rights: [['ListAccessPolicies', '*', NOTHING]] },
  ListAddons: { call: (eks) => eks.listAddons({ clusterName: CLUSTER }), rights: [['ListAddons', CLUSTER_ARN]] },
  ListAssociatedAccessPolicies: {
    call: (eks) => eks.listAssociatedAccessPolicies(entry),
    rights: [['ListAssociatedAccessPolicies', ENTRY_ARN]],
  },
  ListClusters: { call: (eks) => eks.listClusters({}), rights: [['ListClusters', '*', `${EKS_ARN}:cluster/*`]] },
  ListPodIdentityAssociations: {
    call: (eks) => eks.listPodIdentityAssociations({ clusterName: CLUSTER }),
    rights: [['ListPodIdentityAssociations', CLUSTER_ARN]],
  },
  ListTagsForResource: {
    call: (eks) => eks.listTagsForResource({ resourceArn: addonArn }),
    rights: [['ListTagsForResource', addonArn]],
  },
  ListUpdates: { call: (eks) => eks.listUpdates({ name: CLUSTER }), rights: [['ListUpdates', CLUSTER_ARN]] },
  'ListUpdates of an add-on': {
    call: (eks) => eks.listUpdates({ name: CLUSTER, addonName: EBS }),
    rights: [
      ['ListUpdates', CLUSTER_ARN],
      ['ListUpdates', addonArn],
    ],
  },
  TagResource: {
    call: (eks) => eks.tagResource({ resourceArn: ASSOCIATION_ARN, tags: { a: 'b' } }),
    rights: [['TagResource', ASSOCIATION_ARN]],
  },
  UntagResource: {
    call: (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['team'] }),
    rights: [['UntagResource', ASSOCIATION_ARN]],
  },
  UpdateAccessEntry: {
    call: (eks) => eks.updateAccessEntry({ ...entry, username: 'someone' }),
    rights: [['UpdateAccessEntry', ENTRY_ARN]],
  },
  UpdateAddon: { call: (eks) => eks.updateAddon(addon), rights: [['UpdateAddon', addonArn]] },
  UpdatePodIdentityAssociation: {
    call: (eks) => eks.updatePodIdentityAssociation({ ...association, disableSessionTags: true }),
    rights: [['UpdatePodIdentityAssociation', ASSOCIATION_ARN]],
  },
};

describe('each operation', () => {
  it('has an entry in the table of rights, and no other has', () => {
    expect(
      operations
        .map(({ name }) => name)
        .filter((name) => rightsOf(name) !== undefined)
        .sort(),
    ).toEqual([...playedOperations].sort());
    expect(new Set(Object.keys(CASES).map((name) => name.split(' ')[0]))).toEqual(new Set(playedOperations));
  });

  const each = Object.entries(CASES).flatMap(([name, { rights }]) =>
    rights.map((right, index) => [name, `eks:${right[0]}`, index] as const),
  );

  it.each(each)('%s is refused without %s (%i), and nothing has changed', async (name, action, missing) => {
    const { call, rights, beside = [], before } = CASES[name]!;
    const others = rights
      .filter((_right, index) => index !== missing)
      .map(([other, resource]) => allow(`eks:${other}`, resource));
    const { eks, cluster, pass } = open([...others, ...beside], before);
    const state = structuredClone(cluster);
    const [, resource, named = resource] = rights[missing]!;
    expect(await failureOf(call(eks))).toEqual({
      name: 'AccessDeniedException',
      status: 403,
      message: because(action, named),
    });
    pass(600);
    expect(cluster).toEqual(state);
  });

  it.each(Object.keys(CASES))('%s needs exactly these rights', async (name) => {
    const { call, rights, beside = [], before } = CASES[name]!;
    const { eks, authorizer } = open(
      [...rights.map(([action, resource]) => allow(`eks:${action}`, resource)), ...beside],
      before,
    );
    await call(eks);
    expect(authorizer.denials).toEqual([]);
    expect(
      authorizer
        .uses()
        .filter(({ action }) => action.startsWith('eks:'))
        .map(({ action }) => action),
    ).toEqual(rights.map(([action]) => `eks:${action}`));
  });

  it.each(Object.entries(CASES).filter(([, { rights }]) => rights.every(([, resource]) => resource !== '*')))(
    '%s is refused to who has the rights on another cluster',
    async (_name, { call, rights, beside = [], before }) => {
      const elsewhere = rights.map(([action, resource]) =>
        allow(`eks:${action}`, resource.replace(`/${CLUSTER}`, '/shop-2')),
      );
      const { eks } = open([...elsewhere, ...beside], before);
      expect(await failureOf(call(eks))).toMatchObject({ name: 'AccessDeniedException', status: 403 });
    },
  );

  it('that has no resource is not allowed by one', async () => {
    const { eks } = open([allow('eks:DescribeAddonVersions', `${EKS_ARN}:*`)]);
    expect((await failureOf(eks.describeAddonVersions({}))).message).toBe(
      because('eks:DescribeAddonVersions', NOTHING),
    );
  });

  it('is refused to a role that IAM does not have, and allowed to the administrator', async () => {
    const gone = open([allow('*', '*')]);
    gone.world.accounts.get(ACCOUNT)!.roles.delete('caller');
    expect((await failureOf(gone.eks.describeAddon(addon))).message).toBe(because('eks:DescribeAddon', addonArn));
    await openFixture({ addons: [{ name: EBS }] }).eks.describeAddon(addon);
  });

  it('is refused by an explicit deny, whatever allows it', async () => {
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

describe('what is not there', () => {
  it.each([
    [
      'an add-on',
      (eks: Fixture['eks']) => eks.describeAddon({ ...addon, addonName: 'vpc-cni' }),
      'eks:DescribeAddon',
      `${EKS_ARN}:addon/${CLUSTER}/vpc-cni/*`,
    ],
    [
      'an add-on of no cluster',
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
  ])('is not told to who may not see it: %s', async (_what, call, action, named) => {
    const { eks, grant } = open([]);
    expect(await failureOf(call(eks))).toEqual({
      name: 'AccessDeniedException',
      status: 403,
      message: because(action, named),
    });
    grant([allow(action, named)]);
    expect(await failureOf(call(eks))).toMatchObject({ name: 'ResourceNotFoundException', status: 404 });
  });

  it('nor is what is wrong about an ARN to tag', async () => {
    const { eks } = open([]);
    expect((await failureOf(eks.listTagsForResource({ resourceArn: `${CLUSTER_ARN}x` }))).message).toBe(
      because('eks:ListTagsForResource', `${CLUSTER_ARN}x`),
    );
  });
});

describe('condition keys', () => {
  /** The first is met, the second is not. */
  const equals = (key: string, ...values: [string, string]): [unknown, unknown] => [
    { StringEquals: { [key]: values[0] } },
    { StringEquals: { [key]: values[1] } },
  ];
  const tagged = [allow('eks:TagResource', '*')];

  it.each<[string, string, [unknown, unknown], (eks: Fixture['eks']) => Promise<unknown>, Statement[]?]>([
    [
      'eks:CreateAddon',
      CLUSTER_ARN,
      equals('aws:RequestTag/team', 'shop', 'till'),
      (eks) => eks.createAddon({ ...addon, tags: { team: 'shop' } }),
      tagged,
    ],
    [
      'eks:CreateAddon',
      CLUSTER_ARN,
      [
        { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] } },
        { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['stage'] } },
      ],
      (eks) => eks.createAddon({ ...addon, tags: { team: 'shop' } }),
      tagged,
    ],
    [
      'eks:TagResource',
      ASSOCIATION_ARN,
      equals('aws:RequestTag/a', 'b', 'c'),
      (eks) => eks.tagResource({ resourceArn: ASSOCIATION_ARN, tags: { a: 'b' } }),
    ],
    [
      'eks:UntagResource',
      ASSOCIATION_ARN,
      equals('aws:TagKeys', 'stage', 'team'),
      (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['stage'] }),
    ],
    [
      'eks:UntagResource',
      ASSOCIATION_ARN,
      equals('aws:ResourceTag/team', 'till', 'shop'),
      (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['stage'] }),
    ],
    [
      'eks:DescribeAddon',
      addonArn,
      equals('aws:ResourceTag/team', 'storage', 'till'),
      (eks) => eks.describeAddon(addon),
    ],
    [
      'eks:DescribePodIdentityAssociation',
      ASSOCIATION_ARN,
      equals('aws:ResourceTag/team', 'till', 'storage'),
      (eks) => eks.describePodIdentityAssociation(association),
    ],
    [
      'eks:DescribeAccessEntry',
      ENTRY_ARN,
      equals('aws:ResourceTag/team', 'ops', 'till'),
      (eks) => eks.describeAccessEntry(entry),
    ],
    [
      'eks:DescribeAccessEntry',
      ENTRY_ARN,
      equals('eks:clusterName', CLUSTER, 'other'),
      (eks) => eks.describeAccessEntry(entry),
    ],
    [
      'eks:DescribeAccessEntry',
      ENTRY_ARN,
      equals('eks:principalArn', PRINCIPAL, roleArn('ebs')),
      (eks) => eks.describeAccessEntry(entry),
    ],
    [
      'eks:DescribeAccessEntry',
      ENTRY_ARN,
      equals('eks:kubernetesGroups', 'viewers', 'editors'),
      (eks) => eks.describeAccessEntry(entry),
    ],
    [
      'eks:CreateAccessEntry',
      CLUSTER_ARN,
      equals('eks:accessEntryType', 'EC2_LINUX', 'STANDARD'),
      (eks) => eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs'), type: 'EC2_LINUX' }),
    ],
    [
      'eks:CreateAccessEntry',
      CLUSTER_ARN,
      equals('eks:username', 'me', 'you'),
      (eks) => eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs'), username: 'me' }),
    ],
    [
      'eks:AssociateAccessPolicy',
      ENTRY_ARN,
      equals('eks:policyArn', VIEW, `${VIEW}2`),
      (eks) => eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope: { type: 'cluster' } }),
    ],
    [
      'eks:AssociateAccessPolicy',
      ENTRY_ARN,
      equals('eks:namespaces', 'shop', 'kube-system'),
      (eks) =>
        eks.associateAccessPolicy({
          ...entry,
          policyArn: VIEW,
          accessScope: { type: 'namespace', namespaces: ['shop'] },
        }),
    ],
    [
      'eks:AssociateAccessPolicy',
      ENTRY_ARN,
      equals('eks:accessScope', 'namespace', 'cluster'),
      (eks) =>
        eks.associateAccessPolicy({
          ...entry,
          policyArn: VIEW,
          accessScope: { type: 'namespace', namespaces: ['shop'] },
        }),
    ],
  ])('of %s on %s: %j', async (action, resource, [fits, differs], call, beside = []) => {
    const { eks, grant } = open(
      [allow(action, resource, differs), ...beside],
      action === 'eks:CreateAddon' ? withoutAddon : undefined,
    );
    expect((await failureOf(call(eks))).message).toBe(because(action, resource));
    grant([allow(action, resource, fits), ...beside]);
    await call(eks);
  });

  it('of a request without tags are absent', async () => {
    const { eks } = open([allow('eks:CreateAddon', CLUSTER_ARN, { Null: { 'aws:TagKeys': 'false' } })], withoutAddon);
    expect((await failureOf(eks.createAddon(addon))).message).toBe(because('eks:CreateAddon', CLUSTER_ARN));
  });
});

describe('a refusal', () => {
  it('comes after what is wrong with the request itself, and before all that the operation looks at', async () => {
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

  it('remembers no clientRequestToken', async () => {
    const { eks, grant, cluster } = open([]);
    const input = { ...create, clientRequestToken: 'once' };
    await failureOf(eks.createPodIdentityAssociation(input));
    grant([allow('eks:*', '*')]);
    // Refused for what EKS does on the caller's behalf.
    expect((await failureOf(eks.createPodIdentityAssociation(input))).message).toContain('iam:PassRole');
    grant([allow('eks:*', '*'), ...TAKE_ROLE]);
    const { association: made } = await eks.createPodIdentityAssociation({ ...input, serviceAccount: EBS_SA });
    expect(cluster.associations.get(made!.associationId!)?.serviceAccount).toBe(EBS_SA);
  });
});
