/**
 * Where a policy is right although the Service Authorization Reference does not have it so: each with the reason, and
 * each needed by some policy of the deployments that are held against it.
 */
import { EXCEPTIONS as ON_EVERY_RESOURCE } from '../../scripts/permissions/actions.ts';
import type { Exception } from './reference.ts';

const VPC = ON_EVERY_RESOURCE.find(({ name }) => name === 'VPC interfaces')!;

export const EXCEPTIONS: readonly Exception[] = [
  {
    mistake: 'resource',
    action: /^eks:TagResource$/,
    subject: /^arn:aws:eks:\*:\d{12}:\/create(addon|podidentityassociation)$/,
    reason:
      'A denial of December 2021 named the operation in place of a resource (rpadovani.com/eks-iam-permissions); whether AWS still asks so, nobody says (ADR 31).',
  },
  {
    mistake: 'resource',
    action: /^states:SendTask(Success|Failure)$/,
    subject: /^arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[\w-]+-(MigrateAddon|Retire)StateMachine\w+$/,
    reason:
      "The reference has no resource type for them. A real denial names the state machine's ARN (NOAA-OWP/hydrovis#837), tasks of Lambda were seen to be answered by a right on it (aws/aws-cdk#8486), and CDK's grantTaskResponse grants it: so the right is for these state machines, not for every task of the account.",
  },
  {
    mistake: 'resource',
    action: /^lambda:InvokeFunction$/,
    subject: /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+:(\*|\d+)$/,
    reason:
      'A version is called by the ARN of its function with its number: Lambda Developer Guide, "Resources and conditions for Lambda actions". The reference has functions alone.',
  },
  {
    mistake: 'resource',
    action: /^states:RedriveExecution$/,
    subject: /^arn:aws:states:[a-z0-9-]+:\d{12}:execution:[\w-]+\/locations:\*$/,
    reason:
      'Executions of a Distributed Map have its label after the state machine\'s name: Step Functions Developer Guide, "IAM policies for using Distributed Map states".',
  },
  { mistake: 'resource', action: new RegExp(`^(${VPC.actions.join('|')})$`), subject: /^\*$/, reason: VPC.reason },
  {
    mistake: 'operator',
    action: /^kms:/,
    subject: /^ArnLike kms:EncryptionContext:aws:/,
    reason:
      'These keys are text, whose values are ARNs: the AWS managed policy CloudWatchLogsAPIKeyAccess compares `kms:EncryptionContext:aws:logs:arn` by ArnLike, the CloudWatch Logs User Guide by ArnEquals.',
  },
  {
    mistake: 'key',
    action: /^kms:DescribeKey$/,
    subject: /^kms:EncryptionContext:aws:logs:arn$/,
    reason:
      'DescribeKey has no encryption context, so that this right never counts. The policy of a key that CloudWatch Logs asks for has it all the same: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".',
  },
];
