/**
 * What a resource's own policy says to a service that calls for somebody: of a function, a topic, a queue. Source: IAM
 * User Guide, "Identity-based policies and resource-based policies".
 */
import { closedWorld, evaluate, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { Authorizer, Denial } from './authorizer.ts';
import { denies } from './decide.ts';

/** Who calls a resource that has a policy of its own. */
export interface ResourceCaller {
  /** ARN of the role that calls, or a service's principal, such as `events.amazonaws.com`. */
  caller: string;
  /** Of a service: what it calls for, such as a rule. */
  sourceArn?: string;
}

export const isRole = ({ caller }: ResourceCaller): boolean => caller.startsWith('arn:');

/** One call: the action on the resource, as policies write them. */
export interface ResourceCall {
  action: string;
  /** ARN. */
  resource: string;
  /** Condition keys of this call beside the global ones. */
  context?: Record<string, string | readonly string[]>;
}

const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/**
 * EventBridge User Guide, "Using IAM policy conditions": the rule and its account; IAM User Guide, "AWS global
 * condition context keys", for the others.
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
  // Whoever names an account means all of its roles.
  const principal = caller.startsWith('arn:')
    ? { type: 'AWS' as const, values: [accountOf(caller), caller] }
    : { type: 'Service' as const, values: [caller] };
  return { action, resource, principal, lookUp };
};

const noted = (
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
 * The refusal of a service by the policies of the resource, which name principals and whose `Resource` is left to
 * whoever asks. Noted with the authorizer's other denials. Its text is IAM's for a resource's policy; nobody shows what
 * EventBridge gets.
 */
export const denialOfService = (
  authorizer: Authorizer,
  policies: readonly ParsedPolicy[],
  call: ResourceCall,
  caller: ResourceCaller,
): Denial | undefined => {
  const request = requestOf(caller, call);
  if (evaluate(policies, request).verdict === 'allowed') return undefined;
  return noted(authorizer, call, caller, denies(policies, request) ? 'explicitDeny' : 'implicitDeny');
};

/**
 * The refusal of a role: by its own policies, or by a Deny of the resource's. Within one account those of the resource
 * need not allow it too; in another one they have to (IAM User Guide, "Cross-account policy evaluation logic").
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
    return noted(authorizer, call, caller, 'explicitDeny');
  return isLetIn(policies, call, caller) ? undefined : noted(authorizer, call, caller, 'implicitDeny');
};

/**
 * Whether the resource's policies let a role in that has the right by its own: they have to where it is of another
 * account.
 */
export const isLetIn = (policies: readonly ParsedPolicy[], call: ResourceCall, caller: ResourceCaller): boolean =>
  accountOf(caller.caller) === accountOf(call.resource) ||
  (policies.length > 0 && evaluate(policies, requestOf(caller, call)).verdict === 'allowed');
