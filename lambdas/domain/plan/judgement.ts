/**
 * Whether a role may make a call, by its own policies and its permissions boundary: what IAM's simulation says too,
 * where it may not be asked, or does not know enough to say. What other policies forbid, such as an organisation's, is
 * not seen here. Source: IAM User Guide, "Policy evaluation logic".
 */
import { evaluate, type PolicyRequest } from '../policy/index.ts';
import type { CallAnswer, PolicyFact } from './facts.ts';

/** The policies that count for a role. */
export interface StepRoleFact {
  identity: PolicyFact[];
  /** Absent where it has none. */
  boundary?: PolicyFact;
}

/** One kind of policies: any of them may allow it, and a Deny in any of them decides. */
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

/** Both the role's own policies and the boundary have to allow it. */
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
