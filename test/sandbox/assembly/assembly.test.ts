import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { directory as realDirectory } from '../../lib/definition.ts';
import { parseDefinition } from '../../../sandbox/states/parse-definition.ts';
import { type Template, write, load, role, fn } from './stacks.ts';

const DEFINITION = [
  '{"StartAt":"A","States":{"A":{"Resource":"arn:',
  { Ref: 'AWS::Partition' },
  ':states:::lambda:invoke","Arguments":{"FunctionName":"',
  { Ref: 'Version' },
  '"}}}}',
];
const BY_PK = {
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
};
const read = (Resource: unknown, account: unknown) => ({
  Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource, Condition: { StringEquals: { a: account } } }],
});
const THERE = 'eu-west-1:111122223333';
const WHERE = { account: '111122223333', region: 'eu-west-1' };

const app: Template = {
  Parameters: { Level: { Type: 'String', Default: 'INFO' } },
  Resources: {
    Role: role,
    Table: { Type: 'AWS::DynamoDB::Table', Properties: { ...BY_PK, BillingMode: 'PAY_PER_REQUEST' } },
    Function: fn({
      Timeout: 60,
      MemorySize: 512,
      Environment: { Variables: { TABLE_NAME: { Ref: 'Table' }, LEVEL: { Ref: 'Level' }, N: 3 } },
    }),
    Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Function' } } },
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: { RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] }, DefinitionString: { 'Fn::Join': ['', DEFINITION] } },
    },
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'RolePolicy',
        Roles: [{ Ref: 'Role' }],
        PolicyDocument: read({ 'Fn::GetAtt': ['Table', 'Arn'] }, { Ref: 'AWS::AccountId' }),
      },
    },
  },
  Outputs: {
    MachineArn: { Value: { Ref: 'Machine' } },
    TableName: { Value: { Ref: 'Table' }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}-table' } } },
  },
};

test('an application as plain data', () => {
  const folder = write({ App: app });
  const assembly = loadAssembly(folder, WHERE);
  const functionArn = 'arn:aws:lambda:eu-west-1:111122223333:function:App-Function';
  const machineArn = 'arn:aws:states:eu-west-1:111122223333:stateMachine:App-Machine';
  const roleArn = 'arn:aws:iam::111122223333:role/App-Role';
  expect(assembly).toEqual({
    busPolicies: [],
    stacks: [
      {
        name: 'App',
        id: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/App/00000000-0000-4000-8000-000000000000',
        ...WHERE,
        parameters: { Level: 'INFO' },
        tags: {},
        outputs: [
          { key: 'MachineArn', value: machineArn },
          { key: 'TableName', value: 'App-Table', exportName: 'App-table' },
        ],
      },
    ],
    stateMachines: [
      {
        logicalId: 'Machine',
        name: 'App-Machine',
        arn: machineArn,
        roleArn,
        definition: {
          StartAt: 'A',
          States: {
            A: { Resource: 'arn:aws:states:::lambda:invoke', Arguments: { FunctionName: `${functionArn}:1` } },
          },
        },
      },
    ],
    functions: [
      {
        logicalId: 'Function',
        name: 'App-Function',
        arn: functionArn,
        versionArns: [`${functionArn}:1`],
        handler: 'plan.handler',
        timeoutSeconds: 60,
        memoryMb: 512,
        environment: { TABLE_NAME: 'App-Table', LEVEL: 'INFO', N: '3' },
        roleArn,
        codeDirectory: join(folder, 'asset.code'),
      },
    ],
    tables: [
      {
        logicalId: 'Table',
        name: 'App-Table',
        arn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/App-Table',
        keySchema: BY_PK.KeySchema,
        attributeDefinitions: BY_PK.AttributeDefinitions,
        globalSecondaryIndexes: [],
        billingMode: 'PAY_PER_REQUEST',
      },
    ],
    roles: [
      {
        logicalId: 'Role',
        arn: roleArn,
        policies: [{ name: 'RolePolicy', document: read(`arn:aws:dynamodb:${THERE}:table/App-Table`, WHERE.account) }],
        managedPolicyArns: [],
        trustPolicy: {},
      },
    ],
    rules: [],
    topics: [],
    queues: [],
    outputs: { MachineArn: machineArn, TableName: 'App-Table', 'App-table': 'App-Table' },
  });
  expect(loadAssembly(folder, WHERE)).toEqual(assembly);
});

