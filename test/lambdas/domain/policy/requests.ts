/** Evaluates a condition, a principal or a statement on its own. */
import { expect } from 'vitest';
import { parsePolicy, type ParsedPolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluate, type EvaluateOptions } from '../../../../lambdas/domain/policy/evaluate.ts';
import type { Evaluation, KeyState, PolicyRequest, Verdict } from '../../../../lambdas/domain/policy/request.ts';

export const USER_GUIDE = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/';
export const POD_IDENTITY = 'pods.eks.amazonaws.com';

export type Keys = Record<string, string | string[] | KeyState>;

export const ABSENT: KeyState = { state: 'absent' };
export const PRESENT: KeyState = { state: 'present' };
export const UNKNOWN: KeyState = { state: 'unknown' };

/** Looks up these keys; all others are unknown. */
function lookingUp(keys: Keys, otherwise: KeyState = UNKNOWN): PolicyRequest['lookUp'] {
  const states = new Map(Object.entries(keys).map(([key, value]) => [key.toLowerCase(), value]));
  return (key) => {
    const found = states.get(key);
    if (found === undefined) return otherwise;
    if (typeof found === 'string') return { state: 'values', values: [found] };
    return Array.isArray(found) ? { state: 'values', values: found } : found;
  };
}

export const request = (keys: Keys = {}, more: Partial<PolicyRequest> = {}): PolicyRequest => ({
  action: 'sts:AssumeRole',
  principal: { type: 'Service', values: [POD_IDENTITY] },
  lookUp: lookingUp(keys),
  ...more,
});

export const allowPods = {
  Sid: 'AllowPods',
  Effect: 'Allow',
  Principal: { Service: POD_IDENTITY },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
export const denyPods = { ...allowPods, Sid: 'DenyPods', Effect: 'Deny' };

/** A resource policy may contain everything that the evaluator knows of principals. */
export const policy = (statements: unknown, Version: unknown = '2012-10-17'): ParsedPolicy =>
  parsePolicy({ Version, Statement: statements }, 'resource');

export const ask = (statements: unknown, asked: PolicyRequest = request(), options?: EvaluateOptions): Evaluation =>
  evaluate(policy(statements), asked, options);

type Truth = 'holds' | 'does not' | 'unknown' | 'invalid';

const truth: Record<Verdict, Truth> = { allowed: 'holds', denied: 'does not', unknown: 'unknown', invalid: 'invalid' };
const asDeny: Record<Verdict, Truth> = { allowed: 'does not', denied: 'holds', unknown: 'unknown', invalid: 'invalid' };

/** Returns whether a condition is met, by an Allow that depends on it, and checks that a Deny agrees. */
export function whether(Condition: unknown, keys: Keys, Version?: string): Truth {
  const allow = evaluate(policy([{ ...allowPods, Condition }], Version), request(keys)).verdict;
  const deny = evaluate(policy([allowPods, { ...denyPods, Condition }], Version), request(keys)).verdict;
  expect(asDeny[deny]).toBe(truth[allow]);
  return truth[allow];
}
