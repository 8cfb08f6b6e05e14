/**
 * Evaluates IAM policies for one request, in three-valued logic: what cannot be known in advance makes the verdict
 * `unknown`, unless other statements decide it. Source: IAM User Guide, "Policy evaluation logic".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import type { ParsedPolicy } from './document.ts';
import { appliesReason, nearReasons, otherActionReasons, principalName, undecidedReasons } from './reasons.ts';
import type { Evaluation, PolicyRequest, Reason, Verdict } from './request.ts';
import { judgeStatement, type StatementJudgement } from './statements.ts';
import type { Truth } from './truth.ts';

export interface EvaluateOptions {
  /**
   * Condition keys, in any case. An undecided condition on one of them counts as met in an Allow and as not met in a
   * Deny.
   */
  acceptedKeys?: readonly string[];
}

/** Returns each key once, ignoring case, as it first appears. */
export function eachOnce(keys: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const key of keys) if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), key);
  return [...found.values()];
}

type Judged = readonly StatementJudgement[];

const having = (judged: Judged, effect: 'Allow' | 'Deny', truth: Truth): StatementJudgement[] =>
  judged.filter((one) => one.statement.effect === effect && one.truth === truth);

/** A Deny overrides every Allow, and a request that nothing allows is denied. */
function verdictOf(judged: Judged): Verdict {
  const is = (effect: 'Allow' | 'Deny', truth: Truth): boolean => having(judged, effect, truth).length > 0;
  if (is('Deny', 'yes') || !(is('Allow', 'yes') || is('Allow', 'unknown'))) return 'denied';
  return is('Allow', 'yes') && !is('Deny', 'unknown') ? 'allowed' : 'unknown';
}

/**
 * Returns the statements that leave the verdict undecided: each Deny that may apply, and each Allow that may apply if
 * none certainly does.
 */
const openStatements = (judged: Judged): StatementJudgement[] => [
  ...having(judged, 'Deny', 'unknown'),
  ...(having(judged, 'Allow', 'yes').length > 0 ? [] : having(judged, 'Allow', 'unknown')),
];

function deniedReasons(judged: Judged, request: PolicyRequest): Reason[] {
  const denying = having(judged, 'Deny', 'yes');
  if (denying.length > 0) return denying.map((one) => appliesReason(one, request));
  const allows = judged.filter((one) => one.statement.effect === 'Allow');
  const near = allows.flatMap((one) => nearReasons(one, request));
  if (near.length > 0) return near;
  const none: Reason = {
    message: `no statement allows ${request.action} to ${principalName(request)}`,
    action: request.action,
  };
  return [none, ...allows.flatMap((one) => otherActionReasons(one, request))];
}

/**
 * Returns the keys without whose acceptance the request would not be allowed: those of each Allow, if none applies
 * without it, and those of each Deny that it excludes. Returns none if the request is allowed in any case.
 */
function acceptedKeys(judged: Judged): string[] {
  const allowing = having(judged, 'Allow', 'yes');
  const needed = allowing.some((one) => one.plain === 'yes') ? [] : allowing;
  const spared = having(judged, 'Deny', 'no').filter((one) => one.plain === 'unknown');
  return eachOnce(
    [...needed, ...spared].flatMap((one) => [...one.accepted].flatMap((condition) => condition.undecided)),
  );
}

const undecidedKeys = (open: Judged): string[] =>
  eachOnce(
    open.flatMap((one) =>
      one.conditions.filter((condition) => !one.accepted.has(condition)).flatMap((condition) => condition.undecided),
    ),
  );

/**
 * Evaluates several policies together: a Deny in any of them wins, and one invalid policy makes the verdict `invalid`.
 * `steps` is at most the length of the policies' text times the largest number of values that the request has for a key.
 */
export function evaluate(
  policies: ParsedPolicy | readonly ParsedPolicy[],
  request: PolicyRequest,
  options: EvaluateOptions = {},
): Evaluation {
  const parsed = 'valid' in policies ? [policies] : policies;
  const invalid = parsed.filter((policy) => !policy.valid);
  if (invalid.length > 0) {
    const reasons = invalid.map(({ path, reason }): Reason => ({
      message: `the policy is not valid: ${path}: ${reason}`,
      path,
    }));
    return { verdict: 'invalid', reasons, undecided: [], accepted: [], steps: 0 };
  }
  const keys = new Set((options.acceptedKeys ?? []).map((key) => key.toLowerCase()));
  const judged = parsed
    .flatMap((policy) => (policy.valid ? policy.statements : []))
    .map((statement) => judgeStatement(statement, request, keys));
  const verdict = verdictOf(judged);
  const open = verdict === 'unknown' ? openStatements(judged) : [];
  const reasons = {
    allowed: () => having(judged, 'Allow', 'yes').map((one) => appliesReason(one, request)),
    unknown: () => open.flatMap((one) => undecidedReasons(one, request)),
    denied: () => deniedReasons(judged, request),
    invalid: () => [],
  }[verdict]();
  return {
    verdict,
    reasons,
    undecided: undecidedKeys(open),
    accepted: verdict === 'allowed' ? acceptedKeys(judged) : [],
    steps: judged.reduce((sum, one) => sum + one.steps, 0),
  };
}
