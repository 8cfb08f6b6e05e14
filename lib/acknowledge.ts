/**
 * Where cdk-nag finds something that is meant so: each is acknowledged at its construct, with its reason. The rules
 * themselves are only run where the command line synthesises (`bin/app.ts`) and in the tests.
 */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Grant } from './permissions/grant.ts';

/** A resolved reference as cdk-nag writes it in a finding's id: `arn:<AWS::Partition>:eks:*`. */
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

/** Acknowledges that a role's policy has these resources, ARNs with a wildcard or `*`, and no others. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  Validations.of(scope).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(resource))}]`,
    reason,
  });
}

const isOfEc2 = (action: string): boolean => action.startsWith('ec2:');

const wildcardReason = (resource: string, actions: readonly string[]): string => {
  if (resource === '*' && actions.every(isOfEc2))
    return "AWS's own policy for functions in a VPC has these actions on every resource, since their interfaces are made later; the functions' code may not use them.";
  if (resource === '*') return 'IAM knows no resource for these actions.';
  if (/:s3:/.test(resource) || resource.includes('/sweeps/'))
    return 'Objects are named by their sweep, and by what was found.';
  if (/:role\/pod-identity-migrator-[a-z-]+$/.test(resource))
    return 'Which account it is in is known only when a migration is asked for; the condition names those that the deployment was made for.';
  if (/:execution:/.test(resource)) return 'An execution has its name only when it is started.';
  if (/:(cluster|addon|podidentityassociation)\//.test(resource))
    return 'Which cluster, add-on and association it is for is known only when a migration is asked for.';
  return 'Which roles it is for is known only when a migration is asked for; those that are passed or changed are within the patterns that the deployment names.';
};

/**
 * Acknowledges the wildcards of these grants at the construct that has them in its policy, each with what it is for.
 */
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

/** X-Ray's own actions: the reason why a role that writes traces has the resource `*`. */
export const WRITES_TRACES =
  'X-Ray knows no resource for PutTraceSegments, PutTelemetryRecords and what a sampler reads (Service Authorization Reference, AWS X-Ray)';
/** The reason why the role of a state machine that writes a log has it too. */
export const DELIVERS_LOGS =
  'the actions of log delivery know no resource (Step Functions Developer Guide, "Using CloudWatch Logs to log execution history")';
