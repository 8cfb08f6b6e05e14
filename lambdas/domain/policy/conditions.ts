/**
 * Evaluates whether a request meets a condition. Source: IAM User Guide, "Condition operators" and "Single-valued vs.
 * multivalued context keys".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
import type { Condition, PolicyVersion } from './document.ts';
import { isMultivalued } from './keys.ts';
import { findOperator, type Comparison, type NamedOperator, type Operator, type Qualifier } from './operators.ts';
import type { PolicyRequest } from './request.ts';
import { all, any, not, type Truth } from './truth.ts';
import { readBoolean } from './values.ts';
import { hasVariables, resolve } from './variables.ts';

export interface ConditionJudgement {
  condition: Condition;
  truth: Truth;
  /** For `unknown`: the keys whose value would decide it, or on which it depends in another way. */
  undecided: string[];
  /** For `unknown`: the reason, if it is not just that the key's value cannot be known. */
  why?: string;
  /** The request's values: empty if it has none, absent if that is not known. */
  found?: readonly string[];
  /** Number of comparisons. */
  steps: number;
}

type Outcome = Omit<ConditionJudgement, 'condition' | 'steps'>;

const decided = (truth: boolean, found?: readonly string[]): Outcome => ({
  truth: truth ? 'yes' : 'no',
  undecided: [],
  ...(found ? { found } : {}),
});

/** The comparison with the values of a condition, or why it is not possible. */
type Wanted = { compare: (found: string) => Truth; undecided: string[]; why?: string } | { unreadable: string };

/**
 * Reads the values of a condition once. One unreadable value leaves the whole condition undecided, since what IAM does
 * with it is not documented.
 */
function readWanted(
  { wanted, operator: name }: Condition,
  operator: Operator,
  version: PolicyVersion,
  request: PolicyRequest,
): Wanted {
  const comparisons: Comparison[] = [];
  const undecided: string[] = [];
  let why: string | undefined;
  for (const text of wanted) {
    if (hasVariables(text, version) && !operator.takesVariables)
      return { unreadable: `${name} does not support policy variables` };
    const resolved = resolve(text, version, request);
    if (resolved.state === 'unknown' && resolved.key === undefined) return { unreadable: resolved.why };
    if (resolved.state === 'unknown') {
      why ??= resolved.why;
      undecided.push(resolved.key ?? '');
    }
    if (resolved.state !== 'text') continue;
    const comparison = operator.read(resolved.parts);
    if (!comparison) return { unreadable: `${name} cannot read ${shown(text)}` };
    comparisons.push(comparison);
  }
  const unresolved: Truth[] = undecided.length > 0 ? ['unknown'] : [];
  const compare = (found: string): Truth =>
    any([...comparisons.map((comparison) => truthOf(comparison(found))), ...unresolved]);
  return { compare, undecided, ...(why === undefined ? {} : { why }) };
}

const truthOf = (result: boolean | undefined): Truth => (result === undefined ? 'unknown' : result ? 'yes' : 'no');

const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** Combines the results of several values. Without a set operator, several values leave the condition undecided. */
const combine = (truths: readonly Truth[], qualifier: Qualifier | undefined): Truth =>
  qualifier === 'foranyvalue' ? any(truths) : all(truths);

/**
 * "Multivalued context keys require a condition set operator". How IAM evaluates one without is not documented, for any
 * number of values, so the condition stays undecided.
 */
const withoutSetOperator = ({ key, operator }: Condition, found?: readonly string[]): Outcome => ({
  truth: 'unknown',
  undecided: [key],
  why: `the key may have several values, which ${operator} supports only with the prefix ForAllValues: or ForAnyValue:`,
  ...(found === undefined ? {} : { found }),
});

