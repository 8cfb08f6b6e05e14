/** Decides whether patterns for subjects may be removed from a trust policy, by what exists in the cluster now. */
import { isAccessRefused } from '../../domain/failures/errors.ts';
import { type Check, unknown } from '../../domain/terms/check.ts';
import { retirementProblem } from '../../domain/trust/own-changes.ts';
import { checkPatterns, patternText } from '../../domain/trust/pattern-check.ts';
import { proposeRetirement, type RetirementProposal, type RetirementRequest } from '../../domain/trust/retire.ts';
import { nameOf } from '../../domain/trust/statements.ts';
import { asClause } from '../../domain/text/text.ts';
import type { TargetPorts } from '../../ports/index.ts';

/** The role, and what the request and the ledger say about its patterns. */
export interface PatternCase {
  roleArn: string;
  accept: readonly string[] | undefined;
  /** The role's trust policy when the migration began. */
  trustBefore: string | undefined;
}

export interface PatternDecision {
  /** Absent if the service accounts of the cluster could not be read, which blocks. */
  proposal?: Exclude<RetirementProposal, { do: 'list' }>;
  checks: Check[];
}

const notRestorable = (patterns: readonly string[]): Extract<RetirementProposal, { do: 'refuse' }> => ({
  do: 'refuse',
  why: `The trust policy did not have ${patternText(patterns)} when the migration began, so that the service could not restore it`,
  remedy: 'Remove the statement by hand if no service account needs it.',
});

/**
 * Proposes the retirement. If the trust has patterns, reads the cluster's service accounts, and its associations after
 * them, so that an association that is created meanwhile counts.
 */
export async function proposeWithPatterns(
  request: RetirementRequest,
  { roleArn, accept, trustBefore }: PatternCase,
  { eks, kubernetes }: Pick<TargetPorts, 'eks' | 'kubernetes'>,
): Promise<PatternDecision> {
  const proposal = proposeRetirement(request);
  if (proposal.do !== 'list') return { proposal, checks: [] };
  try {
    const accounts = await kubernetes.listServiceAccounts();
    const refs = await eks.listAssociationRefs();
    const existing = accounts.map(({ namespace, name }) => ({ namespace, serviceAccount: name }));
    const known = proposeRetirement({ ...request, existing });
    if (known.do === 'list') throw new TypeError('A proposal that knows the service accounts asks for them.');
    if (known.do !== 'remove') return { proposal: known, checks: [] };
    const check = checkPatterns({
      roleArn,
      cluster: request.target.cluster,
      patterns: known.patterns,
      others: known.others,
      associated: new Set(refs.map(nameOf)),
      annotated: new Set(
        accounts.filter((one) => one.roleArn === roleArn).map(({ namespace, name }) => `${namespace}/${name}`),
      ),
      accept,
    });
    const isRestorable =
      retirementProblem({ before: request.trustPolicy, removed: known.removed }, { ...request, trustBefore }) ===
      undefined;
    return { proposal: isRestorable ? known : notRestorable(known.patterns), checks: [check] };
  } catch (error) {
    if (!isAccessRefused(error)) throw error;
    const unread = unknown(
      'retire-pattern',
      `Role ${roleArn} trusts service accounts of this cluster by ${patternText(proposal.patterns)}, and which of them exist could not be read: ${asClause(error.message)}.`,
      'Give the service read access to the cluster: its access entry must allow listing service accounts in all namespaces.',
    );
    return { checks: [unread] };
  }
}
