/** Evaluates whether a role's trust policy allows a service account: through EKS Pod Identity, and through IRSA. */
import { irsaRequest, podIdentityRequests } from './contexts.ts';
import type { TrustUse } from './contexts.ts';
import type { ParsedPolicy, Statement } from './document.ts';
import { eachOnce, evaluate } from './evaluate.ts';
import type { Evaluation, PolicyRequest, Reason, Verdict } from './request.ts';
import { judgeStatement } from './statements.ts';
import { keysReadBy } from './variables.ts';

export interface TrustOptions {
  /** Condition keys that the caller accepts by name: an undecided condition on one of them does not count against the role. */
  acceptedKeys?: readonly string[];
}

/** The verdicts, worst first. */
const SEVERITY: readonly Verdict[] = ['invalid', 'denied', 'unknown', 'allowed'];
const severity = (verdict: Verdict): number => SEVERITY.indexOf(verdict);

/** Returns one reason for each statement. A reason that applies to every action of the requests names no action. */
function combineReasons(
  evaluations: readonly { action: string; reasons: readonly Reason[] }[],
  asked: number,
): Reason[] {
  const found = new Map<string, { reason: Reason; actions: Set<string> }>();
  for (const { action, reasons } of evaluations) {
    for (const { action: own = action, ...reason } of reasons) {
      const key = JSON.stringify(reason);
      const same = found.get(key) ?? { reason, actions: new Set<string>() };
      same.actions.add(own);
      found.set(key, same);
    }
  }
  return [...found.values()].flatMap(({ reason, actions }) =>
    actions.size === asked ? [reason] : [...actions].map((action) => ({ ...reason, action })),
  );
}

/**
 * Evaluates several requests, all of which must be allowed. The verdict is the worst verdict, and the reasons are those
 * of the requests that are not allowed, the worst first.
 */
function combine(policy: ParsedPolicy, requests: readonly PolicyRequest[], options: TrustOptions): Evaluation {
  const evaluations = requests
    .map((request) => ({ action: request.action, ...evaluate(policy, request, options) }))
    .sort((a, b) => severity(a.verdict) - severity(b.verdict));
  const verdict = evaluations[0]?.verdict ?? 'unknown';
  const decisive = evaluations.filter((one) => verdict === 'allowed' || one.verdict !== 'allowed');
  return {
    verdict,
    reasons: combineReasons(decisive, evaluations.length),
    undecided: verdict === 'unknown' ? eachOnce(evaluations.flatMap((one) => one.undecided)) : [],
    accepted: eachOnce(evaluations.flatMap((one) => one.accepted)),
    steps: evaluations.reduce((sum, one) => sum + one.steps, 0),
  };
}

/** Evaluates both sts:AssumeRole and sts:TagSession by EKS Auth. */
export const evaluatePodIdentity = (policy: ParsedPolicy, use: TrustUse, options: TrustOptions = {}): Evaluation =>
  combine(policy, podIdentityRequests(use), options);

/** Evaluates sts:AssumeRoleWithWebIdentity. The verdict is never `allowed` if the cluster's issuer is not known. */
export function evaluateIrsa(policy: ParsedPolicy, use: TrustUse, options: TrustOptions = {}): Evaluation {
  const evaluation = combine(policy, [irsaRequest(use)], options);
  if (use.oidcIssuer !== undefined || evaluation.verdict !== 'allowed') return evaluation;
  const message =
    "The cluster's OIDC issuer is not known, so access through its tokens cannot be evaluated. Specify the issuer to have it evaluated.";
  return { ...evaluation, verdict: 'unknown', reasons: [{ message }, ...evaluation.reasons] };
}

/** Evaluates a trust policy for a service account, before and after it moves to EKS Pod Identity. */
export const evaluateTrust = (
  policy: ParsedPolicy,
  use: TrustUse,
  options: TrustOptions = {},
): { podIdentity: Evaluation; irsa: Evaluation } => ({
  podIdentity: evaluatePodIdentity(policy, use, options),
  irsa: evaluateIrsa(policy, use, options),
});

/** Keys whose value is the same for every service account of every cluster of an account, in lower case. */
const SAME_FOR_ALL = new Set([
  'aws:principalservicename',
  'aws:resourceaccount',
  'aws:resourceorgid',
  'aws:sourceaccount',
  'aws:sourceorgid',
]);

/**
 * Returns the keys, as written, that the conditions read through policy variables and whose values depend on the service
 * account or its cluster. Such a condition compares parts of a request with each other: it names nobody.
 */
const keysReadIn = ({ conditions, version }: Statement): string[] =>
  conditions
    .flatMap(({ wanted }) => wanted.flatMap((text) => keysReadBy(text, version)))
    .filter((key) => !SAME_FOR_ALL.has(key.toLowerCase()));

const isAllow = ({ effect }: Statement): boolean => effect === 'Allow';

/** Returns the keys that an Allow reads through policy variables, of those that may apply to EKS Auth's calls for a use. */
export const keysReadForPodIdentity = (policy: ParsedPolicy, use: TrustUse): string[] =>
  eachOnce(
    (policy.valid ? policy.statements : [])
      .filter((statement) => isAllow(statement) && keysReadIn(statement).length > 0)
      .filter((statement) =>
        podIdentityRequests(use).some((request) => judgeStatement(statement, request, new Set()).truth !== 'no'),
      )
      .flatMap(keysReadIn),
  );

/** Returns the policy without each Deny that reads such keys, which allows at least what the policy allows. */
export const withoutDeniesByVariables = (policy: ParsedPolicy): ParsedPolicy =>
  policy.valid
    ? { ...policy, statements: policy.statements.filter((one) => isAllow(one) || keysReadIn(one).length === 0) }
    : policy;
