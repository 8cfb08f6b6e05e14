import { describe, expect, it } from 'vitest';
import { CLUSTER, failureOf, roleArn } from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';
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
      [
        { 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'stage' } },
        { 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'team' } },
      ],
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
