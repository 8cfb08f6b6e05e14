/** Evaluates policies for one request, with IAM's names for the decisions. */
import {
  evaluate,
  type KeyState,
  matchesWildcard,
  type ParsedPolicy,
  parsePolicy,
  type PolicyRequest,
  type Statement,
} from '../../lambdas/domain/policy/index.ts';

/** Limits the caches, which outlive a world: the roles of most worlds have the same policies. */
const MOST_REMEMBERED = 2000;

/** IAM API reference, EvaluationResult.EvalDecision. */
export type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

/** Allows everything, so that only an explicit deny can deny a request. */
const EVERYTHING = parsePolicy(
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
  'identity',
);

/** Returns whether a statement applies to an action, given in lower case. */
const appliesTo = ({ action: { patterns, negated } }: Statement, action: string): boolean =>
  patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), action)) !== negated;

/**
 * Policies reduced to the statements that apply to an action, by policy and action. A cache: most statements of a role
 * are for other actions, and the same actions are evaluated repeatedly.
 */
const narrowed = new WeakMap<ParsedPolicy, Map<string, ParsedPolicy>>();

const reduced = (policy: ParsedPolicy, action: string): ParsedPolicy => {
  if (!policy.valid) return policy;
  const known = narrowed.get(policy) ?? new Map<string, ParsedPolicy>();
  narrowed.set(policy, known);
  const wanted = action.toLowerCase();
  const found = known.get(wanted) ?? {
    ...policy,
    statements: policy.statements.filter((statement) => appliesTo(statement, wanted)),
  };
  known.set(wanted, found);
  return found;
};

/** Returns whether one of the policies has an explicit deny for the request. */
export const denies = (policies: readonly ParsedPolicy[], request: PolicyRequest): boolean =>
  evaluate([...policies, EVERYTHING], request).verdict === 'denied';

const evaluateUncached = (policies: readonly ParsedPolicy[], request: PolicyRequest): Decision => {
  const relevant = policies.map((policy) => reduced(policy, request.action));
  if (evaluate(relevant, request).verdict === 'allowed') return 'allowed';
  return denies(relevant, request) ? 'explicitDeny' : 'implicitDeny';
};

/** A decision, with the condition keys that were looked up and their states. */
interface Remembered {
  keys: readonly (readonly [key: string, state: KeyState])[];
  decision: Decision;
}

const isSame = (a: KeyState, b: KeyState): boolean =>
  a.state === b.state &&
  (a.state !== 'values' ||
    b.state !== 'values' ||
    (a.values.length === b.values.length && a.values.every((value, index) => value === b.values[index])));

/** The decisions of a list of policies for an action on a resource. */
interface Entry {
  policies: readonly ParsedPolicy[];
  known: Remembered[];
}
/** Cached decisions by the first policy, then by action, then by resource. */
const decisions = new WeakMap<ParsedPolicy, Map<string, Map<string | undefined, Entry>>>();

const isSameList = (a: readonly ParsedPolicy[], b: readonly ParsedPolicy[]): boolean =>
  a === b || (a.length === b.length && a.every((policy, index) => policy === b[index]));

/** Returns the entry for a request; an empty one if there is none for these policies. */
const entryOf = (first: ParsedPolicy, policies: readonly ParsedPolicy[], request: PolicyRequest): Entry => {
  const byAction = decisions.get(first) ?? new Map<string, Map<string | undefined, Entry>>();
  decisions.set(first, byAction);
  const byResource = byAction.get(request.action) ?? new Map<string | undefined, Entry>();
  byAction.set(request.action, byResource);
  const found = byResource.get(request.resource);
  if (found && isSameList(found.policies, policies)) return found;
  if (byResource.size >= MOST_REMEMBERED) byResource.clear();
  const entry: Entry = { policies, known: [] };
  byResource.set(request.resource, entry);
  return entry;
};
/** Limits the entries of one call: with keys that differ each time, such as the current time, caching gains nothing. */
const MOST_VARIANTS = 4;

/**
 * Returns the decision of policies for a request. An undecidable request is not allowed. The decision is cached for as
 * long as the condition keys that it depends on have the same values.
 */
export const decide = (policies: readonly ParsedPolicy[], request: PolicyRequest): Decision => {
  const [first] = policies;
  if (!first || request.principal) return evaluateUncached(policies, request);
  const entry = entryOf(first, policies, request);
  const found = entry.known.find(({ keys }) => keys.every(([key, state]) => isSame(state, request.lookUp(key))));
  if (found) return found.decision;
  const keys = new Map<string, KeyState>();
  const lookUp = (key: string): KeyState => {
    const state = request.lookUp(key);
    keys.set(key, state);
    return state;
  };
  const decision = evaluateUncached(policies, { ...request, lookUp });
  if (entry.known.length >= MOST_VARIANTS) entry.known.shift();
  entry.known.push({ keys: [...keys], decision });
  return decision;
};

/** Returns a function that parses policies; each text is parsed once. */
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

/** Parses an identity policy or a session policy. */
export const identityPolicy = reader('identity');
/** Parses a trust policy. */
export const trustPolicy = reader('trust');
