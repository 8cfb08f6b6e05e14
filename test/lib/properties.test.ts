/** The constructs' properties: settings as in the file, and attributes of other resources. */
import { Fn, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/config-error.ts';
import { configOfProperties } from '../../lib/properties.ts';
import { EVERY_ROLE } from '../../lib/every-role.ts';
import { configFiles, ROLES, TOPIC } from './config-files.ts';

const { read, refusal } = configFiles();
const configOf = (properties: object) => configOfProperties('Own/Migrator', properties, false);
const problemsOf = (properties: object): string[] => {
  try {
    configOf(properties);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const [first, heading, ...lines] = error.message.split('\n');
    expect(first).toContain('The properties of the construct Own/Migrator are invalid. See docs/configuration.md');
    expect(heading).toBe('Correct in its properties:');
    return lines;
  }
  return [];
};

describe('properties', () => {
  it.each([
    [{}],
    [{ customerKey: true, logLevel: 'DEBUG', approvals: { required: true }, accounts: ['222233334444'] }],
    [{ network: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] } }],
    [{ notifications: { topicArn: TOPIC }, customerKey: false }],
  ])('result in the same configuration as a file: %j', (settings) =>
    expect(configOf({ ...ROLES, ...settings })).toEqual(read({ ...ROLES, ...settings })),
  );

  it.each([
    [{}],
    [{ ...ROLES, approvals: { approver: 'none', requierd: true }, nothing: 1 }],
    [{ passableRoleArns: ['role/*'], accounts: ['1'], network: { subnetIds: [] } }],
    [{ ...ROLES, alarmTopicArn: 'alarms', customerKey: 'alias/x' }],
    [{ ...ROLES, network: [] }],
  ])('have the same errors as a file: %j', (settings) => {
    // Keys of the context have other names; a construct reads none.
    const inFile = refusal(settings).filter((line) => line.startsWith('  '));
    const problems = problemsOf(settings);
    expect(problems).not.toEqual([]);
    expect(
      problems
        .map((line) =>
          line.replace('network.subnetIds', 'subnetIds').replace('network.securityGroupIds', 'securityGroupIds'),
        )
        .toSorted(),
    ).toEqual(
      inFile
        .map((line) =>
          line.replace('network.subnetIds', 'subnetIds').replace('network.securityGroupIds', 'securityGroupIds'),
        )
        .toSorted(),
    );
  });

  it('may be attributes of resources that the app creates', () => {
    const stack = new Stack();
    const topic = new sns.Topic(stack, 'Topic');
    const key = new kms.Key(stack, 'Key');
    const boundary = new iam.ManagedPolicy(stack, 'Boundary', {
      statements: [new iam.PolicyStatement({ actions: ['*'], resources: ['*'] })],
    });
    const vpc = new ec2.Vpc(stack, 'Vpc');
    const group = new ec2.SecurityGroup(stack, 'Group', { vpc });
    const given = {
      alarmTopicArn: topic.topicArn,
      notifications: { topicArn: topic.topicArn },
      permissionsBoundaryArn: boundary.managedPolicyArn,
      network: { subnetIds: vpc.selectSubnets().subnetIds, securityGroupIds: [group.securityGroupId] },
    };
    expect(configOf({ ...ROLES, ...given, customerKey: key.keyArn })).toMatchObject({
      ...given,
      customerKey: { arn: key.keyArn },
    });
    const imported = Fn.split(',', Fn.importValue('subnets'));
    expect(configOf({ ...ROLES, network: { ...given.network, subnetIds: imported } }).network?.subnetIds).toBe(
      imported,
    );
  });

  it('are checked as far as they are known', () => {
    const { subnetId } = new ec2.PrivateSubnet(new Stack(), 'One', {
      availabilityZone: 'eu-west-1a',
      vpcId: 'vpc-1',
      cidrBlock: '10.0.0.0/24',
    });
    expect(
      problemsOf({ ...ROLES, network: { subnetIds: [subnetId, 'one'], securityGroupIds: ['sg-0123456789abcdef0'] } }),
    ).toEqual(['  network.subnetIds.1: must be an ID such as subnet-0123456789abcdef0']);
    expect(problemsOf({ ...ROLES, network: { subnetIds: [subnetId] } })[0]).toMatch(
      /^ {2}network.securityGroupIds: must name/,
    );
  });

  it('may be the IDs that the CDK returns before it has looked up a VPC', () => {
    const stack = new Stack(undefined, 'Own', { env: { account: '111122223333', region: 'eu-west-1' } });
    const vpc = ec2.Vpc.fromLookup(stack, 'Vpc', { isDefault: true });
    const { subnetIds } = vpc.selectSubnets();
    expect(subnetIds.length).toBeGreaterThan(0);
    const group = ec2.SecurityGroup.fromLookupById(stack, 'Group', 'sg-0123456789abcdef0');
    const network = { subnetIds, securityGroupIds: [group.securityGroupId] };
    expect(configOf({ ...ROLES, network }).network).toEqual(network);
  });

  it('must be known where the synthesis needs them', () => {
    const stack = new Stack();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    expect(
      problemsOf({
        passableRoleArns: [role.roleArn],
        accounts: [stack.account],
        logLevel: Token.asString({ Ref: 'x' }),
      }),
    ).toEqual([
      '  passableRoleArns.0: must be known as the app is synthesized, but CloudFormation determines this value at deployment: write it out',
      '  logLevel: must be known as the app is synthesized, but CloudFormation determines this value at deployment: write it out',
      '  accounts.0: must be known as the app is synthesized, but CloudFormation determines this value at deployment: write it out',
    ]);
  });

  it('cannot name every role', () => {
    for (const name of ['forEveryRole', 'everyRole', 'EVERY_ROLE', EVERY_ROLE.description!])
      expect(problemsOf({ ...ROLES, [name]: true }).join('')).toContain('is not a setting');
  });
});