describe('names', () => {
  test('that are given are kept', () => {
    const { functions, stateMachines, roles } = load({
      App: {
        Resources: {
          Role: { ...role, Properties: { RoleName: 'my-role', Path: '/team/' } },
          Function: fn({ FunctionName: { 'Fn::Join': ['-', ['my', { Ref: 'AWS::Region' }]] } }),
          Machine: {
            Type: 'AWS::StepFunctions::StateMachine',
            Properties: { StateMachineName: 'mine', RoleArn: 'r', Definition: { StartAt: 'A' } },
          },
        },
      },
    });
    const roleArn = 'arn:aws:iam::111122223333:role/team/my-role';
    expect(functions[0]).toMatchObject({ name: 'my-eu-west-1', roleArn });
    expect(roles[0]!.arn).toBe(roleArn);
    expect(stateMachines[0]).toMatchObject({ name: 'mine', definition: { StartAt: 'A' } });
  });

  test('that are too long are cut in the middle', () => {
    const logicalId = `${'Long'.repeat(20)}0D86278E`;
    const [first] = load({ App: { Resources: { Role: role, [logicalId]: fn() } } }).functions;
    expect(first!.name).toHaveLength(64);
    expect(first!.name).toMatch(/^App-LongLong.*0D86278E$/);
  });

  test("a stack's own environment takes precedence over the options", () =>
    expect(load({ App: app }, 'aws://444455556666/us-east-1').functions[0]!.arn).toBe(
      'arn:aws:lambda:us-east-1:444455556666:function:App-Function',
    ));
});

test('policies: inline, attached, managed by the application, and managed elsewhere', () => {
  const document = (action: string) => ({ Statement: [{ Action: action }] });
  const { roles } = load({
    App: {
      Resources: {
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: {
            Policies: [{ PolicyName: 'inline', PolicyDocument: document('a:1') }],
            ManagedPolicyArns: [{ Ref: 'Managed' }, 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
          },
        },
        Own: {
          Type: 'AWS::IAM::RolePolicy',
          Properties: { RoleName: { Ref: 'Role' }, PolicyName: 'own', PolicyDocument: document('a:2') },
        },
        Managed: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { ManagedPolicyName: 'managed', PolicyDocument: document('a:3') },
        },
        Foreign: {
          Type: 'AWS::IAM::Policy',
          Properties: { PolicyName: 'foreign', Roles: ['another'], PolicyDocument: document('a:4') },
        },
      },
    },
  });
  expect(roles[0]!.policies.map(({ name }) => name)).toEqual(['inline', 'own', 'managed']);
  expect(roles[0]!.managedPolicyArns).toEqual(['arn:aws:iam::aws:policy/ReadOnlyAccess']);
});

test('asynchronous configurations: of a version, of the unqualified function, and none', () => {
  const config = (name: string, qualifier: unknown, more: object) => ({
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { FunctionName: { Ref: name }, Qualifier: qualifier, ...more },
  });
  const Dead = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } };
  const destination = { 'Fn::GetAtt': ['Dead', 'Arn'] };
  const Version = { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'One' } } };
  const once = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 300 };
  const resources = {
    Role: role,
    Dead,
    One: fn(),
    Version,
    Two: fn({ DeadLetterConfig: { TargetArn: destination } }),
    OnceConfig: config('One', { 'Fn::GetAtt': ['Version', 'Version'] }, once),
    FailConfig: config('One', '$LATEST', { DestinationConfig: { OnFailure: { Destination: destination } } }),
  };
  const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:App-One';
  const dead = 'arn:aws:sqs:eu-west-1:111122223333:dead';
  const [one, two] = load({ App: { Resources: resources } }).functions;
  expect(one!.asyncConfigs).toEqual([
    { functionArn: `${arn}:1`, maximumRetryAttempts: 0, maximumEventAgeSeconds: 300 },
    { functionArn: arn, onFailureArn: dead },
  ]);
  expect([one!.deadLetterArn, two!.asyncConfigs, two!.deadLetterArn]).toEqual([undefined, undefined, dead]);
  const refused = (more: object) => () =>
    load({ App: { Resources: { ...resources, FailConfig: config('One', '$LATEST', more) } } });
  expect(refused({ DestinationConfig: { OnSuccess: { Destination: destination } } })).toThrow(
    'an EventInvokeConfig with OnSuccess, which the sandbox does not support',
  );
  expect(refused({ Else: 1 })).toThrow(
    'App.template.json, FailConfig has an EventInvokeConfig with Else, which the sandbox does not support',
  );
});