function judgeNull({ key, wanted, operator }: Condition, request: PolicyRequest): Outcome {
  const found = request.lookUp(key.toLowerCase());
  const asked = wanted.map(readBoolean);
  if (asked.includes(undefined))
    return { truth: 'unknown', undecided: [key], why: `${operator} cannot read ${wanted.map(shown).join(', ')}` };
  // The documentation contradicts itself on whether a key with an empty value counts as null.
  const empty = found.state === 'values' && found.values.length > 0 && found.values.every((value) => value === '');
  if (found.state === 'unknown' || empty)
    return { truth: 'unknown', undecided: [key], ...(empty ? { why: `${key} is empty` } : {}) };
  const absent = found.state === 'absent' || (found.state === 'values' && found.values.length === 0);
  const values = found.state === 'values' ? found.values : absent ? [] : undefined;
  return decided(asked.includes(absent), values);
}

/** "ForAllValues also returns true if there are no context keys in the request"; ForAnyValue then returns false. */
function judgeAbsent({ qualifier, ifExists }: NamedOperator, operator: Operator): Outcome {
  if (ifExists || qualifier === 'forallvalues') return decided(true, []);
  if (qualifier === 'foranyvalue') return decided(false, []);
  return decided(operator.negated, []);
}

/** Evaluates a condition on a key that has an unknown value. */
function judgePresent(
  condition: Condition,
  operator: Operator,
  version: PolicyVersion,
  request: PolicyRequest,
): Outcome {
  const unknown: Outcome = { truth: 'unknown', undecided: [condition.key] };
  const matchesAny = condition.wanted.some((text) => {
    const resolved = resolve(text, version, request);
    return resolved.state === 'text' && operator.matchesAnything?.(resolved.parts) === true;
  });
  return matchesAny ? decided(!operator.negated) : unknown;
}

function judgeValues(
  condition: Condition,
  named: NamedOperator,
  operator: Operator,
  version: PolicyVersion,
  request: PolicyRequest,
  found: readonly string[],
): Outcome {
  const { key, operator: name } = condition;
  const wanted = readWanted(condition, operator, version, request);
  if ('unreadable' in wanted) return { truth: 'unknown', undecided: [key], why: wanted.unreadable, found };
  const truths = found.map((value) => (operator.negated ? not(wanted.compare(value)) : wanted.compare(value)));
  const truth = combine(truths, named.qualifier);
  if (truth !== 'unknown') return decided(truth === 'yes', found);
  if (wanted.undecided.length > 0) return { truth, undecided: wanted.undecided, why: wanted.why ?? '', found };
  return { truth, undecided: [key], why: `${name} cannot compare ${found.map(shown).join(', ')}`, found };
}

function judge(condition: Condition, version: PolicyVersion, request: PolicyRequest): Outcome {
  const { key, wanted, operator: name } = condition;
  const named = findOperator(name);
  if (!named) return { truth: 'unknown', undecided: [key], why: `the operator ${shown(name)} is not known` };
  if (wanted.length === 0) return { truth: 'unknown', undecided: [key], why: `${name} has no value` };
  const { operator, qualifier } = named;
  if (operator === 'null') return judgeNull(condition, request);
  const found = request.lookUp(key.toLowerCase());
  const values = found.state === 'values' ? found.values : undefined;
  if (qualifier === undefined && (isMultivalued(key) || (values?.length ?? 0) > 1))
    return withoutSetOperator(condition, values);
  if (found.state === 'unknown') return { truth: 'unknown', undecided: [key] };
  if (found.state === 'present') return judgePresent(condition, operator, version, request);
  // An empty value, for the set operators: "… or if the context key value resolves to a null dataset, such as an empty
  // string".
  const nothing =
    found.state === 'absent' ||
    found.values.length === 0 ||
    (qualifier !== undefined && found.values.every((value) => value === ''));
  return nothing
    ? judgeAbsent(named, operator)
    : judgeValues(condition, named, operator, version, request, found.values);
}

/**
 * Evaluates a condition. Its steps: each of its values is compared with each of the request's values, and the key is
 * looked up once.
 */
export function judgeCondition(
  condition: Condition,
  version: PolicyVersion,
  request: PolicyRequest,
): ConditionJudgement {
  const outcome = judge(condition, version, request);
  return { condition, ...outcome, steps: 1 + condition.wanted.length * Math.max(1, outcome.found?.length ?? 0) };
}
