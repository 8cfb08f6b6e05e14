/**
 * Checks that a recorded change of a trust policy is one that this service would make. The change is read from the
 * ledger, and a principal that can write to the ledger is not necessarily allowed to write trust policies. So nothing is
 * written to IAM that the service itself would not have written.
 */
import { issuerName } from '../policy/index.ts';
import type { Target } from '../terms/subject.ts';
import type { TrustRepair, TrustRetirement } from '../terms/trust.ts';
import { accountOf, isPattern, LISTING, subjectConditions, takenOut, withSubjects } from './oidc-statements.ts';
import { providerOf } from './reinstate.ts';
import { isRepairStatement } from './repair.ts';
import {
  isObject,
  type JsonObject,
  nameOf,
  readTrust,
  sameJson,
  samePolicy,
  type ServiceAccountUse,
  textsOf,
  writeStatements,
} from './statements.ts';

/** The cluster and service accounts that a change of a trust policy may concern. */
export interface ChangeScope {
  target: Target;
  serviceAccounts: readonly ServiceAccountUse[];
}

/** Returns a clause with the reason why a repair is not one of this service's, or undefined if it is. */
export function repairProblem(
  { before, after, statement }: Pick<TrustRepair, 'before' | 'after' | 'statement'>,
  { target, serviceAccounts }: ChangeScope,
): string | undefined {
  if (!isRepairStatement(statement, target, serviceAccounts))
    return `its statement is not one that allows EKS Pod Identity for the migrated service accounts of cluster ${target.cluster}`;
  const was = readTrust(before);
  if (!was.readable || !samePolicy(writeStatements(was.document, [...was.statements, statement]), after))
    return 'the policies before and after it differ in more than its statement';
  return undefined;
}

type Removed = TrustRetirement['removed'][number];

/** What a retirement may concern. */
export interface RetirementScope extends ChangeScope {
  /** The cluster's issuer. */
  oidcIssuer: string;
  /**
   * The role's trust policy before the migration: JSON text. Only patterns for subjects that it has may be removed and
   * restored. Absent if it is not known.
   */
  trustBefore?: string | undefined;
}

/** Returns the statement with other subjects in its one condition on them. */
const listing = (statement: JsonObject, subjectKey: string, subjects: string[]): JsonObject => {
  const [condition] = subjectConditions(statement, subjectKey);
  return condition ? withSubjects(statement, condition, subjects) : statement;
};

/**
 * Returns whether the policy before the migration had the statement, with at least these subjects: a forged record must
 * not let a reinstatement give the role to service accounts that never had it.
 */
function wasTrusted(
  statement: JsonObject,
  subjects: readonly string[],
  { trustBefore }: RetirementScope,
  subjectKey: string,
): boolean {
  const trust = trustBefore === undefined ? undefined : readTrust(trustBefore);
  if (!trust?.readable) return false;
  return trust.statements.some((one) => {
    const had = new Set(subjectConditions(one, subjectKey).flatMap((condition) => condition.subjects));
    return (
      sameJson(listing(one, subjectKey, []), listing(statement, subjectKey, [])) &&
      subjects.every((subject) => had.has(subject))
    );
  });
}

/** Returns a clause with the reason why a removed statement is not the OIDC trust of these service accounts alone. */
function removedProblem(removed: Removed, scope: RetirementScope): string | undefined {
  const { target, serviceAccounts, oidcIssuer } = scope;
  const { statement, kept } = removed;
  const { Effect: effect, Principal: principal } = statement;
  const provider = providerOf(removed);
  const isOfCluster =
    provider !== undefined &&
    provider.target.account === target.account &&
    issuerName(provider.issuer) === issuerName(oidcIssuer);
  if (
    !isOfCluster ||
    effect !== 'Allow' ||
    !isObject(principal) ||
    Object.keys(principal).length !== 1 ||
    textsOf(principal['Federated']).some((one) => one !== provider.arn)
  )
    return `it has a statement that is not for the OIDC provider of cluster ${target.cluster} alone`;
  const [condition, ...more] = subjectConditions(statement, provider.subjectKey);
  if (condition === undefined && kept === undefined && wasTrusted(statement, [], scope, provider.subjectKey))
    return undefined;
  if (condition === undefined || more.length > 0 || !LISTING.test(condition.operator))
    return 'it has a statement that does not list the service accounts that it allows';
  const own = new Set(serviceAccounts.map(nameOf));
  const strange = takenOut(removed, provider).subjects.find((subject) => {
    const account = accountOf(subject);
    if (account !== undefined) return !own.has(nameOf(account));
    return !isPattern(subject) || !wasTrusted(statement, [subject], scope, provider.subjectKey);
  });
  if (strange !== undefined) return `it has a statement that allows ${strange}, which was not migrated`;
  const stayed = kept && subjectConditions(kept, provider.subjectKey).flatMap((one) => one.subjects);
  return stayed && !sameJson(kept, withSubjects(statement, condition, stayed))
    ? 'what it keeps of a statement is not a part of that statement'
    : undefined;
}

/** Returns a clause with the reason why a retirement is not one of this service's, or undefined if it is. */
export function retirementProblem(
  { before, removed }: Pick<TrustRetirement, 'before' | 'removed'>,
  scope: RetirementScope,
): string | undefined {
  for (const one of removed) {
    const problem = removedProblem(one, scope);
    if (problem !== undefined) return problem;
  }
  return readTrust(before).readable ? undefined : 'the policy before it cannot be written back without loss';
}
