/**
 * Evaluates a trust policy for one request, three-valued: a condition whose key or operator is not known here makes
 * the answer `unknown` unless other statements decide it anyway, and `unknown` never lets a migration go on.
 * Source: IAM User Guide, "Policy evaluation logic" and "Condition operators".
 */
import type { ConditionBlock, ParsedPolicy, Statement } from './document.ts';
import { matchesWildcard } from './wildcard.ts';

export interface TrustRequest {
  action: string;
  principal: { type: 'Service' | 'Federated' | 'AWS'; value: string };
  /** Known condition keys, names in lower case; `undefined`: the key is known to be absent. */
  context: Record<string, string[] | undefined>;
}

export type Verdict = 'allowed' | 'denied' | 'unknown' | 'invalid';
export interface Evaluation {
  verdict: Verdict;
  reasons: string[];
}

type Truth = 'yes' | 'no' | 'unknown';
interface Judgement {
  truth: Truth;
  why?: string;
}

const all = (judgements: Judgement[]): Judgement =>
  judgements.find((one) => one.truth === 'no') ?? judgements.find((one) => one.truth === 'unknown') ?? { truth: 'yes' };

type Comparison = (pattern: string, value: string) => boolean;

/** ARNs are compared part by part, so that a `*` does not reach over a colon. */
const arnLike: Comparison = (pattern, value) => {
  const parts = (arn: string): string[] => {
    const split = arn.split(':');
    return [...split.slice(0, 5), split.slice(5).join(':')];
  };
  const wanted = parts(pattern);
  const there = parts(value);
  return wanted.every((part, index) => matchesWildcard(part, there[index] ?? ''));
};

const stringEquals: Comparison = (pattern, value) => pattern === value;
const stringEqualsIgnoreCase: Comparison = (pattern, value) => pattern.toLowerCase() === value.toLowerCase();

const operators = new Map<string, { compare: Comparison; negated: boolean }>([
  ['stringequals', { compare: stringEquals, negated: false }],
  ['stringequalsignorecase', { compare: stringEqualsIgnoreCase, negated: false }],
  ['stringlike', { compare: matchesWildcard, negated: false }],
  ['arnequals', { compare: arnLike, negated: false }],
  ['arnlike', { compare: arnLike, negated: false }],
  ['stringnotequals', { compare: stringEquals, negated: true }],
  ['stringnotequalsignorecase', { compare: stringEqualsIgnoreCase, negated: true }],
  ['stringnotlike', { compare: matchesWildcard, negated: true }],
  ['arnnotequals', { compare: arnLike, negated: true }],
  ['arnnotlike', { compare: arnLike, negated: true }],
]);

function judgeCondition(operatorName: string, key: string, wanted: string[], request: TrustRequest): Judgement {
  const operator = operatorName.toLowerCase();
  const ifExists = operator.endsWith('ifexists');
  const base = ifExists ? operator.slice(0, -'ifexists'.length) : operator;
  const known = Object.hasOwn(request.context, key.toLowerCase());
  if (!known) return { truth: 'unknown', why: `${key} can't be known beforehand` };
  if (wanted.some((value) => value.includes('${'))) return { truth: 'unknown', why: `the policy variable in ${key} is not evaluated` };
  const values = request.context[key.toLowerCase()];
  if (base === 'null') {
    const absent = values === undefined ? 'true' : 'false';
    return wanted.includes(absent) ? { truth: 'yes' } : { truth: 'no', why: `${operatorName} wants ${key} to be ${absent === 'true' ? 'present' : 'absent'}` };
  }
  const comparison = operators.get(base);
  // Whether IAM takes such a pattern as matching everything or nothing is not documented.
  if (comparison?.compare === arnLike && wanted.some((pattern) => pattern.split(':').length < 6)) {
    return { truth: 'unknown', why: `${operatorName} on ${key} has a value that is no ARN` };
  }
  if (!comparison) return { truth: 'unknown', why: `the operator ${operatorName} is not evaluated` };
  if (values === undefined) {
    if (ifExists || comparison.negated) return { truth: 'yes' };
    return { truth: 'no', why: `${key} is not part of such a request` };
  }
  const hit = values.some((value) => wanted.some((pattern) => comparison.compare(pattern, value)));
  const holds = comparison.negated ? !hit : hit;
  return holds ? { truth: 'yes' } : { truth: 'no', why: `${key} is ${values.join(', ')}, ${operatorName} wants ${wanted.join(' or ')}` };
}

