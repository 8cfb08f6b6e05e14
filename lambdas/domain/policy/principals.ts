/**
 * Evaluates whether a statement names the principal of a request.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal" and "… NotPrincipal".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
import type { Principals } from './document.ts';
import type { PolicyRequest, Principal } from './request.ts';
import { not, type Truth } from './truth.ts';

export interface PrincipalJudgement {
  truth: Truth;
  /** The reason for `unknown`. */
  why?: string;
  steps: number;
}

/** An account's ID and the ARN of its root user "behave the same way". */
const accountOf = (name: string): string => /^arn:[^:]+:iam::(\d{12}):root$/.exec(name)?.[1] ?? name;

/**
 * "You cannot use a wildcard to match part of a principal name or ARN". IAM rejects this form, so it names no principal.
 */
const isPartial = (name: string): boolean => /[*?]/.test(name);

interface Named {
  /** How many of the principal's distinct names the policy has. */
  hits: number;
  of: number;
  /** A name whose meaning is not documented: a wildcard that IAM rejects, or a `*` for a type other than `AWS`. */
  odd?: string;
  steps: number;
}

function lookFor(principal: Principal, names: readonly string[]): Named {
  const own = new Set(principal.values.map(accountOf));
  const listed = new Set(names.map(accountOf));
  const odd = names.find(isPartial);
  return {
    hits: [...own].filter((name) => listed.has(name)).length,
    of: own.size,
    ...(odd === undefined ? {} : { odd }),
    steps: names.length,
  };
}

/** Evaluates `Principal`, where one of the principal's names is enough. */
function isNamed({ hits, odd, steps }: Named): PrincipalJudgement {
  if (hits > 0) return { truth: 'yes', steps };
  return odd === '*'
    ? { truth: 'unknown', why: 'a * for this principal type is not documented', steps }
    : { truth: 'no', steps };
}

/**
 * Evaluates `NotPrincipal`, which only a Deny can have: every principal that is not named. For a role's session, "AWS
 * might validate the account first, then the role, and then the assumed-role user". So a Deny that excludes some of the
 * names but not all may apply or not.
 */
function isNotNamed({ hits, of, odd, steps }: Named): PrincipalJudgement {
  if (hits > 0 && hits < of)
    return {
      truth: 'unknown',
      why: 'NotPrincipal names the principal in part: its account, role and session must all be named',
      steps,
    };
  if (hits > 0) return { truth: 'no', steps };
  return odd === undefined
    ? { truth: 'yes', steps }
    : { truth: 'unknown', why: `NotPrincipal has ${odd}, a wildcard that is not documented`, steps };
}

/**
 * Evaluates the principal of a statement. `*` and `{"AWS": "*"}` match every principal, including services: a Deny with
 * them excludes services by aws:PrincipalIsAWSService.
 */
export function judgePrincipal(principals: Principals, request: PolicyRequest): PrincipalJudgement {
  const everybody: Truth = 'yes';
  if (principals.everybody) return { truth: principals.negated ? not(everybody) : everybody, steps: 1 };
  const { principal } = request;
  if (!principal) return { truth: 'unknown', why: 'the principal of the request is not known', steps: 1 };
  const names = principals.named.get(principal.type) ?? [];
  if ('unknown' in principal) {
    if (names.length === 0) return { truth: principals.negated ? 'yes' : 'no', steps: 1 };
    return {
      truth: 'unknown',
      why: `whether ${principal.unknown} is ${names.slice(0, 3).join(' or ')} is not known in advance`,
      steps: 1,
    };
  }
  const named = lookFor(principal, names);
  return principals.negated ? isNotNamed(named) : isNamed(named);
}
