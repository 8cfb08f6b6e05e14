/** Every supported operation, each once with success and once with a refusal, in an order that allows both. */
import { ACCOUNT, REGION, ROLE, podIdentityTrust } from '../support.ts';

export const TABLE = 'Ledger';
export const MACHINE = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:Waits`;
export type AwsService = 'eks' | 'iam' | 'sts' | 'dynamodb' | 'states' | 'events';

/** The successful responses so far, by the operation's name. */
export type Answers = Record<string, Record<string, unknown>>;
type Input = object | ((answers: Answers) => object);
/** Instead of an input: the same call with a wrong secret. */
export const WRONG_SECRET = 'a wrong secret';
/** `later` is the number of seconds before the call. */
export type Row = [
  service: AwsService,
  operation: string,
  good: Input | undefined,
  bad: Input | typeof WRONG_SECRET | undefined,
  later?: number,
];

const clusterName = 'dev';
const EBS = { clusterName, addonName: 'aws-ebs-csi-driver' };
const EFS = { clusterName, addonName: 'aws-efs-csi-driver' };
const ADMIN = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy';
const ENTRY = { clusterName, principalArn: ROLE };
const NO_ENTRY = { ...ENTRY, clusterName: 'prod' };
const CLUSTER_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`;
const NO_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/prod`;
const NO_CLUSTER = { clusterName: 'prod' };
/** The SDK would generate a random one. */
const token = (clientRequestToken: string) => ({ clientRequestToken });

/** A member of an earlier response. */
const from =
  (operation: string, ...path: string[]) =>
  (answers: Answers): unknown =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], answers[operation]);
const updateId = from('UpdateAddon', 'update', 'id');
const associationId = from('CreatePodIdentityAssociation', 'association', 'associationId');
const executionArn = from('StartExecution', 'executionArn');
const theAssociation: Input = (answers) => ({ clusterName, associationId: associationId(answers) });
const NO_ASSOCIATION = { clusterName, associationId: 'a-00000000000000000' };

const of = (service: AwsService, all: [Row[1], Row[2], Row[3], Row[4]?][]): Row[] =>
  all.map((row) => [service, ...row]);

const eks = of('eks', [
  ['ListClusters', {}, { maxResults: 0 }],
  ['DescribeCluster', { name: 'dev' }, { name: 'prod' }],
  ['DescribeClusterVersions', {}, { maxResults: 0 }],
  ['DescribeAddonVersions', { addonName: 'aws-ebs-csi-driver', kubernetesVersion: '1.31' }, { nextToken: 'none' }],
  [
    'DescribeAddonConfiguration',
    { addonName: 'aws-ebs-csi-driver', addonVersion: 'v1.38.1-eksbuild.1' },
    { addonName: 'aws-ebs-csi-driver', addonVersion: 'v0' },
  ],
  ['ListAddons', { clusterName, maxResults: 1 }, NO_CLUSTER],
  ['DescribeAddon', EBS, { clusterName, addonName: 'none' }],
  [
    'UpdateAddon',
    { ...EBS, ...token('u'), podIdentityAssociations: [{ serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE }] },
    { ...EBS, ...token('v'), serviceAccountRoleArn: '' },
  ],
  [
    'DescribeUpdate',
    (answers) => ({ name: 'dev', addonName: EBS.addonName, updateId: updateId(answers) }),
    (answers) => ({ name: 'dev', updateId: updateId(answers) }),
  ],
  ['ListUpdates', { name: 'dev', addonName: EBS.addonName }, { name: 'prod' }],
  [
    'CreateAddon',
    { ...EFS, ...token('c'), tags: { 'a b': 'ü&<' }, resolveConflicts: 'NONE' },
    { ...EFS, ...token('d') },
  ],
  ['DeleteAddon', { ...EBS, preserve: true }, { clusterName, addonName: 'none' }, 600],
  [
    'CreatePodIdentityAssociation',
    { clusterName, ...token('p'), namespace: 'apps', serviceAccount: 'web', roleArn: ROLE, tags: { team: 'web' } },
    { clusterName, ...token('q'), namespace: 'apps', serviceAccount: 'web', roleArn: ROLE },
  ],
  ['DescribePodIdentityAssociation', theAssociation, NO_ASSOCIATION],
  ['ListPodIdentityAssociations', { clusterName, namespace: 'apps' }, NO_CLUSTER],
  [
    'UpdatePodIdentityAssociation',
    (answers) => ({ clusterName, associationId: associationId(answers), ...token('r'), disableSessionTags: true }),
    { ...NO_ASSOCIATION, ...token('s') },
  ],
  ['DeletePodIdentityAssociation', theAssociation, theAssociation],
  ['CreateAccessEntry', { ...ENTRY, ...token('e'), kubernetesGroups: ['readers'] }, { ...ENTRY, ...token('f') }],
  ['DescribeAccessEntry', ENTRY, { clusterName, principalArn: `${ROLE}-gone` }],
  [
    'UpdateAccessEntry',
    { ...ENTRY, ...token('g'), username: 'reader' },
    { ...ENTRY, ...token('h'), kubernetesGroups: ['system:masters'] },
  ],
  ['ListAccessEntries', { clusterName }, NO_CLUSTER],
  ['ListAccessPolicies', { maxResults: 2 }, { maxResults: 0 }],
  ['ListCapabilities', { clusterName }, NO_CLUSTER],
  ['DescribeCapability', { clusterName, capabilityName: 'ack' }, { clusterName, capabilityName: 'gone' }],
  ['ListFargateProfiles', { clusterName }, NO_CLUSTER],
  ['DescribeFargateProfile', { clusterName, fargateProfileName: 'apps' }, { clusterName, fargateProfileName: 'gone' }],
  [
    'AssociateAccessPolicy',
    { ...ENTRY, policyArn: ADMIN, accessScope: { type: 'namespace', namespaces: ['apps'] } },
    { ...ENTRY, policyArn: `${ADMIN}X`, accessScope: { type: 'cluster' } },
  ],
  ['ListAssociatedAccessPolicies', ENTRY, NO_ENTRY],
  ['DisassociateAccessPolicy', { ...ENTRY, policyArn: ADMIN }, { ...NO_ENTRY, policyArn: ADMIN }],
  ['DeleteAccessEntry', ENTRY, ENTRY],
  [
    'TagResource',
    { resourceArn: CLUSTER_ARN, tags: { a: '1', 'c d': 'x/y' } },
    { resourceArn: NO_ARN, tags: { a: '1' } },
  ],
  ['ListTagsForResource', { resourceArn: CLUSTER_ARN }, { resourceArn: NO_ARN }],
  ['UntagResource', { resourceArn: CLUSTER_ARN, tagKeys: ['b', 'a', 'c d'] }, { resourceArn: NO_ARN, tagKeys: ['a'] }],
]);

const RoleName = 'ebs-csi';
/** Policies of the role, see `openSession`. */
const documentOf = (Action: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });
const DOCUMENT = documentOf('s3:*');
const TRUST = JSON.stringify(podIdentityTrust);
const TRUSTING_ACCOUNT = JSON.stringify({
  ...podIdentityTrust,
  Statement: [
    ...podIdentityTrust.Statement,
    { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
  ],
});
export const INLINE = { name: 'inline', document: DOCUMENT };
export const MANAGED = { arn: `arn:aws:iam::${ACCOUNT}:policy/team/managed`, document: DOCUMENT };
/** An OIDC provider of the account. */
export const PROVIDER = {
  arn: `arn:aws:iam::${ACCOUNT}:oidc-provider/issuer.example/dev`,
  url: 'issuer.example/dev',
  clientIds: ['sts.amazonaws.com', 'a&b'],
  thumbprints: ['9e99a48a9960b14926bb7f3b02e22da2b0ab7280'],
  tags: { team: 'shop' },
  createdAt: 0,
};
const NOBODY = { RoleName: 'ä' };

const identity = [
  ...of('iam', [
    ['GetRole', { RoleName }, NOBODY],
    ['ListRoles', {}, { MaxItems: 0 }],
    ['ListRoleTags', { RoleName }, NOBODY],
    ['ListAttachedRolePolicies', { RoleName }, NOBODY],
    ['ListRolePolicies', { RoleName }, NOBODY],
    ['GetRolePolicy', { RoleName, PolicyName: INLINE.name }, { RoleName, PolicyName: 'none' }],
    ['GetPolicy', { PolicyArn: MANAGED.arn }, { PolicyArn: `${MANAGED.arn}-gone` }],
    ['GetPolicyVersion', { PolicyArn: MANAGED.arn, VersionId: 'v1' }, { PolicyArn: MANAGED.arn, VersionId: 'v2' }],
    // Without parameters there are no invalid ones.
    ['ListOpenIDConnectProviders', {}, undefined],
    [
      'GetOpenIDConnectProvider',
      { OpenIDConnectProviderArn: PROVIDER.arn },
      { OpenIDConnectProviderArn: `${PROVIDER.arn}-gone` },
    ],
    [
      'SimulatePrincipalPolicy',
      {
        PolicySourceArn: ROLE,
        ActionNames: ['s3:GetObject', 'iam:PassRole'],
        ResourceArns: [ROLE],
        ContextEntries: [{ ContextKeyName: 'aws:TagKeys', ContextKeyType: 'stringList', ContextKeyValues: ['a', 'b'] }],
      },
      { PolicySourceArn: `${ROLE}-gone`, ActionNames: ['s3:GetObject'] },
    ],
    ['UpdateAssumeRolePolicy', { RoleName, PolicyDocument: TRUSTING_ACCOUNT }, { RoleName, PolicyDocument: 'a=b&c' }],
    [
      'CreateRole',
      {
        RoleName: `${RoleName}-new`,
        Path: '/app/',
        AssumeRolePolicyDocument: TRUST,
        Tags: [{ Key: 'team', Value: 'shop & more' }],
      },
      { RoleName, AssumeRolePolicyDocument: TRUST },
    ],
    [
      'PutRolePolicy',
      { RoleName, PolicyName: 'more', PolicyDocument: documentOf('s3:GetObject') },
      { RoleName, PolicyName: 'more', PolicyDocument: '{' },
    ],
    [
      'AttachRolePolicy',
      { RoleName, PolicyArn: 'arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy' },
      { RoleName, PolicyArn: 'arn:aws:iam::aws:policy/NoSuchPolicy' },
    ],
  ]),
  ...of('sts', [
    ['GetCallerIdentity', {}, WRONG_SECRET],
    // Its success requires a pod's token: test/sandbox/sts/web-identity.test.ts.
    [
      'AssumeRoleWithWebIdentity',
      undefined,
      { RoleArn: ROLE, RoleSessionName: 'corpus', WebIdentityToken: 'no token' },
    ],
    [
      'AssumeRole',
      { RoleArn: ROLE, RoleSessionName: 'corpus' },
      { RoleArn: `${ROLE}-gone`, RoleSessionName: 'corpus' },
      5,
    ],
  ]),
];

const Key = { pk: { S: 'a/b c' } };
const ITEM = { ...Key, text: { S: 'ünïcode' } };
const NO_TABLE = { TableName: 'None' };
const MADE = { TableName: 'Made' };
const MADE_ARN = `arn:aws:dynamodb:us-east-1:000000000000:table/Made`;
const QUERY = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': Key.pk } };
const CREATE = {
  ...MADE,
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
};

const dynamodb = of('dynamodb', [
  [
    'PutItem',
    { TableName: TABLE, Item: ITEM },
    { TableName: TABLE, Item: ITEM, ConditionExpression: 'attribute_not_exists(pk)' },
  ],
  ['GetItem', { TableName: TABLE, Key }, { ...NO_TABLE, Key }],
  [
    'UpdateItem',
    {
      TableName: TABLE,
      Key,
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '7' } },
      ReturnValues: 'ALL_NEW',
    },
    { TableName: TABLE, Key, UpdateExpression: 'SET' },
  ],
  ['Query', { TableName: TABLE, ...QUERY }, { ...NO_TABLE, ...QUERY }],
  ['Scan', { TableName: TABLE }, NO_TABLE],
  ['BatchGetItem', { RequestItems: { [TABLE]: { Keys: [Key] } } }, { RequestItems: { None: { Keys: [Key] } } }],
  [
    'BatchWriteItem',
    { RequestItems: { [TABLE]: [{ PutRequest: { Item: { pk: { S: 'b' } } } }] } },
    { RequestItems: {} },
  ],
  [
    'DeleteItem',
    { TableName: TABLE, Key, ReturnValues: 'ALL_OLD' },
    { TableName: TABLE, Key, ConditionExpression: 'attribute_exists(pk)' },
  ],
  ['ListTables', {}, { Limit: 0 }],
  ['DescribeTable', { TableName: TABLE }, NO_TABLE],
  ['DescribeTimeToLive', { TableName: TABLE }, NO_TABLE],
  ['CreateTable', CREATE, CREATE],
  ['TagResource', { ResourceArn: MADE_ARN, Tags: [{ Key: 'a', Value: 'b' }] }, { ResourceArn: 'none', Tags: [] }],
  ['ListTagsOfResource', { ResourceArn: MADE_ARN }, { ResourceArn: 'none' }],
  ['UntagResource', { ResourceArn: MADE_ARN, TagKeys: ['a'] }, { ResourceArn: 'none', TagKeys: [] }],
  [
    'UpdateTable',
    { ...MADE, BillingMode: 'PROVISIONED', ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
    NO_TABLE,
  ],
  ['DeleteTable', MADE, NO_TABLE],
]);

const NO_EXECUTION = { executionArn: `${MACHINE.replace(':stateMachine:', ':execution:')}:none` };
const NO_MACHINE = { stateMachineArn: `${MACHINE}X` };
const theExecution: Input = (answers) => ({ executionArn: executionArn(answers) });
interface TaskEvent {
  taskScheduledEventDetails?: { parameters: string };
}
/** Two branches of the execution wait for their tokens. */
const tokenOf = (answers: Answers, branch: 0 | 1): string => {
  const tasks = (answers.GetExecutionHistory!.events as TaskEvent[]).flatMap(
    ({ taskScheduledEventDetails }) => taskScheduledEventDetails ?? [],
  );
  return (JSON.parse(tasks[branch]!.parameters) as { Payload: string }).Payload;
};
const NO_TASK = { taskToken: 'none' };

const states = of('states', [
  ['ListStateMachines', {}, { maxResults: 1001 }],
  ['DescribeStateMachine', { stateMachineArn: MACHINE }, NO_MACHINE],
  [
    'StartExecution',
    { stateMachineArn: MACHINE, name: 'one', input: '{"a":"ü"}' },
    { stateMachineArn: MACHINE, name: 'one', input: '{"a":"b"}' },
  ],
  ['ListExecutions', { stateMachineArn: MACHINE, statusFilter: 'RUNNING' }, NO_MACHINE],
  ['GetExecutionHistory', theExecution, NO_EXECUTION],
  ['ListMapRuns', theExecution, NO_EXECUTION],
  [
    'DescribeMapRun',
    (answers) => ({ mapRunArn: (answers.ListMapRuns!.mapRuns as { mapRunArn: string }[])[0]!.mapRunArn }),
    { mapRunArn: `${MACHINE.replace(':stateMachine:', ':mapRun:')}/Each:none` },
  ],
  ['SendTaskHeartbeat', (answers) => ({ taskToken: tokenOf(answers, 0) }), NO_TASK],
  [
    'SendTaskSuccess',
    (answers) => ({ taskToken: tokenOf(answers, 0), output: '"ü"' }),
    (answers) => ({ taskToken: tokenOf(answers, 1), output: '{' }),
  ],
  [
    'SendTaskFailure',
    (answers) => ({ taskToken: tokenOf(answers, 1), error: 'No', cause: 'ü' }),
    (answers) => ({ taskToken: tokenOf(answers, 1) }),
  ],
  ['StopExecution', (answers) => ({ executionArn: executionArn(answers), error: 'Enough' }), NO_EXECUTION],
  ['DescribeExecution', theExecution, NO_EXECUTION],
]);

const PUT = {
  Source: 'my.app',
  DetailType: 'Done',
  Detail: '{"a":"ü"}',
  Time: new Date('2026-01-15T09:00:00Z'),
  Resources: ['arn:one'],
};
const events: Row[] = [['events', 'PutEvents', { Entries: [PUT, { ...PUT, Source: 'aws.eks' }] }, { Entries: [] }]];

export const rows: readonly Row[] = [...eks, ...identity, ...dynamodb, ...states, ...events];

export const inputOf = (input: Input, answers: Answers): object =>
  typeof input === 'function' ? (input as (answers: Answers) => object)(answers) : input;
