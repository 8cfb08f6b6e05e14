/** The input of an evaluation: the principal, the action, and what is known in advance about the call. */

/** The caller, by every name that a policy may use for it: a role's ARN, its session's ARN, its account. */
export interface Principal {
  type: 'Service' | 'Federated' | 'AWS';
  values: string[];
}

/**
 * A condition key of the request. `values`: its values, one for a single-valued key. `absent`: the request never has
 * the key. `present`: it has a value that is not known in advance. `unknown`: not even its presence is known.
 */
export type KeyState =
  | { state: 'values'; values: readonly string[] }
  | { state: 'absent' }
  | { state: 'present' }
  | { state: 'unknown' };

export interface PolicyRequest {
  /** Such as `sts:AssumeRole`. */
  action: string;
  /**
   * Absent for an identity policy, whose principal is the identity that has it. `unknown`: only the type is known, such
   * as some OIDC provider.
   */
  principal?: Principal | { type: Principal['type']; unknown: string };
  /** Absent if the policy belongs to the resource itself, as a trust policy does. */
  resource?: string;
  /** Looks up a key by its name in lower case. */
  lookUp: (key: string) => KeyState;
}

export type Verdict = 'allowed' | 'denied' | 'unknown' | 'invalid';

/**
 * A reason for a verdict. `message` has all of it in one sentence; the other fields are present if they apply.
 */
export interface Reason {
  message: string;
  /** The `Sid`, or `statement N`, counted from 1. */
  statement?: string;
  effect?: 'Allow' | 'Deny';
  action?: string;
  operator?: string;
  key?: string;
  /** The values that the policy requires. */
  wanted?: string[];
  /** The values of the request: absent if they are not known, empty if it does not have the key. */
  found?: string[];
  /** Position in an invalid policy, such as `Statement[2].Condition.StringEquals` or `line 3, column 7`. */
  path?: string;
}

export interface Evaluation {
  verdict: Verdict;
  reasons: Reason[];
  /** For `unknown`: the keys whose values would decide it, each once, as written in the policy. */
  undecided: string[];
  /** Keys that the caller accepted by name and on which the verdict depends. */
  accepted: string[];
  /** Number of comparisons, which is bounded by the length of the policy. */
  steps: number;
}
