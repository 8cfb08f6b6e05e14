/**
 * Acknowledges findings of cdk-nag that are intended, each at its construct and with a reason. The rules run only when
 * the command line synthesises (`bin/app.ts`) and in the tests.
 */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Grant } from './permissions/grant.ts';

/** Converts a resolved reference to the form that cdk-nag uses in a finding's id: `arn:<AWS::Partition>:eks:*`. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [[name, argument] = []] = Object.entries(value);
  if (name === 'Fn::Join' && Array.isArray(argument)) {
    const [separator, parts]: unknown[] = argument;
    return Array.isArray(parts) ? parts.map(flatten).join(String(separator)) : '';
  }
  if (name === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument.map(flatten).join('.')}>`;
  return name === 'Ref' ? `<${flatten(argument)}>` : JSON.stringify(value);
}

/** Acknowledges a resource with a wildcard in a role's policy. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  Validations.of(scope).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(resource))}]`,
    reason,
  });
}

const isOfEc2 = (action: string): boolean => action.startsWith('ec2:');

const wildcardReason = (resource: string, actions: readonly string[]): string => {
  if (resource === '*' && actions.every(isOfEc2))
    return "The AWS managed policy for functions in a VPC has these actions on every resource, because the network interfaces are created later; the functions' code may not use them.";
  if (resource === '*') return 'These actions do not support resource-level permissions.';
  if (/:s3:/.test(resource) || resource.includes('/sweeps/')) return 'The keys of objects contain the id of the sweep.';
  if (/:role\/pod-identity-migrator-[a-z-]+$/.test(resource))
    return 'The account is known only when a migration is requested; the condition names the accounts of the deployment.';
  if (/:execution:/.test(resource)) return 'The name of an execution is known only when it is started.';
  if (/:(cluster|addon|podidentityassociation)\//.test(resource))
    return 'The cluster, add-on and association are known only when a migration is requested.';
  return "The roles are known only when a migration is requested; roles that are passed or changed match the deployment's patterns.";
};

/** Acknowledges the wildcards of grants at the construct that has them in its policy, each with its reason. */
export function acknowledgeGrants(scope: IConstruct, grants: readonly Grant[]): void {
  const reasons = new Map<string, Map<string, Set<string>>>();
  for (const { resources, actions, why } of grants) {
    for (const resource of resources.filter((one) => one.includes('*'))) {
      const ofResource = reasons.get(resource) ?? new Map<string, Set<string>>();
      const reason = wildcardReason(resource, actions);
      reasons.set(
        resource,
        ofResource.set(reason, (ofResource.get(reason) ?? new Set()).add(`${actions.join(', ')}: ${why}`)),
      );
    }
  }
  for (const [resource, ofResource] of reasons)
    acknowledgeWildcard(
      scope,
      resource,
      [...ofResource].map(([reason, whys]) => `${reason} ${[...whys].join('; ')}.`).join(' '),
    );
}

/** Reason why a role that writes traces has the resource `*` for X-Ray's actions. */
export const WRITES_TRACES =
  'X-Ray does not support resource-level permissions for PutTraceSegments, PutTelemetryRecords and the sampling actions (Service Authorization Reference, AWS X-Ray)';
/** Reason why the role of a state machine with a log has the resource `*` too. */
export const DELIVERS_LOGS =
  'the actions of log delivery do not support resource-level permissions (Step Functions Developer Guide, "Using CloudWatch Logs to log execution history")';
