import type { AccessScope } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { CLUSTER, failureOf, roleArn, type Fixture, type Statement } from './fixture.ts';
import {
  PRINCIPAL,
  VIEW,
  open,
  allow,
  because,
  CLUSTER_ARN,
  ASSOCIATION_ARN,
  addonArn,
  ENTRY_ARN,
  entry,
  addon,
  association,
  withoutAddon,
} from './permissions.ts';

describe('condition keys', () => {
  /** Returns a condition that is met, and one that is not. */
  const equals = (key: string, ...values: [string, string]): [unknown, unknown] => [
    { StringEquals: { [key]: values[0] } },
    { StringEquals: { [key]: values[1] } },
  ];
  const tagged = [allow('eks:TagResource', '*')];

  type Call = (eks: Fixture['eks']) => Promise<unknown>;
  const tags = { team: 'shop' };
  const keys = (operator: string, ...values: [unknown, unknown]): [unknown, unknown] => [
    { [operator]: { 'aws:TagKeys': values[0] } },
    { [operator]: { 'aws:TagKeys': values[1] } },
  ];
  const create: Call = (eks) => eks.createAddon({ ...addon, tags });
  const tag: Call = (eks) => eks.tagResource({ resourceArn: ASSOCIATION_ARN, tags: { a: 'b' } });
  const untag: Call = (eks) => eks.untagResource({ resourceArn: ASSOCIATION_ARN, tagKeys: ['stage'] });
  const describeAssociation: Call = (eks) => eks.describePodIdentityAssociation(association);
  const describeEntry: Call = (eks) => eks.describeAccessEntry(entry);
  const createEntry =
    (more: object): Call =>
    (eks) =>
      eks.createAccessEntry({ ...entry, principalArn: roleArn('ebs'), ...more });
  const associate =
    (accessScope: AccessScope): Call =>
    (eks) =>
      eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope });
  const inShop = associate({ type: 'namespace', namespaces: ['shop'] });

  it.each<[string, string, [unknown, unknown], Call, Statement[]?]>([
    ['eks:CreateAddon', CLUSTER_ARN, equals('aws:RequestTag/team', 'shop', 'till'), create, tagged],
    ['eks:CreateAddon', CLUSTER_ARN, keys('ForAllValues:StringEquals', ['team', 'stage'], ['stage']), create, tagged],
    ['eks:TagResource', ASSOCIATION_ARN, equals('aws:RequestTag/a', 'b', 'c'), tag],
    ['eks:UntagResource', ASSOCIATION_ARN, keys('ForAnyValue:StringEquals', 'stage', 'team'), untag],
    ['eks:UntagResource', ASSOCIATION_ARN, equals('aws:ResourceTag/team', 'till', 'shop'), untag],
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
      describeAssociation,
    ],
    ['eks:DescribeAccessEntry', ENTRY_ARN, equals('aws:ResourceTag/team', 'ops', 'till'), describeEntry],
    ['eks:DescribeAccessEntry', ENTRY_ARN, equals('eks:clusterName', CLUSTER, 'other'), describeEntry],
    ['eks:DescribeAccessEntry', ENTRY_ARN, equals('eks:principalArn', PRINCIPAL, roleArn('ebs')), describeEntry],
    ['eks:DescribeAccessEntry', ENTRY_ARN, equals('eks:kubernetesGroups', 'viewers', 'editors'), describeEntry],
    [
      'eks:CreateAccessEntry',
      CLUSTER_ARN,
      equals('eks:accessEntryType', 'EC2_LINUX', 'STANDARD'),
      createEntry({ type: 'EC2_LINUX' }),
    ],
    ['eks:CreateAccessEntry', CLUSTER_ARN, equals('eks:username', 'me', 'you'), createEntry({ username: 'me' })],
    ['eks:AssociateAccessPolicy', ENTRY_ARN, equals('eks:policyArn', VIEW, `${VIEW}2`), associate({ type: 'cluster' })],
    ['eks:AssociateAccessPolicy', ENTRY_ARN, equals('eks:namespaces', 'shop', 'kube-system'), inShop],
    ['eks:AssociateAccessPolicy', ENTRY_ARN, equals('eks:accessScope', 'namespace', 'cluster'), inShop],
  ])('of %s on %s: %j', async (action, resource, [fits, differs], call, additional = []) => {
    const { eks, grant } = open(
      [allow(action, resource, differs), ...additional],
      action === 'eks:CreateAddon' ? withoutAddon : undefined,
    );
    expect((await failureOf(call(eks))).message).toBe(because(action, resource));
    grant([allow(action, resource, fits), ...additional]);
    await call(eks);
  });

  it('of a request without tags are absent', async () => {
    const { eks } = open([allow('eks:CreateAddon', CLUSTER_ARN, { Null: { 'aws:TagKeys': 'false' } })], withoutAddon);
    expect((await failureOf(eks.createAddon(addon))).message).toBe(because('eks:CreateAddon', CLUSTER_ARN));
  });
});
