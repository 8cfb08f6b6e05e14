/** A call that needs authorisation, and how a denied one is reported. */
import type { Decision } from './decide.ts';

/** The authorisation that a call needs: an action, as policies write it, on a resource. */
export interface Asked {
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
  trust?: Trust;
}

/**
 * The decision of a trust policy or another resource-based policy, and, if it allows the call, which principal it
 * names: this determines which other policies have to allow the call.
 */
export interface Trust {
  decision: Decision;
  /** True if the error names the policy that denies. The error of AssumeRole does not. */
  reasons?: boolean;
  /**
   * `session`: the policy names the caller's session, or everybody; no other policy has to allow the call. `role`: it
   * names the caller's role; identity policies need not allow the call, but a permissions boundary and session policies
   * have to. `account`: it names the caller's account, or the resource is in another account; all other policies have
   * to allow the call, too.
   */
  names: 'session' | 'role' | 'account';
}

/** A denied call, with AWS's error message. */
export interface Denial extends Asked {
  /** ARN of the calling role. */
  principalArn: string;
  decision: Exclude<Decision, 'allowed'>;
  /** `User: … is not authorized to perform: … on resource: … because …`. */
  message: string;
}
