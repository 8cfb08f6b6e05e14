import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/**
 * End of the source ARN that each service passes when it uses a role. It has a wildcard, because the role is created
 * before the resource.
 */
const SOURCES = {
  states: 'stateMachine:*',
  events: 'rule/*',
  ssm: 'automation-execution/*',
  scheduler: 'schedule-group/default',
} as const;

/**
 * Creates the role of a state machine, a rule, a schedule or a runbook of this account and region. Resources of other
 * accounts cannot use it by naming it. Source: Step Functions Developer Guide, "Prevent cross-service confused deputy
 * issue"; EventBridge User Guide, "Using IAM policy conditions"; Systems Manager User Guide, "Create the service roles
 * for Automation"; EventBridge Scheduler User Guide, "Prevent confused deputy": the group's ARN, not the schedule's.
 */
export function serviceRole(
  scope: Construct,
  id: string,
  service: keyof typeof SOURCES,
  description: string,
  roleName?: string,
): iam.Role {
  const source = `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${SOURCES[service]}`;
  const conditions = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID }, ArnLike: { 'aws:SourceArn': source } };
  return new iam.Role(scope, id, {
    description,
    ...(roleName === undefined ? {} : { roleName }),
    assumedBy: new iam.ServicePrincipal(`${service}.amazonaws.com`, { conditions }),
  });
}
