/** What a role's trust policy says to a caller of AssumeRole, and whom it names where it lets the caller in. */
import {
  type AssumeRoleCall,
  assumeRoleRequest,
  closedWorld,
  evaluate,
  type ParsedPolicy,
  type PolicyRequest,
} from '../../lambdas/domain/policy/index.ts';
import type { Trust } from '../authorization/authorizer.ts';
import { decide, trustPolicy } from '../authorization/decide.ts';
import type { Caller } from '../http.ts';
import { roleTagKeys } from '../iam/authorization.ts';
import { seenTrustPolicy } from '../iam/seen-trust.ts';
import type { RoleState, World } from '../world/world.ts';
import { principalKeys } from './sessions.ts';

/** AssumeRole wants both of a call that has session tags. */
export type AssumeAction = 'sts:AssumeRole' | 'sts:TagSession';

/**
 * Whom the statements that let the caller in name. Within an account, by IAM User Guide, "Policy evaluation logic" (the
 * table of resource-based policies and implicit denies) and "AWS JSON policy elements: Principal": who is named as a
 * session, or by `*`, needs nothing else; who is named as a role needs no identity policy; "when you specify an AWS
 * account", authority is delegated to it. Across accounts, by "Cross-account policy evaluation logic", both sides have
 * to allow it, whoever is named.
 */
const namesOf = (
  policy: ParsedPolicy,
  request: PolicyRequest,
  { roleArn, sessionArn, account }: AssumeRoleCall,
  owner: string,
): Trust['names'] => {
  if (!policy.valid || account !== owner) return 'account';
  // Denies have been looked at, and NotPrincipal names nobody.
  const direct: ParsedPolicy = {
    ...policy,
    statements: policy.statements.filter(
      ({ effect, principals }) => effect === 'Allow' && principals?.negated === false,
    ),
  };
  const lets = (name: string): boolean =>
    evaluate(direct, { ...request, principal: { type: 'AWS', values: [name] } }).verdict === 'allowed';
  if (lets(sessionArn)) return 'session';
  return lets(roleArn) ? 'role' : 'account';
};

/**
 * By the trust policy that STS sees, which may be a little older than IAM's. One that can't be decided lets nobody in.
 */
export const trustOf = (
  world: World,
  role: RoleState,
  caller: Caller,
  call: AssumeRoleCall,
  action: AssumeAction,
): Trust => {
  const policy = trustPolicy(seenTrustPolicy(world, role));
  const asked = assumeRoleRequest(call, action);
  const own = closedWorld({ ...principalKeys(world, caller), ...roleTagKeys(role) });
  const lookUp: PolicyRequest['lookUp'] = (key) => {
    const found = own(key);
    return found.state === 'absent' ? asked.lookUp(key) : found;
  };
  const request: PolicyRequest = { ...asked, lookUp };
  return { decision: decide([policy], request), names: namesOf(policy, request, call, role.arn.split(':')[4] ?? '') };
};
