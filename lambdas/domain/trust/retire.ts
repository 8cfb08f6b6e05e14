/**
 * Retirement of IRSA: removes from a role's trust policy what allows these service accounts through this cluster's OIDC
 * provider, and nothing else. Refuses what cannot be separated cleanly, with the change to make by hand.
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
  /** The role's current trust policy: JSON text, URL-encoded or not. */
  trustPolicy: string;
  target: Target;
  /** The cluster's OIDC issuer, with `https://`. */
  oidcIssuer: string;
  /** Service accounts that have moved to Pod Identity. */
  serviceAccounts: readonly ServiceAccountUse[];
  /** Condition keys that the migration accepted by name for Pod Identity. */
  acceptedKeys?: readonly string[];
}

export type RetirementProposal =
  | { do: 'nothing'; why: string }
  /**
   * `after` is the whole policy without white space; `kept` in `removed` is what remains of a statement that also allows
   * other principals.
   */
  | { do: 'remove'; after: string; removed: TrustRetirement['removed'] }
  | Refusal;

const refuse = (why: string, remedy: string): Refusal => ({ do: 'refuse', why, remedy });

const listNames = (accounts: readonly ServiceAccountUse[]): string => accounts.map(nameOf).join(', ');

/** Returns the other service accounts that the statements name. Their access through IRSA must not change. */
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

/** Returns a refusal if the proposed policy would not have exactly the intended effect, or undefined if it would. */
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
        `${nameOf(use)} might no longer be able to use the role, since its access through Pod Identity is ${now.verdict}: ${why}`,
        'Allow EKS Pod Identity first; the command trust repair shows the statement.',
      );
    }
    const then = evaluatePodIdentity(after, use, { acceptedKeys }).verdict;
    if (then !== now.verdict)
      return refuse(
        `The change would turn access through Pod Identity for ${nameOf(use)} from ${now.verdict} to ${then}`,
        'Remove the statements by hand.',
      );
    const irsa = evaluateIrsa(after, use);
    if (irsa.verdict !== 'denied') {
      const which = [...new Set(irsa.reasons.flatMap((reason) => reason.statement ?? []))].join(', ') || 'a statement';
      return refuse(
        `The policy ${irsa.verdict === 'allowed' ? 'would' : 'might'} still allow ${nameOf(use)} through OIDC, by a statement that is not for this cluster's provider alone: ${irsa.reasons.map((reason) => reason.message).join('; ')}`,
        `Change ${which} by hand so that it excludes the provider, then try again.`,
      );
    }
  }
  const changed = others.find((use) => evaluateIrsa(before, use).verdict !== evaluateIrsa(after, use).verdict);
  return changed
    ? refuse(
        `The change would affect access through IRSA for ${nameOf(changed)}, which was not migrated`,
        'Remove the statements by hand.',
      )
    : undefined;
}

/** Proposes the trust policy without this cluster's OIDC trust of exactly these service accounts. */
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
    return { do: 'nothing', why: `No statement allows ${listNames(leaving)} through ${provider.arn}` };
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