test('permissions boundaries: from the application, from elsewhere, and none', () => {
  const document = { Statement: [{ Action: 'a:1' }] };
  const bounded = (PermissionsBoundary: unknown) => ({ Type: 'AWS::IAM::Role', Properties: { PermissionsBoundary } });
  const { roles } = load({
    App: {
      Resources: {
        Bound: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { ManagedPolicyName: 'bound', PolicyDocument: document },
        },
        Own: bounded({ Ref: 'Bound' }),
        Foreign: bounded({ 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/central' }),
        Unbound: role,
      },
    },
  });
  expect(roles.map(({ logicalId, permissionsBoundary }) => [logicalId, permissionsBoundary])).toEqual([
    ['Own', { arn: 'arn:aws:iam::111122223333:policy/bound', document }],
    ['Foreign', { arn: 'arn:aws:iam::111122223333:policy/central' }],
    ['Unbound', undefined],
  ]);
});

describe('errors name template, logical id and path', () => {
  const withFunction = (properties: Record<string, unknown>): Template => ({
    Resources: { Role: role, F: fn(properties) },
  });
  const shows = (Value: object, Resources: Template['Resources'] = {}): Template => ({
    Resources,
    Outputs: { O: { Value } },
  });
  const ofItself = { Type: 'AWS::S3::Bucket', Properties: { BucketName: { Ref: 'A' } } };
  const unreadable = { Type: 'AWS::StepFunctions::StateMachine', Properties: { RoleArn: 'r', DefinitionString: '{' } };
  const errors: Record<string, Template> = {
    'App.template.json, F, Properties.Timeout.Fn::Cidr has the function Fn::Cidr': withFunction({
      Timeout: { 'Fn::Cidr': [] },
    }),
    'App.template.json, F, Properties.Environment.Variables.A.Ref has a reference to Gone': withFunction({
      Environment: { Variables: { A: { Ref: 'Gone' } } },
    }),
    'output O, Value.Fn::GetAtt has Fn::GetAtt of Role.RoleId': shows(
      { 'Fn::GetAtt': ['Role', 'RoleId'] },
      { Role: role },
    ),
    'output O, Value.Ref has Ref of X: the sandbox does not support references to AWS::EC2::VPC': shows(
      { Ref: 'X' },
      { X: { Type: 'AWS::EC2::VPC' } },
    ),
    'the parameter P, which has no default': { ...shows({ Ref: 'P' }), Parameters: { P: { Type: 'String' } } },
    'Fn::ImportValue of none, which no stack exports': shows({ 'Fn::ImportValue': 'none' }),
    'a circular reference: Ref A → Ref A': shows({ Ref: 'A' }, { A: ofItself }),
    'F, Properties.Code has code from x.zip': withFunction({ Code: { S3Bucket: 'b', S3Key: 'x.zip' } }),
    'App.template.json, R, Properties.PermissionsBoundary has a PermissionsBoundary that is not an ARN': {
      Resources: { R: { Type: 'AWS::IAM::Role', Properties: { PermissionsBoundary: ['a'] } } },
    },
    'App.template.json, M has a DefinitionString that is not JSON': { Resources: { M: unreadable } },
  };
  test.each(Object.entries(errors))('%s', (message, template) =>
    expect(() => load({ App: template })).toThrow(message),
  );

  test('a directory that is not an assembly', () =>
    expect(() => loadAssembly(tmpdir(), { account: '1', region: 'r' })).toThrow(/manifest\.json.*npm run build/));
});

test("the project's own application", () => {
  const assembly = loadAssembly(realDirectory, WHERE);
  const machines = ['', 'Recover', 'Retire', 'Sweep'].map((name) => assembly.outputs[`${name}StateMachineArn`]!);
  expect(new Set(assembly.stateMachines.map(({ arn }) => arn))).toEqual(new Set(machines));
  const versions = new Set(assembly.functions.flatMap(({ versionArns }) => versionArns));
  const called = assembly.stateMachines.flatMap(({ name, definition }) =>
    Object.values(parseDefinition(name, definition).States).flatMap((state) =>
      state.Type === 'Task' ? [(state.Arguments as { FunctionName: string }).FunctionName] : [],
    ),
  );
  expect(called.length).toBeGreaterThan(9);
  for (const arn of called) expect(versions).toContain(arn);
  const roles = new Map(assembly.roles.map(({ arn, policies }) => [arn, policies]));
  for (const { roleArn, environment } of assembly.functions) {
    expect(roles.get(roleArn)!.length).toBeGreaterThan(0);
    expect(environment['TABLE_NAME']).toBe(assembly.tables[0]!.name);
  }
  const [schedule] = assembly.rules.filter(({ everySeconds }) => everySeconds !== undefined);
  const handlerOf = (arn: string) => assembly.functions.find(({ versionArns }) => versionArns.includes(arn))?.handler;
  expect(schedule!.targets.map(({ arn }) => handlerOf(arn))).toEqual(['find-stranded.handler']);
  const [stopped] = assembly.rules.filter(({ pattern }) => pattern !== undefined);
  expect(stopped!.targets.map(({ arn }) => arn)).toEqual([machines[1]]);
});
