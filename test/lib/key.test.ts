/** The customer's key: what it seals, and who may do what with it. */
import { describe, expect, it } from 'vitest';
import { type Deployment, SWITCHED_ON, waitingInCircles } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';
import { words } from '../words.ts';

const OPTIONS = { repairableRoleArns: 'role/eks-addons/*' };
const THEIRS = 'arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const without = synthesiseWith(OPTIONS);
const made = synthesiseWith({ ...OPTIONS, customerKey: true }, SWITCHED_ON);
const theirs = synthesiseWith({ ...OPTIONS, customerKey: THEIRS }, SWITCHED_ON);

const KEY = 'arn:aws:lambda:eu-west-1:111122223333:function:CustomerKeyA9FF30A4';
const propertiesOf = (deployment: Deployment, type: string): Record<string, unknown>[] =>
  deployment.resourcesOf(type).map(([, { Properties }]) => deployment.resolve(Properties) as Record<string, unknown>);
const keyRightsOf = (deployment: Deployment, role: string) =>
  deployment.statementsOfRole(role).filter(({ actions }) => actions.some((action) => action.startsWith('kms:')));
const named = (deployment: Deployment, type: string, prefix: string): string =>
  deployment.resourcesOf(type).find(([name]) => name.startsWith(prefix))![0];

/** What Step Functions puts behind a state machine's ARN where it means the executions of its map. */
const labelOf = ({ definition }: ReturnType<Deployment['machine']>): string =>
  Object.values(definition.States).flatMap(({ Label: label }) => label ?? [])[0]!;

/** Who puts objects into the bucket has to seal them, and who gets some to open them. */
const OF_BUCKET: Record<string, string[][]> = {
  'begin-sweep': [['kms:GenerateDataKey']],
  'take-inventory': [['kms:Decrypt', 'kms:GenerateDataKey']],
  'report-sweep': [['kms:Decrypt', 'kms:GenerateDataKey']],
};

