/** What a call asks authorization for, and its refusal. */
import type { Decision } from './decide.ts';

/** What one call wants: the action as policies write it, on which resource. */
export interface Asked {
  /** Such as `eks:CreateAddon`. */
  action: string;
  /**
   * ARN, or `*` where the action has no resource. A part that nobody knows before the call, such as an id, is `*` too.
   */
  resource: string;
  /** Condition keys of this call beside the global ones, such as `iam:PassedToService`. */
  context?: Record<string, string | readonly string[]>;
  /** How a refusal names the resource, where it is not by its ARN: IAM says `role NAME`. */
  named?: string;
  /**
   * What the resource's own policy says, where that has a say: of a role that is assumed its trust policy, of a bucket
   * the bucket's.
   */
  trust?: Trust;
}

/**
 * What a trust policy, or another one of a resource, says to a call, and whom it names where it allows it: that decides
 * what else has to.
 */
export interface Trust {
  decision: Decision;
  /** Whether a refusal says which policy it is for. That of a role that is assumed does not. */
  reasons?: boolean;
  /**
   * `session`: the caller's session itself, or everybody; what nothing else allows does no harm. `role`: its role;
   * identity policies need not allow it, a boundary and session policies still have to. `account`: its account, or it
   * is of another account; all the others have to allow it too.
   */
  names: 'session' | 'role' | 'account';
}

/** A call that was refused, with what AWS says of it. */
export interface Denial extends Asked {
  /** ARN of the role that called. */
  principalArn: string;
  decision: Exclude<Decision, 'allowed'>;
  /** `User: … is not authorized to perform: … on resource: … because …`. */
  message: string;
}
