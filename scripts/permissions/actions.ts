/** The access level of each action, as classified by AWS. */

export type Access = 'Read' | 'List' | 'Write' | 'Tagging' | 'Permissions management';

/**
 * Access levels of the actions that the service uses. Source: Service Authorization Reference, the page of each
 * service; of two levels (`Tagging, Write`), this has the narrower one. Look up a new action there first.
 */
const LEVELS: Readonly<Record<Access, readonly string[]>> = {
  Read: [
    'dynamodb:GetItem',
    'dynamodb:Query',
    'eks:DescribeAccessEntry',
    'eks:DescribeAddon',
    'eks:DescribeAddonConfiguration',
    'eks:DescribeAddonVersions',
    'eks:DescribeCluster',
    'eks:DescribeFargateProfile',
    'eks:DescribePodIdentityAssociation',
    'iam:GetOpenIDConnectProvider',
    'iam:GetPolicy',
    'iam:GetPolicyVersion',
    'iam:GetRole',
    'iam:GetRolePolicy',
    'iam:SimulatePrincipalPolicy',
    'logs:GetLogDelivery',
    's3:GetObject',
    'states:DescribeExecution',
    'xray:GetSamplingRules',
    'xray:GetSamplingTargets',
  ],
  List: [
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'eks:ListAccessEntries',
    'eks:ListAddons',
    'eks:ListCapabilities',
    'eks:ListClusters',
    'eks:ListFargateProfiles',
    'eks:ListPodIdentityAssociations',
    'iam:ListAttachedRolePolicies',
    'iam:ListRolePolicies',
    's3:ListBucket',
    's3:ListMultipartUploadParts',
    'logs:DescribeLogGroups',
    'logs:DescribeResourcePolicies',
    'logs:ListLogDeliveries',
  ],
  Write: [
    'dynamodb:DeleteItem',
    'dynamodb:PutItem',
    'dynamodb:UpdateItem',
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:UnassignPrivateIpAddresses',
    'eks:CreateAddon',
    'eks:CreatePodIdentityAssociation',
    'eks:DeleteAddon',
    'eks:DeletePodIdentityAssociation',
    'eks:UpdateAddon',
    'eks:UpdatePodIdentityAssociation',
    'events:PutEvents',
    'iam:PassRole',
    'kms:Decrypt',
    'kms:GenerateDataKey',
    'lambda:InvokeFunction',
    'logs:CreateLogDelivery',
    'logs:CreateLogStream',
    'logs:DeleteLogDelivery',
    'logs:PutLogEvents',
    'logs:UpdateLogDelivery',
    's3:AbortMultipartUpload',
    's3:PutObject',
    'sqs:SendMessage',
    'states:RedriveExecution',
    'states:SendTaskFailure',
    'states:SendTaskSuccess',
    'states:StartExecution',
    'states:StopExecution',
    'sts:AssumeRole',
    'xray:PutTelemetryRecords',
    'xray:PutTraceSegments',
  ],
  Tagging: ['eks:TagResource'],
  'Permissions management': ['iam:UpdateAssumeRolePolicy', 'logs:PutResourcePolicy'],
};

const ACCESS: ReadonlyMap<string, Access> = new Map(
  (Object.entries(LEVELS) as [Access, readonly string[]][]).flatMap(([access, actions]) =>
    actions.map((action): [string, Access] => [action, access]),
  ),
);

/** Returns undefined for an unknown action, and for an action with a wildcard. */
export const accessOf = (action: string): Access | undefined => ACCESS.get(action);

export const changes = (action: string): boolean => !['Read', 'List'].includes(accessOf(action) ?? '');

/** A right on every resource, because AWS supports nothing narrower for it. */
export interface Exception {
  readonly name: string;
  readonly actions: readonly string[];
  /** AWS's. */
  readonly reason: string;
}

/** All exceptions: no other action may have `*` as its resource. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    name: "EKS's catalogue",
    actions: ['eks:DescribeAddonConfiguration', 'eks:DescribeAddonVersions'],
    reason:
      'What they read belongs to no account: they have no resource type (Service Authorization Reference, Amazon EKS).',
  },
  {
    name: 'clusters',
    actions: ['eks:ListClusters'],
    reason: 'It has no resource type (Service Authorization Reference, Amazon EKS).',
  },
  {
    name: 'log delivery of Step Functions',
    actions: [
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
    ],
    reason:
      '"You need to specify * in the Resource field. CloudWatch API actions, such as CreateLogDelivery and DescribeLogGroups, do not support resource types defined by Amazon CloudWatch Logs" ' +
      '([Step Functions Developer Guide](https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html)). Step Functions itself calls them; no state does.',
  },
  {
    name: 'VPC interfaces',
    actions: [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ],
    reason:
      'The two that read have no resource type (Service Authorization Reference, Amazon EC2). For the others, Lambda checks whether the role has them before there is an interface to name: "include all resource IDs" ' +
      "([Lambda Developer Guide](https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html)); AWS's own policy for this, AWSLambdaVPCAccessExecutionRole, has all six on `*`. " +
      'Code may use none of them, since its calls carry `lambda:SourceFunctionArn` and those that Lambda makes for it do not ([Lambda Developer Guide](https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html)).',
  },
  {
    name: 'X-Ray',
    actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
    reason:
      "They have no resource type (Service Authorization Reference, AWS X-Ray); AWS's own policy for Step Functions has `*` too ([Step Functions Developer Guide](https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html)).",
  },
];

/** Returns undefined if the action supports something narrower than `*`. */
export const exceptionOf = (action: string): Exception | undefined =>
  EXCEPTIONS.find(({ actions }) => actions.includes(action));

const exceptional = (prefix: string): readonly string[] =>
  EXCEPTIONS.flatMap(({ actions }) => actions).filter((action) => action.startsWith(prefix));

/** A right that belongs to no step's grant: what AWS requires for logs, traces, or a service that starts another. */
export interface CommonRight {
  readonly actions: readonly string[];
  readonly why: string;
}

/** Rights of every Lambda in addition to its grants. */
export const OF_EVERY_LAMBDA: readonly CommonRight[] = [
  { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], why: 'writes its own log group' },
  { actions: exceptional('xray:Put'), why: 'sends its traces' },
];

/** Rights of a state machine's role. */
export const OF_STATE_MACHINES: readonly CommonRight[] = [
  { actions: ['lambda:InvokeFunction'], why: 'calls the Lambdas that its definition names, and no others' },
  { actions: exceptional('logs:'), why: 'Step Functions delivers its log' },
  { actions: exceptional('xray:'), why: 'Step Functions traces its executions' },
];

/** Rights of a role that EventBridge uses for a rule. */
export const OF_EVENT_RULES: readonly CommonRight[] = [
  { actions: ['states:StartExecution'], why: "starts the rule's target" },
];
