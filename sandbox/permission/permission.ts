/** The permissions that a call requires, and how a denied call is reported. */
import type { Decision } from './decide.ts';

/** A permission that a call requires: an action, as policies write it, on a resource. */
export interface RequiredPermission {
  /** Such as `eks:CreateAddon`. */
  action: string;
  /** ARN, or `*` for an action without resource. A part that is unknown before the call, such as an id, is `*` too. */
  resource: string;
  /** Condition keys of this call in addition to the global ones, such as `iam:PassedToService`. */
  context?: Record<string, string | readonly string[]>;
  /** How the error names the resource, if not by its ARN: IAM writes `role NAME`. */
  named?: string;
  /**
   * Result of the resource's own policy, if it has one that counts: the trust policy of an assumed role, a bucket's
   * policy.
   */
  trust?: ResourcePolicyResult;
}

/**
 * The decision of a trust policy or another resource-based policy, and, if it allows the call, which principal it
 * names: this determines which other policies have to allow the call.
 */
export interface ResourcePolicyResult {
  decision: Decision;
  /** True if the error names the policy that denies. The error of AssumeRole does not. */
  reasons?: boolean;
  /**
   * `session`: the policy names the caller's session, or all principals; no other policy has to allow the call. `role`: it
   * names the caller's role; identity policies need not allow the call, but a permissions boundary and session policies
   * have to. `account`: it names the caller's account, or the resource is in another account; all other policies have
   * to allow the call, too.
   */
  names: 'session' | 'role' | 'account';
}

/** A denied call, with AWS's error message. */
export interface Denial extends RequiredPermission {
  /** ARN of the calling role. */
  principalArn: string;
  decision: Exclude<Decision, 'allowed'>;
  /** `User: … is not authorized to perform: … on resource: … because …`. */
  message: string;
}