describe.each([
  ['made here', made, KEY],
  ['there already', theirs, THEIRS],
])('a key %s', (_, deployment, key) => {
  it('seals the table, every log, the queue, the topic, every state machine and every environment', () => {
    expect(propertiesOf(deployment, 'AWS::DynamoDB::Table')).toMatchObject([
      { SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key } },
    ]);
    expect(propertiesOf(deployment, 'AWS::SQS::Queue')).toMatchObject([{ KmsMasterKeyId: key }]);
    expect(propertiesOf(deployment, 'AWS::SNS::Topic')).toMatchObject([{ KmsMasterKeyId: key }]);
    const [groups, functions, machines] = [
      'AWS::Logs::LogGroup',
      'AWS::Lambda::Function',
      'AWS::StepFunctions::StateMachine',
    ].map((type) => propertiesOf(deployment, type));
    // One more is of who calls the API.
    expect(groups!.map(({ KmsKeyId }) => KmsKeyId)).toEqual(
      Array<string>(functions!.length + machines!.length + 1).fill(key),
    );
    expect(functions!.map(({ KmsKeyArn }) => KmsKeyArn)).toEqual(Array<string>(deployment.steps().length).fill(key));
    for (const { EncryptionConfiguration } of machines!)
      expect(EncryptionConfiguration).toEqual({ Type: 'CUSTOMER_MANAGED_KMS_KEY', KmsKeyId: key });
  });

  it('is opened for the ledger and for its environment by every step, and for the bucket by those that use it', () => {
    const [bucket] = deployment.resourcesOf('AWS::S3::Bucket')[0]!;
    const table = named(deployment, 'AWS::DynamoDB::Table', 'Ledger');
    for (const step of deployment.steps()) {
      const [name] = deployment
        .resourcesOf('AWS::Lambda::Function')
        .find(([, { Properties }]) => Properties.Handler === `${step}.handler`)!;
      const arn = `arn:aws:lambda:eu-west-1:111122223333:function:${name}`;
      const all = keyRightsOf(deployment, deployment.roleOf(step));
      const ofBucket = all.filter(({ condition }) => JSON.stringify(condition).includes('aws:s3:arn'));
      const rights = all.filter((right) => !ofBucket.includes(right));
      expect(
        ofBucket.map(({ condition, ...rest }) => ({ ...rest, condition: deployment.resolve(condition) })),
        `of ${step}`,
      ).toEqual(
        (OF_BUCKET[step] ?? []).map((actions) => ({
          actions,
          resources: [key],
          condition: {
            StringEquals: {
              'kms:ViaService': 's3.eu-west-1.amazonaws.com',
              'kms:EncryptionContext:aws:s3:arn': `arn:aws:lambda:eu-west-1:111122223333:function:${bucket}`,
            },
          },
        })),
      );
      expect(
        rights.map(({ actions, resources }) => ({ actions, resources })),
        `of ${step}`,
      ).toEqual(rights.map(() => ({ actions: ['kms:Decrypt'], resources: [key] })));
      expect(
        rights.map(({ condition }) => deployment.resolve(condition)),
        `of ${step}`,
      ).toHaveLength(2);
      expect(
        rights.map(({ condition }) => deployment.resolve(condition)),
        `of ${step}`,
      ).toEqual(
        expect.arrayContaining([
          {
            StringEquals: {
              'kms:ViaService': 'dynamodb.eu-west-1.amazonaws.com',
              'kms:EncryptionContext:aws:dynamodb:tableName': table,
            },
          },
          { ArnLike: { 'kms:EncryptionContext:aws:lambda:FunctionArn': [arn, `${arn}:*`] } },
        ]),
      );
    }
  });

  it.each(['MigrateAddon', 'Recover', 'Retire', 'Sweep'])(
    'is used by the state machine %s for itself, and for its log; by Sweep for its map and for the bucket too',
    (name) => {
      const machine = deployment.machine(name);
      const role = (machine.properties.RoleArn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
      const rights = keyRightsOf(deployment, role).map(({ condition, ...rest }) => ({
        ...rest,
        condition: deployment.resolve(condition),
      }));
      const [bucket] = deployment.resourcesOf('AWS::S3::Bucket')[0]!;
      const ofBucket = {
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [key],
        condition: {
          StringEquals: {
            'kms:ViaService': 's3.eu-west-1.amazonaws.com',
            'kms:EncryptionContext:aws:s3:arn': `arn:aws:lambda:eu-west-1:111122223333:function:${bucket}`,
          },
        },
      };
      const ofExecutions = (context: string) => ({
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [key],
        condition: { StringEquals: { 'kms:EncryptionContext:aws:states:stateMachineArn': context } },
      });
      expect(rights).toHaveLength(name === 'Sweep' ? 4 : 2);
      expect(rights).toEqual(
        expect.arrayContaining([
          ...(name === 'Sweep' ? [ofBucket, ofExecutions(`${machine.logicalId}/${labelOf(machine)}`)] : []),
          ofExecutions(machine.logicalId),
          {
            actions: ['kms:GenerateDataKey'],
            resources: [key],
            condition: { StringEquals: { 'kms:EncryptionContext:SourceArn': 'arn:aws:logs:eu-west-1:111122223333:*' } },
          },
        ]),
      );
    },
  );

  it('leaves a stack that can be deployed: no resource waits for itself', () =>
    expect(waitingInCircles(deployment)).toEqual([]));

  it('lets a version be called only when its environment can be opened', () => {
    const waits = deployment
      .resourcesOf('AWS::Lambda::Version')
      .map(([, resource]) => JSON.stringify((resource as { DependsOn?: unknown }).DependsOn));
    expect(waits).toHaveLength(deployment.steps().length);
    for (const one of waits) expect(one).toMatch(/^\["Steps\w+Environment\w+"\]$/);
  });
});

