/** What no deployment of the service may have, whatever its context switches on. */
import { describe, expect, it } from 'vitest';
import { EVERYTHING } from './configurations.ts';
import { Deployment, OTHER_ACCOUNT, type Resource, type Template, template } from './definition.ts';
import { synthesised, synthesiseWith } from './synthesised.ts';
import { containing, matching } from '../lambdas/matchers.ts';
import { words } from '../words.ts';

interface RawStatement {
  Effect: string;
  Action?: string | string[];
  Principal?: unknown;
  Resource?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

const deployments: [string, Template][] = [
  ["the sandbox's", template],
  ['the default', synthesiseWith({}).template],
  ['the one with everything', synthesiseWith(EVERYTHING.context, EVERYTHING.settings).template],
];

/** Every statement of every policy, wherever it is in the template. */
const statementsIn = (value: unknown): RawStatement[] => {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'Statement' in value ? ([value.Statement].flat() as RawStatement[]) : [];
  return [...own, ...Object.values(value).flatMap(statementsIn)];
};
const FORWARDED = {
  Action: 'events:PutEvents',
  Condition: {
    'ForAllValues:StringEquals': { 'events:source': 'aws.eks', 'events:detail-type': 'AWS API Call via CloudTrail' },
    Null: { 'events:source': 'false', 'events:detail-type': 'false' },
  },
};
/** Those that compare every value of a key, which without a key is true. */
const compareEvery = (value: unknown): RawStatement[] =>
  statementsIn(value).filter(({ Condition = {} }) =>
    Object.keys(Condition).some((name) => /^ForAllValues:/i.test(name)),
  );
/**
 * Nobody knows whether EKS sends the keys of the tags when it asks for `eks:TagResource` at a create (ADR 31); a call of
 * TagResource itself always has them.
 */
const MAY_LACK = 'aws:TagKeys';
const allowsWithoutKey = ({ Effect, Condition = {} }: RawStatement): boolean =>
  Effect === 'Allow' &&
  Object.entries(Condition)
    .filter(([name]) => /^ForAllValues:/i.test(name))
    .some(([, keys]) =>
      Object.keys(keys).some((key) => key !== MAY_LACK && String(Condition['Null']?.[key]) !== 'false'),
    );
const isRead = (action: string): boolean => /^\w+:(Get|List|Describe|Query|Simulate)/.test(action);

/** Actions that change something, and for which AWS knows no narrower resource than all, or takes none. */
const UNSCOPED: Record<string, string[]> = {
  'X-Ray (Service Authorization Reference: no resource type)': ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
  'log delivery (Step Functions Developer Guide: "Using CloudWatch Logs to log execution history")': words`
    logs:CreateLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:PutResourcePolicy
  `,
};
/** The same, of functions in a VPC. AWS managed policy AWSLambdaVPCAccessExecutionRole. */
const VPC_INTERFACES = words`
  ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses
`;

describe.each(deployments)('%s template', (which, one) => {
  const deployment = new Deployment(one);
  const resources = Object.entries(one.Resources);
  const rolePolicies = deployment.resourcesOf('AWS::IAM::Policy');
  const isInVpc = deployment
    .resourcesOf('AWS::Lambda::Function')
    .some(([, { Properties }]) => Properties.VpcConfig !== undefined);

  it('changes nothing on every resource, but for what AWS gives no resource for', () => {
    const wide = rolePolicies
      .flatMap(([, { Properties }]) => statementsIn(Properties))
      .filter(({ Effect, Resource }) => Effect === 'Allow' && [Resource].flat().includes('*'));
    const actions = wide.flatMap(({ Action = [] }) => Action).filter((action) => !isRead(action));
    expect(actions.length).toBeGreaterThan(0);
    expect(new Set(actions)).toEqual(new Set([...Object.values(UNSCOPED).flat(), ...(isInVpc ? VPC_INTERFACES : [])]));
  });

  it('leaves what is for VPC interfaces to Lambda itself', () => {
    const ofEc2 = rolePolicies
      .flatMap(([, { Properties }]) => statementsIn(Properties))
      .filter(({ Action = [] }) => [Action].flat().some((action) => action.startsWith('ec2:')));
    expect(ofEc2.length > 0).toBe(isInVpc);
    for (const { Action = [], Condition } of ofEc2) {
      expect(
        [Action]
          .flat()
          .filter((action) => !isRead(action))
          .sort(),
      ).toEqual(VPC_INTERFACES.toSorted());
      expect(Condition).toEqual({ Null: { 'lambda:SourceFunctionArn': 'true' } });
    }
  });

  it('names every action of its roles in full, and has no statement that allows all but some', () => {
    const actions = rolePolicies
      .flatMap(([, { Properties }]) => statementsIn(Properties))
      .flatMap(({ Action = [] }) => Action);
    expect(actions.length).toBeGreaterThan(100);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
    expect(JSON.stringify(one).match(/"Not(Action|Resource|Principal)"/g)).toBeNull();
  });

  it('passes no role without saying to which service', () => {
    const passing = statementsIn(one.Resources).filter(({ Action = [] }) => [Action].flat().includes('iam:PassRole'));
    expect(passing).toHaveLength(6);
    for (const { Action, Condition } of passing) {
      expect(Action).toBe('iam:PassRole');
      expect(Condition?.StringEquals?.['iam:PassedToService']).toEqual(['pods.eks.amazonaws.com', 'eks.amazonaws.com']);
      expect(Object.keys(Condition ?? {}).sort()).toEqual(['ArnLikeIfExists', 'StringEquals']);
    }
  });

  it('allows nothing to a request because it lacks a key that would be compared', () => {
    const compared = compareEvery(one.Resources);
    expect(compared.length).toBeGreaterThan(4);
    expect(compared.filter(allowsWithoutKey)).toEqual([]);
  });

  it('shares no policy between roles, and gives none a policy from elsewhere', () => {
    for (const [name, { Properties }] of rolePolicies) {
      expect(Properties.Roles, `of ${name}`).toHaveLength(1);
      expect(Properties, `of ${name}`).not.toHaveProperty('Users');
      expect(Properties, `of ${name}`).not.toHaveProperty('Groups');
    }
    expect(deployment.resourcesOf('AWS::IAM::ManagedPolicy')).toEqual([]);
    for (const [name, { Properties }] of deployment.resourcesOf('AWS::IAM::Role'))
      expect(Properties, `of ${name}`).not.toHaveProperty('ManagedPolicyArns');
  });

  it('lets one service assume each role, and nobody else', () => {
    for (const [name, { Properties }] of deployment.resourcesOf('AWS::IAM::Role')) {
      const trust = statementsIn(Properties.AssumeRolePolicyDocument);
      expect(trust, `of ${name}`).toEqual([
        expect.objectContaining({
          Action: 'sts:AssumeRole',
          Effect: 'Allow',
          Principal: { Service: matching(/^(lambda|states|events|ssm|scheduler)\.amazonaws\.com$/) },
        }),
      ]);
    }
  });

  it('lets the services that say what for use a role for this account alone', () => {
    const conditionsOf = (service: string) =>
      deployment
        .resourcesOf('AWS::IAM::Role')
        .flatMap(([, { Properties }]) => statementsIn(Properties.AssumeRolePolicyDocument))
        .filter(({ Principal }) => JSON.stringify(Principal).includes(`${service}.amazonaws.com`))
        .map(({ Condition }) => deployment.resolve(Condition));
    const from = (arn: string) => ({
      StringEquals: { 'aws:SourceAccount': '111122223333' },
      ArnLike: { 'aws:SourceArn': arn },
    });
    const machines = conditionsOf('states');
    expect(machines.length).toBeGreaterThan(1);
    expect(machines).toEqual(machines.map(() => from('arn:aws:states:eu-west-1:111122223333:stateMachine:*')));
    expect(conditionsOf('events')).toEqual([from('arn:aws:events:eu-west-1:111122223333:rule/*')]);
    expect(conditionsOf('scheduler')).toEqual(
      deployment.resourcesOf('AWS::Scheduler::Schedule').length > 0
        ? [from('arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default')]
        : [],
    );
    expect(conditionsOf('ssm')).toEqual([from('arn:aws:ssm:eu-west-1:111122223333:automation-execution/*')]);
  });

  it('is open to nobody: no Allow for everybody, no function URL, and an API whose every method wants IAM', () => {
    const open = statementsIn(one.Resources).filter(
      ({ Effect, Principal }) => Effect === 'Allow' && /"\*"/.test(JSON.stringify(Principal ?? '')),
    );
    // Of events that nobody can put, and of every account in the sandbox alone: no configuration can say so.
    expect(open.map(({ Action, Condition }) => ({ Action, Condition }))).toEqual(
      which === "the sandbox's" ? [FORWARDED] : [],
    );
    const types = new Set(resources.map(([, { Type }]) => Type));
    expect([...types].sort()).toEqual([
      ...['Deployment', 'GatewayResponse', 'Method', 'Resource', 'RestApi', 'Stage'].map(
        (type) => `AWS::ApiGateway::${type}`,
      ),
      'AWS::CloudWatch::Alarm',
      'AWS::CloudWatch::Dashboard',
      'AWS::DynamoDB::Table',
      ...(types.has('AWS::Events::EventBusPolicy') ? ['AWS::Events::EventBusPolicy'] : []),
      'AWS::Events::Rule',
      'AWS::IAM::Policy',
      'AWS::IAM::Role',
      ...(types.has('AWS::KMS::Key') ? ['AWS::KMS::Key'] : []),
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Function',
      'AWS::Lambda::LayerVersion',
      'AWS::Lambda::Permission',
      'AWS::Lambda::Version',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::S3::BucketPolicy',
      ...(types.has('AWS::SNS::Topic') ? ['AWS::SNS::Subscription', 'AWS::SNS::Topic', 'AWS::SNS::TopicPolicy'] : []),
      'AWS::SQS::Queue',
      'AWS::SQS::QueuePolicy',
      'AWS::SSM::Document',
      ...(types.has('AWS::Scheduler::Schedule') ? ['AWS::Scheduler::Schedule'] : []),
      'AWS::StepFunctions::StateMachine',
    ]);
    const methods = deployment
      .resourcesOf('AWS::ApiGateway::Method')
      .map(([, { Properties }]) => Properties.AuthorizationType);
    expect(methods.length).toBeGreaterThan(5);
    expect(new Set(methods)).toEqual(new Set(['AWS_IAM']));
    // A policy of its own could let another account in.
    for (const [, { Properties }] of deployment.resourcesOf('AWS::ApiGateway::RestApi'))
      expect(Properties).not.toHaveProperty('Policy');
    const permissions = deployment.resourcesOf('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    const byRule = (rule: string): unknown =>
      expect.objectContaining({
        Principal: 'events.amazonaws.com',
        Action: 'lambda:InvokeFunction',
        SourceArn: { 'Fn::GetAtt': [containing(rule), 'Arn'] },
      });
    const byApi = permissions.filter(({ Principal }) => Principal === 'apigateway.amazonaws.com');
    expect(permissions.filter((each) => !byApi.includes(each))).toEqual(
      ['FindStranded', 'ExecutionEnded', 'PublishEvents', 'DeniedUpdate'].map(byRule),
    );
    expect(byApi).toHaveLength(methods.length);
    for (const { Action, SourceArn } of byApi)
      expect([Action, deployment.resolve(SourceArn)]).toEqual([
        'lambda:InvokeFunction',
        matching(/^arn:aws:execute-api:eu-west-1:111122223333:\w+\/\w+\/(GET|POST|\*)\/[\w*/-]*$/),
      ]);
  });

  it.each([
    ['AWS::DynamoDB::Table', 'dynamodb:*'],
    ['AWS::SQS::QueuePolicy', 'sqs:*'],
    ['AWS::S3::BucketPolicy', 's3:*'],
    // Nobody is told by default.
    ...deployment
      .resourcesOf('AWS::SNS::TopicPolicy')
      .map((): [string, string] => ['AWS::SNS::TopicPolicy', 'sns:Publish']),
  ])('answers no plain HTTP: %s', (type, action) => {
    const denies = deployment
      .resourcesOf(type)
      .map(([, resource]) => statementsIn(resource.Properties).filter(({ Effect }) => Effect === 'Deny'));
    expect(denies).toHaveLength(1);
    expect(denies[0]).toEqual([
      expect.objectContaining({
        Action: action,
        Principal: type.startsWith('AWS::SNS') ? '*' : { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  });

  it('keeps the bucket of sweeps to its owner: no list of access, nothing public, and what is in it outlives the stack', () => {
    const buckets = deployment.resourcesOf('AWS::S3::Bucket');
    expect(buckets).toHaveLength(1);
    const { Properties, DeletionPolicy } = buckets[0]![1];
    expect(DeletionPolicy).toBe('Retain');
    expect(Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(Properties.OwnershipControls).toEqual({ Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] });
    expect(JSON.stringify(Properties.BucketEncryption)).toMatch(
      /"SSEAlgorithm":"AES256"|"BucketKeyEnabled":true,.*"SSEAlgorithm":"aws:kms"/,
    );
  });

  it('keeps for a while what is written over, or deleted, in the bucket, and cleans up behind it', () => {
    const [[, { Properties }]] = deployment.resourcesOf('AWS::S3::Bucket') as [[string, Resource]];
    expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    const { Rules: rules } = Properties.LifecycleConfiguration as { Rules: Record<string, unknown>[] };
    expect(rules).toEqual([
      {
        Status: 'Enabled',
        Prefix: 'sweeps/',
        ExpirationInDays: 400,
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
      // Source: Amazon S3 API Reference, LifecycleExpiration: not in a rule with days.
      { Status: 'Enabled', Prefix: 'sweeps/', ExpiredObjectDeleteMarker: true },
    ]);
    const rights = JSON.stringify(
      rolePolicies.map(
        ([
          ,
          {
            Properties: { PolicyDocument: policy },
          },
        ]) => policy,
      ),
    );
    expect(rights).toContain('"s3:GetObject"');
    expect(rights).not.toMatch(/"s3:\w*Version/);
  });

  it('covers the table with its index, and the queue with that', () => {
    const resourceOf = (type: string): unknown[] =>
      deployment
        .resourcesOf(type)
        .flatMap(([, resource]) => statementsIn(resource.Properties).filter(({ Effect }) => Effect === 'Deny'))
        .map(({ Resource }) => Resource);
    const [[queue]] = deployment.resourcesOf('AWS::SQS::Queue') as [[string, unknown]];
    expect(resourceOf('AWS::DynamoDB::Table')).toEqual(['*']);
    expect(resourceOf('AWS::SQS::QueuePolicy')).toEqual([{ 'Fn::GetAtt': [queue, 'Arn'] }]);
  });

  it('logs every event of a state machine, without its data', () => {
    const machines = deployment.resourcesOf('AWS::StepFunctions::StateMachine');
    expect(machines.length).toBeGreaterThan(1);
    for (const [name, { Properties }] of machines)
      expect(Properties.LoggingConfiguration, `of ${name}`).toMatchObject({
        Level: 'ALL',
        IncludeExecutionData: false,
      });
  });
});

it('the template for other accounts allows nothing to a request because it lacks a key that would be compared', () => {
  const { Resources } = synthesised(EVERYTHING.context, EVERYTHING.settings).spoke();
  expect(statementsIn(Resources).length).toBeGreaterThan(10);
  expect(statementsIn(Resources).filter(allowsWithoutKey)).toEqual([]);
});

it("rights of the sandbox's deployment are the same as those of one with named roles, but for the roles", () => {
  const rightsOf = (one: Template): unknown => {
    const deployment = new Deployment(one);
    return Object.fromEntries(
      deployment
        .steps()
        .map((step) => [
          step,
          JSON.parse(
            JSON.stringify(
              deployment
                .statementsOfRole(deployment.roleOf(step))
                .map(({ actions, condition }) => ({ actions, condition })),
            ).replaceAll(/CurrentVersion[0-9A-Za-z]+/g, ''),
          ) as unknown,
        ]),
    );
  };
  const flat = (one: Template): unknown =>
    Object.fromEntries(
      Object.entries(rightsOf(one) as Record<string, { actions: string[] }[]>).map(([step, statements]) => [
        step,
        // Where every role may be changed, approvers are compared by a right that is there for that.
        [...new Set(statements.flatMap(({ actions }) => actions))].sort(),
      ]),
    );
  expect(flat(template)).toEqual(
    flat(synthesiseWith({ repairableRoleArns: 'role/eks-addons/*' }, { accounts: [OTHER_ACCOUNT] }).template),
  );
});
