/**
 * Evaluates resource-based policies of functions, topics and queues for calls by services and roles. Source: IAM User
 * Guide, "Identity-based policies and resource-based policies".
 */
import { closedWorld, evaluate, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { Authorizer } from './authorizer.ts';
import type { Denial } from '../permission/permission.ts';
import { denies } from '../permission/decide.ts';

/** The caller of a resource that has its own policy. */
export interface ResourceCaller {
  /** ARN of the calling role, or a service principal, such as `events.amazonaws.com`. */
  caller: string;
  /** For a service: ARN of the resource on whose behalf it calls, such as a rule. */
  sourceArn?: string;
}

export const isRole = ({ caller }: ResourceCaller): boolean => caller.startsWith('arn:');

/** A call: action and resource as policies write them. */
export interface ResourceCall {
  action: string;
  /** ARN. */
  resource: string;
  /** Condition keys of this call in addition to the global ones. */
  context?: Record<string, string | readonly string[]>;
}

const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/**
 * Returns the request with its condition keys. Source: EventBridge User Guide, "Using IAM policy conditions", for the
 * rule and its account; IAM User Guide, "AWS global condition context keys", for the others.
 */
const requestOf = (
  { caller, sourceArn }: ResourceCaller,
  { action, resource, context = {} }: ResourceCall,
): PolicyRequest => {
  const account = sourceArn === undefined ? undefined : accountOf(sourceArn);
  const lookUp = closedWorld({
    'aws:PrincipalIsAWSService': String(!caller.startsWith('arn:')),
    'aws:SecureTransport': 'true',
    ...(sourceArn === undefined ? {} : { 'aws:SourceArn': sourceArn }),
    ...(account === undefined ? {} : { 'aws:SourceAccount': account }),
    ...context,
  });
  // A policy that names an account means all of its roles.
  const principal = caller.startsWith('arn:')
    ? { type: 'AWS' as const, values: [accountOf(caller), caller] }
    : { type: 'Service' as const, values: [caller] };
  return { action, resource, principal, lookUp };
};

const record = (
  authorizer: Authorizer,
  { action, resource }: ResourceCall,
  { caller }: ResourceCaller,
  decision: Denial['decision'],
): Denial => {
  const reason =
    decision === 'explicitDeny'
      ? 'with an explicit deny in a resource-based policy'
      : `because no resource-based policy allows the ${action} action`;
  const denial: Denial = {
    action,
    resource,
    principalArn: caller,
    decision,
    message: `User: ${caller} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  };
  authorizer.denials.push(denial);
  return denial;
};

/**
 * Returns the denial of a service's call by the policies of the resource, and records it with the authorizer's other
 * denials; undefined if the call is allowed. The policies name principals; their `Resource` is up to the caller of this
 * function. The message is IAM's for resource-based policies; what EventBridge really gets is not documented.
 */
export const denialOfService = (
  authorizer: Authorizer,
  policies: readonly ParsedPolicy[],
  call: ResourceCall,
  caller: ResourceCaller,
): Denial | undefined => {
  const request = requestOf(caller, call);
  if (evaluate(policies, request).verdict === 'allowed') return undefined;
  return record(authorizer, call, caller, denies(policies, request) ? 'explicitDeny' : 'implicitDeny');
};

/**
 * Returns the denial of a role's call, by the role's own policies or by an explicit deny in the resource's policies;
 * undefined if the call is allowed. Within one account, the resource's policies need not allow the call; across
 * accounts they have to (IAM User Guide, "Cross-account policy evaluation logic").
 */
export const denialOfRole = (
  authorizer: Authorizer,
  policies: readonly ParsedPolicy[],
  call: ResourceCall,
  caller: ResourceCaller,
): Denial | undefined => {
  const [, , , region = ''] = call.resource.split(':');
  const denial = authorizer.authorize(
    { accessKeyId: '', principalArn: caller.caller, account: accountOf(caller.caller) },
    call,
    region,
  );
  if (denial) return denial;
  if (policies.length > 0 && denies(policies, requestOf(caller, call)))
    return record(authorizer, call, caller, 'explicitDeny');
  return isAllowed(policies, call, caller) ? undefined : record(authorizer, call, caller, 'implicitDeny');
};

/**
 * Returns whether the resource's policies permit a role whose own policies allow the call: always within one account; a
 * role of another account needs an Allow.
 */
export const isAllowed = (policies: readonly ParsedPolicy[], call: ResourceCall, caller: ResourceCaller): boolean =>
  accountOf(caller.caller) === accountOf(call.resource) ||
  (policies.length > 0 && evaluate(policies, requestOf(caller, call)).verdict === 'allowed');