describe('a key that is made', () => {
  const [[, key]] = made.resourcesOf('AWS::KMS::Key') as [[string, ReturnType<Deployment['resourcesOf']>[number][1]]];
  const { Statement: statements } = made.resolve(key.Properties.KeyPolicy) as {
    Statement: { Sid: string; Principal: unknown; Action: string | string[]; Condition?: unknown }[];
  };

  it('is rotated, and outlives the stack', () => {
    expect(made.resourcesOf('AWS::KMS::Key')).toHaveLength(1);
    expect([key.Properties.EnableKeyRotation, key.DeletionPolicy]).toEqual([true, 'Retain']);
  });

  it('is used by nobody without a condition: administration has none, and can neither use it nor give its use away', () => {
    expect(statements.filter(({ Condition }) => Condition === undefined).map(({ Sid }) => Sid)).toEqual([
      'Administration',
    ]);
    const uses = words`
      Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyPair
      GenerateDataKeyWithoutPlaintext GenerateMac Sign CreateGrant DeriveSharedSecret
    `;
    const administration = [statements[0]!.Action].flat();
    expect(
      uses.filter((use) =>
        administration.some((action) => new RegExp(`^${action.replace('*', '.*')}$`).test(`kms:${use}`)),
      ),
    ).toEqual([]);
  });

  it('is used by these services alone, each for what it keeps, and by the account through them', () => {
    const account = { AWS: 'arn:aws:iam::111122223333:root' };
    expect(statements.map(({ Sid, Principal, Condition }) => [Sid, Principal, Condition])).toEqual([
      ['Administration', account, undefined],
      [
        'UseThroughServices',
        account,
        {
          StringEquals: {
            'kms:CallerAccount': '111122223333',
            'kms:ViaService': ['dynamodb', 'lambda', 'logs', 's3', 'sqs', 'states'].map(
              (service) => `${service}.eu-west-1.amazonaws.com`,
            ),
          },
        },
      ],
      [
        'GrantsOfServices',
        account,
        {
          StringEquals: {
            'kms:CallerAccount': '111122223333',
            'kms:ViaService': ['dynamodb', 'lambda'].map((service) => `${service}.eu-west-1.amazonaws.com`),
          },
          Bool: { 'kms:GrantIsForAWSResource': 'true' },
        },
      ],
      [
        'FunctionEnvironments',
        account,
        {
          StringEquals: { 'kms:CallerAccount': '111122223333' },
          ArnLike: {
            'kms:EncryptionContext:aws:lambda:FunctionArn': 'arn:aws:lambda:eu-west-1:111122223333:function:*',
          },
        },
      ],
      [
        'StateMachines',
        account,
        {
          StringEquals: { 'kms:CallerAccount': '111122223333' },
          ArnLike: {
            'kms:EncryptionContext:aws:states:stateMachineArn': 'arn:aws:states:eu-west-1:111122223333:stateMachine:*',
          },
        },
      ],
      [
        'StateMachineLogs',
        account,
        {
          StringEquals: {
            'kms:CallerAccount': '111122223333',
            'kms:EncryptionContext:SourceArn': 'arn:aws:logs:eu-west-1:111122223333:*',
          },
        },
      ],
      [
        'LogDelivery',
        { Service: 'delivery.logs.amazonaws.com' },
        { StringEquals: { 'kms:EncryptionContext:SourceArn': 'arn:aws:logs:eu-west-1:111122223333:*' } },
      ],
      [
        'LogGroups',
        { Service: 'logs.eu-west-1.amazonaws.com' },
        {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': [
              'arn:aws:logs:eu-west-1:111122223333:log-group:PodIdentityMigrator-*',
              'arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vendedlogs/states/PodIdentityMigrator-*',
            ],
          },
        },
      ],
      [
        'DeadLetters',
        { Service: 'events.amazonaws.com' },
        {
          StringEquals: { 'aws:SourceAccount': '111122223333' },
          ArnLike: { 'kms:EncryptionContext:aws:sqs:arn': 'arn:aws:sqs:eu-west-1:111122223333:PodIdentityMigrator-*' },
        },
      ],
      [
        'Notifications',
        { Service: 'events.amazonaws.com' },
        {
          ArnLike: {
            'kms:EncryptionContext:aws:sns:topicArn': 'arn:aws:sns:eu-west-1:111122223333:PodIdentityMigrator-*',
          },
        },
      ],
    ]);
  });
});

describe('without a key of the customer', () => {
  it("AWS's own keys are used, and nobody has a right of KMS", () => {
    expect(JSON.stringify(without.template).match(/kms:|KmsKey\w*|KMSMasterKeyId/g)).toBeNull();
    expect(propertiesOf(without, 'AWS::SQS::Queue')).toMatchObject([{ SqsManagedSseEnabled: true }]);
    expect(propertiesOf(without, 'AWS::DynamoDB::Table')).toMatchObject([{ SSESpecification: { SSEEnabled: true } }]);
  });

  it('of a key that is there already nothing is made or changed', () =>
    expect(theirs.resourcesOf('AWS::KMS::Key')).toEqual([]));
});
