/** What a call needs authorization for, and the refusal of a call. */
import type { Decision } from './decide.ts';

/** The action of a call, as policies write it, and its resource. */
export interface Asked {
  /** Such as `eks:CreateAddon`. */
  action: string;
  /** ARN, or `*` if the action has no resource. A part that is unknown before the call, such as an id, is `*` too. */
  resource: string;
  /** Condition keys of this call in addition to the global ones, such as `iam:PassedToService`. */
  context?: Record<string, string | readonly string[]>;
  /** The name of the resource in a refusal, if that is not its ARN: IAM writes `role NAME`. */
  named?: string;
  /** The decision of the resource's own policy, if it has one: a role's trust policy, or a bucket's policy. */
  trust?: Trust;
}

/**
 * The decision of a trust policy, or of another resource-based policy, on a call. The principal that it names determines
 * which other policies must allow the call too.
 */
export interface Trust {
  decision: Decision;
  /** Whether a refusal names the policy that caused it. The refusal of AssumeRole does not. */
  reasons?: boolean;
  /**
   * `session`: the caller's session, or every principal; no other policy has to allow the call. `role`: the caller's
   * role; identity policies need not allow the call, but a permissions boundary and session policies must. `account`:
   * the caller's account, or the caller is from another account; all other policies must allow the call too.
   */
  names: 'session' | 'role' | 'account';
}

/** A refused call, with AWS's message. */
export interface Denial extends Asked {
  /** ARN of the role that called. */
  principalArn: string;
  decision: Exclude<Decision, 'allowed'>;
  /** `User: … is not authorized to perform: … on resource: … because …`. */
  message: string;
}
