import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/**
 * What each service says that it uses a role for, as its ARN ends: a role is made before the resource that it is for.
 */
const SOURCES = {
  states: 'stateMachine:*',
  events: 'rule/*',
  ssm: 'automation-execution/*',
  scheduler: 'schedule-group/default',
} as const;

/**
 * The role of a state machine, a rule, a schedule or a runbook of this account and region: nobody else's can use it by
 * naming it. Source: Step Functions Developer Guide, "Prevent cross-service confused deputy issue"; EventBridge User
 * Guide, "Using IAM policy conditions"; Systems Manager User Guide, "Create the service roles for Automation";
 * EventBridge Scheduler User Guide, "Prevent confused deputy": the group's ARN, not the schedule's.
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
