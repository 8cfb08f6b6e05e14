/**
 * The stack for other accounts: not part of the deployment in the service's own account, and read for each location
 * with its parameters.
 */
import { describe, expect, it } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { loadSpokes } from '../../../sandbox/assembly/spokes.ts';
import { type Template, write } from './stacks.ts';

const AWS = { account: '111122223333', region: 'eu-west-1' };
const OTHER = '444455556666';

const role = (Principal: unknown, more: object = {}) => {
  const Statement = [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }];
  const AssumeRolePolicyDocument = { Version: '2012-10-17', Statement };
  const Properties = { RoleName: 'pod-identity-migrator-read', AssumeRolePolicyDocument };
  return { Type: 'AWS::IAM::Role', Properties, ...more };
};
const SPOKE: Template = {
  Parameters: {
    HubAccountId: { Type: 'String' },
    HubReadRoleArns: { Type: 'CommaDelimitedList' },
    RolesRegion: { Type: 'String' },
  },
  Conditions: { Here: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, { Ref: 'RolesRegion' }] } },
  Resources: {
    Read: role({ AWS: { Ref: 'HubReadRoleArns' } }, { Condition: 'Here' }),
    Forward: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['aws.eks'] },
        Targets: [
          {
            Id: 'Bus',
            Arn: { 'Fn::Sub': 'arn:aws:events:eu-west-1:${HubAccountId}:event-bus/default' },
            RoleArn: 'arn:aws:iam::444455556666:role/forward',
          },
        ],
      },
    },
  },
};
const HUB: Template = {
  Resources: { Own: role({ Service: 'lambda.amazonaws.com' }) },
  Outputs: {
    HubAccountId: { Value: { Ref: 'AWS::AccountId' } },
    HubReadRoleArns: { Value: 'arn:one, arn:two' },
    Unused: { Value: 'x' },
  },
};

const load = (directory: string, locations = [{ account: OTHER, region: 'eu-west-1' }]) =>
  loadSpokes(directory, { locations, outputs: loadAssembly(directory, AWS).outputs, rolesRegion: 'eu-west-1' });

describe('the stack for other accounts', () => {
  it("is not deployed in the service's own account", () => {
    const { roles, rules } = loadAssembly(write({ PodIdentityMigrator: HUB, PodIdentityMigratorSpoke: SPOKE }), AWS);
    expect([roles.map(({ logicalId }) => logicalId), rules]).toEqual([['Own'], []]);
  });

  it("has the service's outputs as its parameters, lists as lists, in each location", () => {
    const { roles, rules } = load(write({ PodIdentityMigrator: HUB, PodIdentityMigratorSpoke: SPOKE }), [
      { account: OTHER, region: 'eu-west-1' },
      { account: OTHER, region: 'us-east-1' },
      { account: '777788889999', region: 'eu-west-1' },
    ]);
    expect(roles.map(({ arn }) => arn)).toEqual([
      `arn:aws:iam::${OTHER}:role/pod-identity-migrator-read`,
      'arn:aws:iam::777788889999:role/pod-identity-migrator-read',
    ]);
    expect(roles[0]!.trustPolicy).toMatchObject({ Statement: [{ Principal: { AWS: ['arn:one', 'arn:two'] } }] });
    expect(rules.map(({ arn }) => arn.split(':').slice(3, 5))).toEqual([
      ['eu-west-1', OTHER],
      ['us-east-1', OTHER],
      ['eu-west-1', '777788889999'],
    ]);
    expect(rules[0]!.targets).toMatchObject([{ arn: 'arn:aws:events:eu-west-1:111122223333:event-bus/default' }]);
  });

  it('is empty if the application has none, or if there are no locations', () => {
    const directory = write({ PodIdentityMigrator: HUB });
    expect(load(directory)).toEqual({ roles: [], rules: [], stacks: [] });
    expect(load(directory, [])).toEqual({ roles: [], rules: [], stacks: [] });
  });

  it('is refused if a parameter is not an output of the service, or if it is bound to one account', () => {
    expect(() =>
      load(write({ PodIdentityMigrator: { ...HUB, Outputs: {} }, PodIdentityMigratorSpoke: SPOKE })),
    ).toThrow('Ref of the parameter HubReadRoleArns, which has no default');
    expect(() =>
      load(write({ PodIdentityMigrator: HUB, PodIdentityMigratorSpoke: SPOKE }, `aws://${OTHER}/eu-west-1`)),
    ).toThrow('a stack PodIdentityMigratorSpoke that is bound to one account or region');
  });
});

describe("a bus's resource policy", () => {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${OTHER}:root` },
    Action: 'events:PutEvents',
    Resource: 'arn:aws:events:eu-west-1:111122223333:event-bus/default',
  };
  const policyOf = (Properties: object) =>
    loadAssembly(write({ App: { Resources: { Policy: { Type: 'AWS::Events::EventBusPolicy', Properties } } } }), AWS)
      .busPolicies;

  it("belongs to the default bus in the application's location", () => {
    expect(policyOf({ StatementId: 'x', Statement: statement })).toMatchObject([
      { busArn: statement.Resource, policies: [{ valid: true }] },
    ]);
    const other = { ...statement, Resource: 'arn:aws:events:eu-west-1:111122223333:event-bus/other' };
    expect(policyOf({ StatementId: 'x', Statement: other })).toEqual([{ busArn: statement.Resource, policies: [] }]);
  });

  it.each([
    [
      'without a statement',
      { StatementId: 'x', Action: 'events:PutEvents', Principal: OTHER },
      'an EventBusPolicy with Action, which the sandbox does not support',
    ],
    [
      'of another bus',
      { StatementId: 'x', Statement: statement, EventBusName: 'mine' },
      'the event bus mine; the sandbox supports only the default bus',
    ],
    [
      'that AWS would refuse',
      { StatementId: 'x', Statement: { ...statement, Effect: 'Maybe' } },
      'a policy that AWS would refuse',
    ],
  ])('%s is refused', (_, properties, message) => expect(() => policyOf(properties)).toThrow(message));
});
