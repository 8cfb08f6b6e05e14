/** What a policy is asked: who wants to do what, and what is known beforehand about the call. */

/** Of the caller's principal, every name that a policy may know it by: a role's ARN, its session's, its account. */
export interface Principal {
  type: 'Service' | 'Federated' | 'AWS';
  values: string[];
}

/**
 * A condition key of the request. `values`: its values, one for a key that has a single one. `absent`: such a request
 * never has it. `present`: it has one, which nobody knows beforehand. `unknown`: not even that is known.
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
   * Absent for an identity policy, which is its owner's; `unknown`: it is known by type alone, such as some OIDC
   * provider.
   */
  principal?: Principal | { type: Principal['type']; unknown: string };
  /** Absent where the policy belongs to the resource itself, as a trust policy does. */
  resource?: string;
  /** By the key's name in lower case. */
  lookUp: (key: string) => KeyState;
}

export type Verdict = 'allowed' | 'denied' | 'unknown' | 'invalid';

/**
 * Why a verdict is what it is. `message` says all of it in one sentence; the other fields are there where they apply.
 */
export interface Reason {
  message: string;
  /** `Sid`, or `statement N` counted from 1. */
  statement?: string;
  effect?: 'Allow' | 'Deny';
  action?: string;
  operator?: string;
  key?: string;
  /** What the policy wants. */
  wanted?: string[];
  /** What the request has; absent where it is not known, empty where the key is not there. */
  found?: string[];
  /** Of an invalid policy: where, such as `Statement[2].Condition.StringEquals` or `line 3, column 7`. */
  path?: string;
}

export interface Evaluation {
  verdict: Verdict;
  reasons: Reason[];
  /** Keys whose value would decide it, each once, as the policy writes them; for `unknown` alone. */
  undecided: string[];
  /** Keys that the caller accepted by name, and that the verdict rests on. */
  accepted: string[];
  /** Comparisons that it took: bounded by the length of the policy. */
  steps: number;
}