const judgeConditions = (block: ConditionBlock, request: TrustRequest): Judgement =>
  all(Object.entries(block).flatMap(([operator, keys]) => Object.entries(keys).map(([key, wanted]) => judgeCondition(operator, key, wanted, request))));

/**
 * A wildcard is only ever the whole value; `*` and `{"AWS": "*"}` mean the same. A Deny for everybody holds for
 * services too (which is why such statements except them by aws:PrincipalIsAWSService); an Allow for everybody is not
 * taken as one for a service. Source: IAM User Guide, "AWS JSON policy elements: Principal".
 */
function principalMatches(principal: '*' | Record<string, string[]>, effect: Statement['effect'], request: TrustRequest): boolean {
  const { type, value: who } = request.principal;
  const reachesAll = effect === 'Deny' || type !== 'Service';
  if (principal === '*') return reachesAll;
  if (reachesAll && [...(principal['AWS'] ?? []), ...(principal[type] ?? [])].includes('*')) return true;
  return (principal[type] ?? []).includes(who);
}

const actionMatches = (patterns: string[], action: string): boolean =>
  patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), action.toLowerCase()));

function judgeStatement(statement: Statement, request: TrustRequest): Judgement {
  const action = statement.action ? actionMatches(statement.action, request.action) : !actionMatches(statement.notAction ?? [], request.action);
  if (!action) return { truth: 'no' };
  // Who else NotPrincipal stands for is a matter of several rules at once: left undecided.
  if (statement.notPrincipal) return { truth: 'unknown', why: 'NotPrincipal is not evaluated' };
  if (!statement.principal || !principalMatches(statement.principal, statement.effect, request)) return { truth: 'no' };
  return judgeConditions(statement.condition, request);
}

/** Deny over Allow; what is not allowed is denied. Reasons name the statement, the key, what was wanted and what is there. */
export function evaluateTrust(policy: ParsedPolicy, request: TrustRequest): Evaluation {
  if (!policy.valid) return { verdict: 'invalid', reasons: [policy.reason] };
  const judged = policy.statements.map((statement) => ({ statement, ...judgeStatement(statement, request) }));
  const reason = (one: (typeof judged)[number]): string => `"${one.statement.label}": ${one.why ?? `${one.statement.effect === 'Deny' ? 'denies' : 'allows'} ${request.action}`}`;
  const of = (effect: 'Allow' | 'Deny', truth: Truth): typeof judged => judged.filter((one) => one.statement.effect === effect && one.truth === truth);

  const denying = of('Deny', 'yes');
  if (denying.length > 0) return { verdict: 'denied', reasons: denying.map(reason) };
  const maybeDenying = of('Deny', 'unknown');
  const allowing = of('Allow', 'yes');
  if (allowing.length > 0) return maybeDenying.length > 0 ? { verdict: 'unknown', reasons: maybeDenying.map(reason) } : { verdict: 'allowed', reasons: allowing.map(reason) };
  const maybeAllowing = of('Allow', 'unknown');
  if (maybeAllowing.length > 0) return { verdict: 'unknown', reasons: maybeAllowing.map(reason) };
  const near = judged.filter((one) => one.statement.effect === 'Allow' && one.why !== undefined);
  return { verdict: 'denied', reasons: near.length > 0 ? near.map(reason) : [`no statement allows ${request.action} to ${request.principal.value}`] };
}
