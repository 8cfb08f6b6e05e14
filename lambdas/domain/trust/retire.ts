/**
 * Retirement of IRSA: takes out of a role's trust policy what lets these service accounts in by this cluster's OIDC
 * provider, and nothing else. What can't be separated cleanly is refused, with what to write by hand.
 */
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../migration/model.ts';
import { evaluateIrsa, evaluatePodIdentity, type ParsedPolicy, parsePolicy, type TrustUse } from '../policy/index.ts';
import type { TrustRetirement } from './model.ts';
import { accountOf, oidcProvider, type OidcProvider, splitStatement, subjectConditions } from './oidc-statements.ts';
import type { Refusal } from './repair.ts';
import {
  type JsonObject,
  labelOf,
  nameOf,
  readTrust,
  type ServiceAccountUse,
  uniqueAccounts,
  writeStatements,
} from './statements.ts';

export { undoRetirement } from './reinstate.ts';

export interface RetirementRequest {
  /** As the role has it: JSON text, URL-encoded or not. */
  trustPolicy: string;
  target: Target;
  /** Of the cluster, with `https://`. */
  oidcIssuer: string;
  /** Those that have moved to Pod Identity. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** Condition keys that the migration accepted by name, for Pod Identity. */
  acceptedKeys?: readonly string[];
}

export type RetirementProposal =
  | { do: 'nothing'; why: string }
  /** `after`: the whole policy without white space. `kept`: what is left of a statement that also lets others in. */
  | { do: 'remove'; after: string; removed: TrustRetirement['removed'] }
  | Refusal;

const refuse = (why: string, remedy: string): Refusal => ({ do: 'refuse', why, remedy });

const listNames = (accounts: readonly ServiceAccountUse[]): string => accounts.map(nameOf).join(', ');

/** Service accounts that statements name beside those that leave: what IRSA lets them do must not change. */
function othersOf(
  statements: readonly JsonObject[],
  { subjectKey }: OidcProvider,
  leaving: readonly ServiceAccountUse[],
): ServiceAccountUse[] {
  const gone = new Set(leaving.map(nameOf));
  const named = statements.flatMap((one) =>
    subjectConditions(one, subjectKey).flatMap(({ subjects }) =>
      subjects.flatMap((subject) => accountOf(subject) ?? []),
    ),
  );
  return uniqueAccounts(named).filter((one) => !gone.has(nameOf(one)));
}

/** Whether the policy as it would be does what it shall; `undefined`: it does. */
function objection(
  before: ParsedPolicy,
  after: ParsedPolicy,
  uses: readonly (TrustUse & ServiceAccountUse)[],
  others: readonly TrustUse[],
  acceptedKeys: readonly string[],
): Refusal | undefined {
  for (const use of uses) {
    const now = evaluatePodIdentity(before, use, { acceptedKeys });
    if (now.verdict !== 'allowed') {
      const why = now.reasons.map((reason) => reason.message).join('; ');
      return refuse(
        `Nothing would certainly let ${nameOf(use)} use the role any more, since Pod Identity is ${now.verdict}: ${why}`,
        'Let EKS Pod Identity in first: pod-identity trust repair shows the statement.',
      );
    }
    const then = evaluatePodIdentity(after, use, { acceptedKeys }).verdict;
    if (then !== now.verdict)
      return refuse(
        `Pod Identity would be ${then} for ${nameOf(use)}, and is ${now.verdict} now`,
        'Take the statements out by hand.',
      );
    const irsa = evaluateIrsa(after, use);
    if (irsa.verdict !== 'denied') {
      const which = [...new Set(irsa.reasons.flatMap((reason) => reason.statement ?? []))].join(', ') || 'a statement';
      return refuse(
        `The policy ${irsa.verdict === 'allowed' ? 'would' : 'might'} go on to let ${nameOf(use)} in by OIDC, by a statement that is not for this cluster's provider alone: ${irsa.reasons.map((reason) => reason.message).join('; ')}`,
        `Change ${which} by hand so that it leaves out the provider, then try again.`,
      );
    }
  }
  const changed = others.find((use) => evaluateIrsa(before, use).verdict !== evaluateIrsa(after, use).verdict);
  return changed
    ? refuse(`It would change what IRSA may do for ${nameOf(changed)}, which stays`, 'Take the statements out by hand.')
    : undefined;
}

/** The trust policy without this cluster's OIDC trust of exactly these service accounts. */
export function proposeRetirement({
  trustPolicy,
  target,
  oidcIssuer,
  serviceAccounts,
  acceptedKeys = [],
}: RetirementRequest): RetirementProposal {
  const trust = readTrust(trustPolicy);
  if (!trust.readable) return refuse(trust.why, trust.remedy);
  const provider = oidcProvider(target, oidcIssuer);
  const leaving = uniqueAccounts(serviceAccounts);
  const version = trust.document['Version'];
  const split = trust.statements.map((statement, index) => ({
    statement,
    ...splitStatement(statement, labelOf(statement, index), version, provider, leaving),
  }));
  const stuck = split.flatMap((one) => (one.is === 'stuck' ? [one] : []));
  if (stuck.length > 0)
    return refuse(stuck.map((one) => one.why).join('. '), [...new Set(stuck.map((one) => one.remedy))].join(' '));

  const removed = split.flatMap((one) =>
    one.is === 'remove' ? [{ statement: one.statement, ...(one.kept ? { kept: one.kept } : {}) }] : [],
  );
  const left = split.flatMap((one): JsonObject[] =>
    one.is !== 'remove' ? [one.statement] : one.kept ? [one.kept] : [],
  );
  const use = (one: ServiceAccountUse): TrustUse & ServiceAccountUse => ({
    ...one,
    clusterArn: clusterArn(target),
    oidcIssuer,
  });
  const uses = leaving.map(use);
  if (removed.length === 0 && uses.every((one) => evaluateIrsa(trust.policy, one).verdict === 'denied')) {
    return { do: 'nothing', why: `No statement lets ${listNames(leaving)} in by ${provider.arn}` };
  }
  const after = writeStatements(trust.document, left);
  const objected = objection(
    trust.policy,
    parsePolicy(after, 'trust'),
    uses,
    othersOf(trust.statements, provider, leaving).map(use),
    acceptedKeys,
  );
  return objected ?? { do: 'remove', after, removed };
}
