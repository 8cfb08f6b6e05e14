/**
 * Every statement of the deployed policies, and of those that people are to apply, is as the Service Authorization
 * Reference has it; and each kind of mistake is found. `test/lib/configurations.grid.test.ts` has the other deployments.
 */
import { describe, expect, it } from 'vitest';
import { DEFAULT, EVERYTHING } from '../lib/configurations.ts';
import { mayBeOfType } from './arn-types.ts';
import { policiesOf } from './policies.ts';
import { printedPolicies } from './printed-policies.ts';
import { EXCEPTIONS } from './reference-exceptions.ts';
import { type Finding, findingsIn, type PolicyKind, withExceptions } from './reference.ts';

const ACCOUNT = '111122223333';
const CLUSTERS = `arn:aws:eks:*:${ACCOUNT}:cluster/*`;
const ADDONS = `arn:aws:eks:*:${ACCOUNT}:addon/*/*/*`;

const everything = policiesOf('everything', EVERYTHING);

describe('the policies of a deployment', () => {
  it('with everything are as the reference has them, and need each exception', async () => {
    const { left, unused } = withExceptions(await findingsIn(everything), EXCEPTIONS);
    expect([left, unused.map(({ reason }) => reason)]).toEqual([[], []]);
  });

  it('by default are as the reference has them', async () =>
    expect(withExceptions(await findingsIn(policiesOf('default', DEFAULT)), EXCEPTIONS).left).toEqual([]));

  it('are all read: identity policies, trust policies, and those of every kind of resource that has one', () => {
    const kinds = new Set(everything.map(({ kind, where }) => `${kind} ${/\((.*)\)$/.exec(where)?.[1] ?? where}`));
    expect([...kinds].toSorted()).toEqual([
      'identity AWS::IAM::Policy',
      'identity AWS::IAM::Role',
      'resource AWS::DynamoDB::Table',
      'resource AWS::Events::EventBusPolicy',
      'resource AWS::KMS::Key',
      'resource AWS::Lambda::Permission',
      'resource AWS::S3::BucketPolicy',
      'resource AWS::SNS::TopicPolicy',
      'resource AWS::SQS::QueuePolicy',
      'trust AWS::IAM::Role',
    ]);
    const ofThirdParties = everything.filter(({ where }) => where.includes('PodIdentityMigratorSpoke'));
    expect(new Set(ofThirdParties.map(({ kind }) => kind))).toEqual(new Set(['identity', 'trust']));
  });
});

describe('the policies that people are to apply', () => {
  it('are as the reference has them', async () => expect(await findingsIn(printedPolicies())).toEqual([]));

  it('are those of the documents, and that of a repaired trust policy', () =>
    expect([...new Set(printedPolicies().map(({ where, kind }) => `${kind} ${where}`))].toSorted()).toEqual([
      'identity docs/api.md',
      'identity docs/hand-off-formats.md',
      'identity docs/plan.md',
      'identity docs/record.md',
      'identity docs/service.md',
      'trust a repaired trust policy',
      'trust docs/api.md',
      'trust docs/one-addon.md',
      'trust docs/role-chains.md',
      'trust docs/sandbox.md',
    ]));
});

