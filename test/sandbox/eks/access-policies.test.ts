import type { AccessScope } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { CLUSTER, START, failureOf, openFixture, roleArn, type Fixture } from './fixture.ts';

const entry = { clusterName: CLUSTER, principalArn: roleArn('ebs') };
const arnOf = (name: string): string => `arn:aws:eks::aws:cluster-access-policy/${name}`;
const VIEW = arnOf('AmazonEKSViewPolicy');
const NO_POLICY = {
  name: 'ResourceNotFoundException',
  status: 404,
  clusterName: CLUSTER,
  message:
    "The specified policyArn could not be found. You can view your available access policies with 'list-access-policies'.",
};

const withEntry = async (type = 'STANDARD'): Promise<Fixture> => {
  const fixture = openFixture();
  await fixture.eks.createAccessEntry({ ...entry, type });
  return fixture;
};

it('ListAccessPolicies returns the policies of EKS by name and ARN, in pages', async () => {
  const { eks } = openFixture();
  const { accessPolicies = [], nextToken } = await eks.listAccessPolicies({ maxResults: 20 });
  expect(accessPolicies).toHaveLength(20);
  const all = [...accessPolicies, ...((await eks.listAccessPolicies({ nextToken })).accessPolicies ?? [])];
  expect(all).toContainEqual({ name: 'AmazonEKSViewPolicy', arn: VIEW });
  expect(all.map(({ name = '' }) => [name, arnOf(name)])).toEqual(all.map(({ name, arn }) => [name, arn]));
  const wanted = ['Admin', 'AdminView', 'ClusterAdmin', 'Edit', 'SecretReader'].map((name) => `AmazonEKS${name}Policy`);
  expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(wanted));
  expect(new Set(all.map(({ name }) => name)).size).toBe(33);
});

describe('an access policy', () => {
  it('can be associated with a scope, listed, given another scope, and disassociated', async () => {
    const { eks, pass } = await withEntry();
    const first = await eks.associateAccessPolicy({
      ...entry,
      policyArn: VIEW,
      accessScope: { type: 'namespace', namespaces: ['kube-system', 'dev-*'] },
    });
    expect(first).toMatchObject({
      ...entry,
      associatedAccessPolicy: {
        policyArn: VIEW,
        accessScope: { type: 'namespace', namespaces: ['kube-system', 'dev-*'] },
        associatedAt: new Date(START),
        modifiedAt: new Date(START),
      },
    });
    pass(30);
    await eks.associateAccessPolicy({ ...entry, policyArn: VIEW, accessScope: { type: 'cluster' } });
    await eks.associateAccessPolicy({
      ...entry,
      policyArn: arnOf('AmazonEKSEditPolicy'),
      accessScope: { type: 'namespace', namespaces: ['shop'] },
    });
    const listed = await eks.listAssociatedAccessPolicies(entry);
    expect(listed).toMatchObject(entry);
    expect(listed.associatedAccessPolicies).toEqual([
      {
        policyArn: arnOf('AmazonEKSEditPolicy'),
        accessScope: { type: 'namespace', namespaces: ['shop'] },
        associatedAt: new Date(START + 30_000),
        modifiedAt: new Date(START + 30_000),
      },
      {
        policyArn: VIEW,
        accessScope: { type: 'cluster', namespaces: [] },
        associatedAt: new Date(START),
        modifiedAt: new Date(START + 30_000),
      },
    ]);
    const page = await eks.listAssociatedAccessPolicies({ ...entry, maxResults: 1 });
    expect(
      (await eks.listAssociatedAccessPolicies({ ...entry, nextToken: page.nextToken })).associatedAccessPolicies,
    ).toHaveLength(1);
    await eks.disassociateAccessPolicy({ ...entry, policyArn: VIEW });
    expect((await eks.listAssociatedAccessPolicies(entry)).associatedAccessPolicies).toHaveLength(1);
    expect(await failureOf(eks.disassociateAccessPolicy({ ...entry, policyArn: VIEW }))).toEqual(NO_POLICY);
  });

  const cluster = { type: 'cluster' };
  it.each([
    ['an invalid ARN', 'AmazonEKSViewPolicy', cluster, 'The policyArn parameter format is not valid'],
    [
      'an IAM policy',
      'arn:aws:iam::aws:policy/AmazonEKSClusterPolicy',
      cluster,
      'The policyArn parameter format is not valid',
    ],
    ['a scope without a type', VIEW, {}, 'accessScope.type must be specified: cluster or namespace.'],
    [
      'an unknown scope',
      VIEW,
      { type: 'node' },
      "1 validation error detected: Value 'node' at 'accessScope.type' failed to satisfy constraint: Member must satisfy enum value set: [cluster, namespace]",
    ],
    [
      'namespaces with the scope cluster',
      VIEW,
      { ...cluster, namespaces: ['shop'] },
      'accessScope.namespaces can only be specified for an access scope of type namespace.',
    ],
    [
      'no namespace',
      VIEW,
      { type: 'namespace' },
      'accessScope.namespaces must be specified for an access scope of type namespace.',
    ],
  ])('is rejected for %s', async (_what, policyArn, scope, message) => {
    const { eks, cluster: state } = await withEntry();
    const call = eks.associateAccessPolicy({ ...entry, policyArn, accessScope: scope as AccessScope });
    expect(await failureOf(call)).toMatchObject({ name: 'InvalidParameterException', status: 400, message });
    expect(state.accessEntries.get(entry.principalArn)?.policies).toEqual([]);
  });

  it('is rejected if EKS does not offer it, and without an entry', async () => {
    const { eks } = await withEntry();
    const own = { policyArn: arnOf('MyOwnPolicy'), accessScope: { type: 'cluster' as const } };
    expect(await failureOf(eks.associateAccessPolicy({ ...entry, ...own }))).toEqual(NO_POLICY);
    const nobody = { clusterName: CLUSTER, principalArn: roleArn('other') };
    for (const call of [
      eks.associateAccessPolicy({ ...nobody, policyArn: VIEW, accessScope: { type: 'cluster' } }),
      eks.disassociateAccessPolicy({ ...nobody, policyArn: VIEW }),
      eks.listAssociatedAccessPolicies(nobody),
    ]) {
      expect((await failureOf(call)).message).toContain('The specified principalArn could not be found.');
    }
  });

  it('can be associated with standard entries and nodes of Auto Mode, not with other nodes', async () => {
    const association = {
      ...entry,
      policyArn: arnOf('AmazonEKSAutoNodePolicy'),
      accessScope: { type: 'cluster' as const },
    };
    await (await withEntry('EC2')).eks.associateAccessPolicy(association);
    expect(await failureOf((await withEntry('EC2_LINUX')).eks.associateAccessPolicy(association))).toMatchObject({
      name: 'InvalidParameterException',
      message: 'This operation can only be performed on Access Entries with a type of "STANDARD".',
    });
  });
});
