/**
 * Evaluates whether a role may make a call, by its identity policies and its permissions boundary. It replaces IAM's
 * simulation if that is not allowed or not conclusive. Other policies, such as an organization's, are not considered.
 * Source: IAM User Guide, "Policy evaluation logic".
 */
import { evaluate, type PolicyRequest } from '../policy/index.ts';
import type { CallAnswer, PolicyFact } from './facts.ts';

/** The policies that apply to a role. */
export interface StepRoleFact {
  identity: PolicyFact[];
  /** Permissions boundary. Absent if the role has none. */
  boundary?: PolicyFact;
}

/** Evaluates policies of one kind: any of them may allow the call, and a Deny in any of them decides. */
function judge(policies: readonly PolicyFact[], request: PolicyRequest, kind: string): CallAnswer {
  const unread = policies.filter(({ document }) => document === undefined).map(({ name }) => name);
  const { verdict, reasons } = evaluate(
    policies.flatMap(({ document }) => document ?? []),
    request,
  );
  const why = `${kind}: ${reasons
    .slice(0, 3)
    .map(({ message }) => message)
    .join('; ')}`;
  if (verdict === 'denied' && (unread.length === 0 || reasons.some(({ effect }) => effect === 'Deny')))
    return { decision: 'denied', why };
  if (unread.length > 0)
    return { decision: 'unknown', why: `${kind}: the content of ${unread.join(', ')} was not read` };
  return verdict === 'allowed' ? { decision: 'allowed' } : { decision: 'unknown', why };
}

/** Both the identity policies and the boundary must allow the call. */
export function judgeByPolicies({ identity, boundary }: StepRoleFact, request: PolicyRequest): CallAnswer {
  const answers = [
    judge(identity, request, "the role's policies"),
    ...(boundary ? [judge([boundary], request, 'the permissions boundary')] : []),
  ];
  return (
    answers.find(({ decision }) => decision === 'denied') ??
    answers.find(({ decision }) => decision === 'unknown') ?? { decision: 'allowed' }
  );
}