describe('a mistake is found', () => {
  const found = async (statement: object, kind: PolicyKind = 'identity'): Promise<string[]> => {
    const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] };
    return (await findingsIn([{ where: 'here', kind, document }])).map(
      ({ mistake, action, subject }) => `${mistake}: ${action} ${subject}`,
    );
  };

  it.each<[what: string, statement: object, findings: string[], kind?: PolicyKind]>([
    ['nothing', { Action: 'eks:CreateAddon', Resource: CLUSTERS }, []],
    [
      'an action that there is not',
      { Action: ['eks:CreateAddOns', 'eks:CreateAddon'], Resource: CLUSTERS },
      ['action: eks:CreateAddOns eks:CreateAddOns'],
    ],
    [
      'an action of no service',
      { Action: 'ekss:CreateAddon', Resource: '*' },
      ['action: ekss:CreateAddon ekss:CreateAddon'],
    ],
    [
      'a pattern that no action has',
      { Action: 'eks:Creat*Addons', Resource: '*' },
      ['action: eks:Creat*Addons eks:Creat*Addons'],
    ],
    ['a pattern that some action has', { Action: 'eks:CreateAdd*', Resource: CLUSTERS }, []],
    [
      'a resource of a type that the action does not have',
      { Action: 'eks:CreateAddon', Resource: [CLUSTERS, ADDONS] },
      [`resource: eks:CreateAddon ${ADDONS}`],
    ],
    [
      'a resource of another service',
      { Action: 'eks:UpdateAddon', Resource: `arn:aws:iam::${ACCOUNT}:role/x` },
      [`resource: eks:UpdateAddon arn:aws:iam::${ACCOUNT}:role/x`],
    ],
    [
      'the objects of a bucket in place of the bucket',
      { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::bucket/*' },
      ['resource: s3:ListBucket arn:aws:s3:::bucket/*'],
    ],
    [
      'every resource, where there are narrower ones',
      { Action: 'eks:UpdateAddon', Resource: '*' },
      ['resource: eks:UpdateAddon *'],
    ],
    ['every resource, where there are none', { Action: 'eks:ListClusters', Resource: '*' }, []],
    [
      'a resource, where there are none',
      { Action: 'eks:DescribeAddonVersions', Resource: CLUSTERS },
      [`resource: eks:DescribeAddonVersions ${CLUSTERS}`],
    ],
    [
      'every resource in a policy that stands in one',
      { Action: 'kms:Decrypt', Resource: '*', Principal: '*' },
      [],
      'resource',
    ],
    [
      'a key of another action',
      { Action: 'eks:UpdateAddon', Resource: ADDONS, Condition: { StringEquals: { 'iam:PassedToService': 'x' } } },
      ['key: eks:UpdateAddon iam:PassedToService'],
    ],
    [
      'a tag of the request, where the action gives none',
      { Action: 'eks:UpdateAddon', Resource: ADDONS, Condition: { StringEquals: { 'aws:RequestTag/team': 'x' } } },
      ['key: eks:UpdateAddon aws:RequestTag/team'],
    ],
    [
      'a tag of the request, of the resource, and a key of every request, which it knows',
      {
        Action: 'eks:TagResource',
        Resource: ADDONS,
        Condition: {
          StringEquals: { 'aws:RequestTag/team': 'x', 'aws:ResourceTag/team': 'y', 'aws:ResourceAccount': ACCOUNT },
        },
      },
      [],
    ],
    [
      'a misspelt key',
      {
        Action: 'sts:AssumeRole',
        Principal: { Service: 'x' },
        Condition: { StringEquals: { 'aws:SourceAcount': 'x' } },
      },
      ['key: sts:AssumeRole aws:SourceAcount'],
      'trust',
    ],
    [
      'one of two actions that does not know the key',
      {
        Action: ['eks:TagResource', 'eks:UpdateAddon'],
        Resource: ADDONS,
        Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'x' } },
      },
      ['key: eks:UpdateAddon aws:TagKeys'],
    ],
    [
      'a key with several values without a set operator',
      { Action: 'eks:TagResource', Resource: ADDONS, Condition: { StringEquals: { 'aws:TagKeys': 'x' } } },
      ['operator: eks:TagResource StringEquals aws:TagKeys'],
    ],
    [
      'a set operator for a key with one value',
      {
        Action: 'iam:PassRole',
        Resource: `arn:aws:iam::${ACCOUNT}:role/x`,
        Condition: { 'ForAnyValue:StringEquals': { 'iam:PassedToService': 'x' } },
      },
      ['operator: iam:PassRole ForAnyValue:StringEquals iam:PassedToService'],
    ],
    [
      'an operator of another type',
      {
        Action: 'iam:PassRole',
        Resource: `arn:aws:iam::${ACCOUNT}:role/x`,
        Condition: { ArnLike: { 'iam:PassedToService': 'x' }, Null: { 'iam:AssociatedResourceArn': 'false' } },
      },
      ['operator: iam:PassRole ArnLike iam:PassedToService'],
    ],
  ])('%s', async (_what, statement, findings, kind) => expect(await found(statement, kind)).toEqual(findings));

  it('in a policy that says what it is not about: it can not be held against anything', () =>
    expect(found({ NotAction: 'eks:*', Resource: '*' })).rejects.toThrow('here: no policy that can be read'));
});

describe('an exception', () => {
  const finding: Finding = { where: 'here', mistake: 'resource', action: 'eks:UpdateAddon', subject: '*' };
  const exception = { mistake: 'resource', action: /^eks:/, subject: /^\*$/, reason: 'none' } as const;

  it('is for what it names alone', () => {
    const others: Finding[] = [
      { ...finding, mistake: 'key' },
      { ...finding, action: 'iam:PassRole' },
      { ...finding, subject: 'arn' },
    ];
    expect(withExceptions([finding, ...others], [exception])).toEqual({ left: others, unused: [] });
  });

  it('that nothing needs any more is found', () =>
    expect(withExceptions([], [exception])).toEqual({ left: [], unused: [exception] }));
});

describe('a resource of a policy', () => {
  const [ADDON, OBJECT, BUCKET, ROLE] = [
    'arn:${Partition}:eks:${Region}:${Account}:addon/${ClusterName}/${AddonName}/${UUID}',
    'arn:${Partition}:s3:::${BucketName}/${ObjectName}',
    'arn:${Partition}:s3:::${BucketName}',
    'arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}',
  ] as const;
  it.each([
    [`arn:aws:eks:*:${ACCOUNT}:addon/*/*/*`, ADDON, true],
    [`arn:aws:eks:*:${ACCOUNT}:addon/dev/vpc-cni/*`, ADDON, true],
    // A wildcard of IAM spans slashes.
    [`arn:aws:eks:*:${ACCOUNT}:addon/*`, ADDON, true],
    [`arn:aws:eks:*:${ACCOUNT}:*`, ADDON, true],
    [`arn:aws:eks:*:${ACCOUNT}:addon/dev/vpc-cni`, ADDON, false],
    [`arn:aws:eks:*:${ACCOUNT}:add-on/*/*/*`, ADDON, false],
    [`arn:aws:eks:*:${ACCOUNT}:addon/a/b/c/d`, ADDON, false],
    [`arn:aws:eks:*:${ACCOUNT}:addon/a/b/?`, ADDON, true],
    ['arn:aws:s3:::bucket/a/b:c', OBJECT, true],
    ['arn:aws:s3:::bucket', OBJECT, false],
    ['arn:aws:s3:::bucket/*', BUCKET, false],
    ['arn:aws:s3:::bucket*', BUCKET, true],
    [`arn:aws:iam::${ACCOUNT}:role/eks-addons/a/*`, ROLE, true],
    [`arn:aws:iam::${ACCOUNT}:user/x`, ROLE, false],
    ['anything', '*', true],
  ])('%s may be of the type %s: %s', (pattern, template, is) => expect(mayBeOfType(pattern, template)).toBe(is));
});
