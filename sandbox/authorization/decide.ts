/** What policies say to one request, as IAM names the decision. */
import {
  evaluate,
  type KeyState,
  matchesWildcard,
  type ParsedPolicy,
  parsePolicy,
  type PolicyRequest,
  type Statement,
} from '../../lambdas/domain/policy/index.ts';

/** Worlds come and go, and their roles say the same. */
const MOST_REMEMBERED = 2000;

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

const decideAnew = (policies: readonly ParsedPolicy[], request: PolicyRequest): Decision => {
  const relevant = policies.map((policy) => about(policy, request.action));
  if (evaluate(relevant, request).verdict === 'allowed') return 'allowed';
  return denies(relevant, request) ? 'explicitDeny' : 'implicitDeny';
};

/** A decision, and what it rested on: the condition keys that were looked up, and what they had. */
interface Remembered {
  keys: readonly (readonly [key: string, state: KeyState])[];
  decision: Decision;
}

const isSame = (a: KeyState, b: KeyState): boolean =>
  a.state === b.state &&
  (a.state !== 'values' ||
    b.state !== 'values' ||
    (a.values.length === b.values.length && a.values.every((value, index) => value === b.values[index])));

/** By the policies, in order; in each by action and resource. */
const decisions = new WeakMap<ParsedPolicy, Map<string, { others: readonly ParsedPolicy[]; known: Remembered[] }>>();
/** Where keys differ each time, such as the time of day, nothing is gained. */
const MOST_VARIANTS = 4;

/** What can't be decided is not allowed. The same call is judged once, as long as the keys that count are the same. */
export const decide = (policies: readonly ParsedPolicy[], request: PolicyRequest): Decision => {
  const [first, ...others] = policies;
  if (!first || request.principal) return decideAnew(policies, request);
  const byCall = decisions.get(first) ?? new Map<string, { others: readonly ParsedPolicy[]; known: Remembered[] }>();
  decisions.set(first, byCall);
  const call = `${request.action} ${request.resource ?? ''}`;
  let entry = byCall.get(call);
  if (
    !entry ||
    entry.others.length !== others.length ||
    entry.others.some((policy, index) => policy !== others[index])
  ) {
    entry = { others, known: [] };
    if (byCall.size >= MOST_REMEMBERED) byCall.clear();
    byCall.set(call, entry);
  }
  const found = entry.known.find(({ keys }) => keys.every(([key, state]) => isSame(state, request.lookUp(key))));
  if (found) return found.decision;
  const keys = new Map<string, KeyState>();
  const lookUp = (key: string): KeyState => {
    const state = request.lookUp(key);
    keys.set(key, state);
    return state;
  };
  const decision = decideAnew(policies, { ...request, lookUp });
  if (entry.known.length >= MOST_VARIANTS) entry.known.shift();
  entry.known.push({ keys: [...keys], decision });
  return decision;
};

/** Policies of JSON texts; each text is read once. */
const reader = (kind: 'identity' | 'trust'): ((text: string) => ParsedPolicy) => {
  const remembered = new Map<string, ParsedPolicy>();
  return (text) => {
    const known = remembered.get(text);
    if (known) return known;
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    const policy = parsePolicy(text, kind);
    remembered.set(text, policy);
    return policy;
  };
};

/** A role's or a session's policy. */
export const identityPolicy = reader('identity');
/** A role's trust policy. */
export const trustPolicy = reader('trust');
