/** What policies say to one request, as IAM names the decision. */
import { parsePolicy } from '../../lambdas/domain/policy/document.ts';
import type { ParsedPolicy, Statement } from '../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../lambdas/domain/policy/evaluate.ts';
import type { PolicyRequest } from '../../lambdas/domain/policy/request.ts';
import { matchesWildcard } from '../../lambdas/domain/policy/wildcard.ts';

/** IAM API reference, EvaluationResult.EvalDecision. */
export type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

/** Under which only a Deny still denies. */
const EVERYTHING = parsePolicy(
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
  'identity',
);

/** Whether a statement speaks of that action, in lower case: one that does not can't decide anything. */
const speaksOf = ({ action: { patterns, negated } }: Statement, action: string): boolean =>
  patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), action)) !== negated;

/**
 * Of a policy and an action: the policy with the statements that speak of it. Most of a role's statements are of other
 * actions, and the same ones are asked again and again.
 */
const narrowed = new WeakMap<ParsedPolicy, Map<string, ParsedPolicy>>();

const about = (policy: ParsedPolicy, action: string): ParsedPolicy => {
  if (!policy.valid) return policy;
  const known = narrowed.get(policy) ?? new Map<string, ParsedPolicy>();
  narrowed.set(policy, known);
  const wanted = action.toLowerCase();
  const found = known.get(wanted) ?? {
    ...policy,
    statements: policy.statements.filter((statement) => speaksOf(statement, wanted)),
  };
  known.set(wanted, found);
  return found;
};

/** Whether one of them denies it whatever else allows it. */
export const denies = (policies: readonly ParsedPolicy[], request: PolicyRequest): boolean =>
  evaluate([...policies, EVERYTHING], request).verdict === 'denied';

/** What can't be decided is not allowed. */
export const decide = (policies: readonly ParsedPolicy[], request: PolicyRequest): Decision => {
  const relevant = policies.map((policy) => about(policy, request.action));
  if (evaluate(relevant, request).verdict === 'allowed') return 'allowed';
  return denies(relevant, request) ? 'explicitDeny' : 'implicitDeny';
};

/** Worlds come and go, and their roles say the same. */
const MOST_REMEMBERED = 2000;
const remembered = new Map<string, ParsedPolicy>();

/** A role's or a session's policy of that JSON text; each text is read once. */
export const identityPolicy = (text: string): ParsedPolicy => {
  const known = remembered.get(text);
  if (known) return known;
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  const policy = parsePolicy(text, 'identity');
  remembered.set(text, policy);
  return policy;
};
