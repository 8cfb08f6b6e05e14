/** Evaluates a role's trust policy for a caller of AssumeRole, and determines which principal it names. */
import {
  type AssumeRoleCall,
  assumeRoleRequest,
  closedWorld,
  evaluate,
  type ParsedPolicy,
  type PolicyRequest,
} from '../../lambdas/domain/policy/index.ts';
import type { ResourcePolicyResult } from '../permission/permission.ts';
import { decide, trustPolicy } from '../permission/decide.ts';
import type { Caller } from '../http.ts';
import { roleTagKeys, seenTrustPolicy } from './roles.ts';
import type { RoleState, World } from '../world/world.ts';
import { principalKeys } from '../authorization/sessions.ts';

/** AssumeRole needs both permissions for a call with session tags. */
export type AssumeAction = 'sts:AssumeRole' | 'sts:TagSession';

/**
 * Returns which principal the statements that allow the call name. Within an account, according to the IAM User Guide,
 * "Policy evaluation logic" (the table of resource-based policies and implicit denies) and "AWS JSON policy elements:
 * Principal": a session, or `*`, needs no other permission; a role needs no identity policy; "when you specify an AWS
 * account", authority is delegated to the account. Across accounts, according to "Cross-account policy evaluation
 * logic", both sides have to allow the call, whichever principal is named.
 */
const namesOf = (
  policy: ParsedPolicy,
  request: PolicyRequest,
  { roleArn, sessionArn, account }: AssumeRoleCall,
  owner: string,
): ResourcePolicyResult['names'] => {
  if (!policy.valid || account !== owner) return 'account';
  // Denies were evaluated before, and NotPrincipal names no principal.
  const direct: ParsedPolicy = {
    ...policy,
    statements: policy.statements.filter(
      ({ effect, principals }) => effect === 'Allow' && principals?.negated === false,
    ),
  };
  const allows = (name: string): boolean =>
    evaluate(direct, { ...request, principal: { type: 'AWS', values: [name] } }).verdict === 'allowed';
  if (allows(sessionArn)) return 'session';
  return allows(roleArn) ? 'role' : 'account';
};

/**
 * Returns the decision of the trust policy that STS sees, which may be slightly older than IAM's. An undecidable
 * request is not allowed. `more`: further condition keys of the caller's session.
 */
export const trustOf = (
  world: World,
  role: RoleState,
  caller: Caller,
  call: AssumeRoleCall,
  action: AssumeAction,
  more: Record<string, string> = {},
): ResourcePolicyResult => {
  const policy = trustPolicy(seenTrustPolicy(world, role));
  const baseRequest = assumeRoleRequest(call, action);
  const own = closedWorld({ ...principalKeys(world, caller), ...roleTagKeys(role), ...more });
  const lookUp: PolicyRequest['lookUp'] = (key) => {
    const found = own(key);
    return found.state === 'absent' ? baseRequest.lookUp(key) : found;
  };
  const request: PolicyRequest = { ...baseRequest, lookUp };
  return { decision: decide([policy], request), names: namesOf(policy, request, call, role.arn.split(':')[4] ?? '') };
};
