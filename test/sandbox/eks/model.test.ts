import * as sdk from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { EksError, type EksErrorName } from '../../../sandbox/eks/errors.ts';
import { errorStatuses, findOperation, operations } from '../../../sandbox/eks/model.ts';
import { supportedOperations } from '../../../sandbox/eks/service.ts';
import { requiredMembers, shapeOf } from '../../../sandbox/shapes.ts';

const operation = (name: string) => operations.find((candidate) => candidate.name === name)!;

describe('the internal structure of the SDK’s schemas', () => {
  it('of an operation has tag, name, HTTP trait, input and output', () => {
    const [tag, namespace, name, traits] = sdk.UpdateAddon$ as unknown as [number, string, string, { http: unknown }];
    expect([tag, namespace, name, traits.http]).toEqual([
      9,
      'com.amazonaws.eks',
      'UpdateAddon',
      ['POST', '/clusters/{clusterName}/addons/{addonName}/update', 200],
    ]);
    expect(operation('UpdateAddon').input.getName()).toBe('UpdateAddonRequest');
    expect(operation('UpdateAddon').output.getName()).toBe('UpdateAddonResponse');
  });

  it('of a structure has tag 3', () =>
    expect((operation('UpdateAddon').input.getSchema() as unknown as unknown[])[0]).toBe(3));

  it('of an error has its tag and status', () => {
    expect((sdk.ResourceInUseException$ as unknown as unknown[])[0]).toBe(-3);
    expect([errorStatuses.get('ResourceInUseException'), errorStatuses.get('ThrottlingException')]).toEqual([409, 429]);
  });

  it.each([
    ['CreateAddon', ['clusterName', 'addonName']],
    ['CreatePodIdentityAssociation', ['clusterName', 'namespace', 'serviceAccount', 'roleArn']],
    ['DescribeUpdate', ['name', 'updateId']],
    ['DescribeAddonConfiguration', ['addonName', 'addonVersion']],
    ['DescribeAddonVersions', []],
    ['ListClusters', []],
    ['UntagResource', ['resourceArn', 'tagKeys']],
  ])('has the required members of %s', (name, required) =>
    expect(requiredMembers(operation(name).input)).toEqual(required),
  );

  it('has the location of members: label, query or body', () => {
    expect(shapeOf(operation('DeleteAddon').input).members.map(({ name, binding }) => [name, binding])).toEqual([
      ['clusterName', { in: 'label' }],
      ['addonName', { in: 'label' }],
      ['preserve', { in: 'query', name: 'preserve' }],
    ]);
    expect(shapeOf(operation('UpdateAddon').input).byName.get('podIdentityAssociations')).not.toHaveProperty('binding');
  });
});

describe('routing', () => {
  it('has all operations of EKS, each with its own route', () => {
    expect(operations.length).toBeGreaterThanOrEqual(70);
    expect(new Set(operations.map(({ method, pattern }) => `${method} ${pattern.source}`)).size).toBe(
      operations.length,
    );
  });

  it.each([
    ['GET', '/clusters', 'ListClusters', []],
    ['GET', '/clusters/shop', 'DescribeCluster', ['shop']],
    ['GET', '/clusters/shop/addons', 'ListAddons', ['shop']],
    ['GET', '/addons/supported-versions', 'DescribeAddonVersions', []],
    ['POST', '/clusters/shop/addons/vpc-cni/update', 'UpdateAddon', ['shop', 'vpc-cni']],
    ['DELETE', '/clusters/shop/addons/vpc-cni', 'DeleteAddon', ['shop', 'vpc-cni']],
    [
      'GET',
      '/tags/arn%3Aaws%3Aeks%3Aeu-west-1%3A111122223333%3Acluster%2Fshop',
      'ListTagsForResource',
      ['arn%3Aaws%3Aeks%3Aeu-west-1%3A111122223333%3Acluster%2Fshop'],
    ],
  ])('maps %s %s to %s', (method, path, name, labels) => {
    const found = findOperation(method, path);
    expect([found?.operation.name, found?.labels]).toEqual([name, labels]);
  });

  it.each([
    ['PATCH', '/clusters/shop'],
    ['GET', '/clusters/shop/addons/vpc-cni/update'],
    ['GET', '/'],
  ])('has no operation at %s %s', (method, path) => expect(findOperation(method, path)).toBeUndefined());

  it('implements only operations that EKS has', () =>
    expect(supportedOperations.filter((name) => !operations.some((candidate) => candidate.name === name))).toEqual([]));
});

describe('errors', () => {
  const modelled: EksErrorName[] = [
    'AccessDeniedException',
    'BadRequestException',
    'InvalidParameterException',
    'InvalidRequestException',
    'NotFoundException',
    'ResourceInUseException',
    'ResourceLimitExceededException',
    'ResourceNotFoundException',
  ];
  it.each(modelled)('%s has the status of the API model', (name) =>
    expect(new EksError(name, '').status).toBe(errorStatuses.get(name)),
  );
});
