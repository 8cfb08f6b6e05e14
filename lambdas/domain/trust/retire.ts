/**
 * Retirement of IRSA: removes from a role's trust policy what allows these service accounts through this cluster's OIDC
 * provider, and nothing else. Refuses what cannot be separated cleanly, with the change to make by hand.
 */
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import { evaluateIrsa, evaluatePodIdentity, type ParsedPolicy, parsePolicy, type TrustUse } from '../policy/index.ts';
import type { TrustRetirement } from '../terms/trust.ts';
import {
  accountOf,
  allowedBySubjects,
  oidcProvider,
  type OidcProvider,
  splitStatement,
  subjectConditions,
} from './oidc-statements.ts';
import type { TrustPolicy } from './policy.ts';
import type { Refusal } from './repair.ts';
import {
  type JsonObject,
  labelOf,
  nameOf,
  readTrust,
  type ServiceAccountUse,
  type TrustDocument,
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
  /** All service accounts of the cluster. Needed only if the trust has patterns for subjects. */
  existing?: readonly ServiceAccountUse[];
}

export type RetirementProposal =
  | { do: 'nothing'; why: string }
  /**
   * `after` is the whole policy without white space; `kept` in `removed` is what remains of a statement that also allows
   * other principals. `patterns` are the subjects with wildcards that are removed, and `others` the existing service
   * accounts that lose the trust with them.
   */
  | {
      do: 'remove';
      after: string;
      removed: TrustRetirement['removed'];
      patterns: string[];
      others: ServiceAccountUse[];
    }
  /** The trust has these patterns, so that the cluster's service accounts must be known. */
  | { do: 'list'; patterns: string[] }
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

/** What a trust policy is without this cluster's trust of the service accounts that leave. */
interface Cut {
  stuck: { why: string; remedy: string }[];
  removed: TrustRetirement['removed'];
  left: JsonObject[];
  /** The removed patterns of each statement. */
  wide: { statement: JsonObject; patterns: string[] }[];
}

const patternsOf = ({ wide }: Cut): string[] => [...new Set(wide.flatMap(({ patterns }) => patterns))];

function cutTrust(trust: TrustDocument, provider: OidcProvider, leaving: readonly ServiceAccountUse[]): Cut {
  const version = trust.document['Version'];
  const split = trust.statements.map((statement, index) => ({
    statement,
    ...splitStatement(statement, labelOf(statement, index), version, provider, leaving),
  }));
  return {
    stuck: split.flatMap((one) => (one.is === 'stuck' ? [one] : [])),
    removed: split.flatMap((one) =>
      one.is === 'remove' ? [{ statement: one.statement, ...(one.kept ? { kept: one.kept } : {}) }] : [],
    ),
    left: split.flatMap((one): JsonObject[] => (one.is !== 'remove' ? [one.statement] : one.kept ? [one.kept] : [])),
    wide: split.flatMap((one) =>
      one.is === 'remove' && one.patterns.length > 0 ? [{ statement: one.statement, patterns: one.patterns }] : [],
    ),
  };
}

/**
 * Returns which of the existing service accounts lose this cluster's trust in addition to those that leave: those that a
 * removed pattern matches, whatever the other conditions of its statement are, unless the policy allows them as before.
 */
function losersOf(
  trust: TrustDocument,
  { wide, left }: Cut,
  provider: OidcProvider,
  leaving: readonly ServiceAccountUse[],
  existing: readonly ServiceAccountUse[],
): ServiceAccountUse[] {
  const { target, issuer: oidcIssuer } = provider;
  const gone = new Set(leaving.map(nameOf));
  const others = uniqueAccounts(existing).filter((one) => !gone.has(nameOf(one)));
  const matched = uniqueAccounts(
    wide.flatMap(({ statement, patterns }) =>
      allowedBySubjects(statement, trust.document['Version'], provider, patterns, others),
    ),
  );
  const after = parsePolicy(writeStatements(trust.document, left), 'trust');
  return matched.filter(
    (one) => evaluateIrsa(after, { ...one, clusterArn: clusterArn(target), oidcIssuer }).verdict !== 'allowed',
  );
}

/** The patterns by which a cluster's OIDC provider lets service accounts use a role. */
export interface PatternTrust {
  patterns: string[];
  /** Returns the other service accounts, of those that exist, that may use the role by these patterns alone. */
  othersIn: (existing: readonly ServiceAccountUse[]) => ServiceAccountUse[];
}

/**
 * Returns the patterns that allow these service accounts. There are none for a policy that can't be read, or whose
 * statements can't be split.
 */
export function patternTrust(
  trustPolicy: string | TrustPolicy,
  target: Target,
  oidcIssuer: string,
  accounts: readonly ServiceAccountUse[],
): PatternTrust {
  const trust = readTrust(trustPolicy);
  if (!trust.readable) return { patterns: [], othersIn: () => [] };
  const provider = oidcProvider(target, oidcIssuer);
  const cut = cutTrust(trust, provider, accounts);
  return { patterns: patternsOf(cut), othersIn: (existing) => losersOf(trust, cut, provider, accounts, existing) };
}

/** Proposes the trust policy without this cluster's OIDC trust of exactly these service accounts. */
export function proposeRetirement({
  trustPolicy,
  target,
  oidcIssuer,
  serviceAccounts,
  acceptedKeys = [],
  existing,
}: RetirementRequest): RetirementProposal {
  const trust = readTrust(trustPolicy);
  if (!trust.readable) return refuse(trust.why, trust.remedy);
  const provider = oidcProvider(target, oidcIssuer);
  const leaving = uniqueAccounts(serviceAccounts);
  const cut = cutTrust(trust, provider, leaving);
  const { stuck, removed, left } = cut;
  const patterns = patternsOf(cut);
  if (stuck.length > 0)
    return refuse(stuck.map((one) => one.why).join('. '), [...new Set(stuck.map((one) => one.remedy))].join(' '));

  const use = (one: ServiceAccountUse): TrustUse & ServiceAccountUse => ({
    ...one,
    clusterArn: clusterArn(target),
    oidcIssuer,
  });
  const uses = leaving.map(use);
  if (removed.length === 0 && uses.every((one) => evaluateIrsa(trust.policy, one).verdict === 'denied')) {
    return { do: 'nothing', why: `No statement allows ${listNames(leaving)} through ${provider.arn}` };
  }
  if (patterns.length > 0 && !existing) return { do: 'list', patterns };
  const after = writeStatements(trust.document, left);
  const others = losersOf(trust, cut, provider, leaving, existing ?? []);
  const losing = new Set(others.map(nameOf));
  const objected = objection(
    trust.policy,
    parsePolicy(after, 'trust'),
    uses,
    othersOf(trust.statements, provider, leaving)
      .filter((one) => !losing.has(nameOf(one)))
      .map(use),
    acceptedKeys,
  );
  return objected ?? { do: 'remove', after, removed, patterns, others };
}
