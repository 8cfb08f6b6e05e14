/**
 * Finds the statements of a trust policy that allow service accounts of one cluster through its OIDC provider, and
 * computes what remains of a statement without some of them. Source: EKS User Guide, "Assign IAM roles to Kubernetes
 * service accounts".
 */
import { clusterArn, oidcProviderArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import type { TrustRetirement } from '../terms/trust.ts';
import { evaluateIrsa, issuerName, misnamedKey, parsePolicy } from '../policy/index.ts';
import { isObject, type JsonObject, nameOf, replaceMember, type ServiceAccountUse, textsOf } from './statements.ts';

/** A cluster's OIDC provider in IAM. */
export interface OidcProvider {
  target: Target;
  /** With or without `https://`. */
  issuer: string;
  arn: string;
  /** The condition key of a token's subject. */
  subjectKey: string;
}

export const oidcProvider = (target: Target, issuer: string): OidcProvider => ({
  target,
  issuer,
  arn: oidcProviderArn(target, issuer),
  subjectKey: `${issuerName(issuer)}:sub`,
});

/**
 * Returns the service account that a subject names, in lower case as in Kubernetes, or undefined for a pattern and for
 * any other text.
 */
export function accountOf(subject: string): ServiceAccountUse | undefined {
  const [, namespace, serviceAccount] = /^system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)$/i.exec(subject) ?? [];
  return namespace === undefined || serviceAccount === undefined
    ? undefined
    : { namespace: namespace.toLowerCase(), serviceAccount: serviceAccount.toLowerCase() };
}

/** One condition on the token's subject. */
export interface SubjectCondition {
  operator: string;
  key: string;
  subjects: string[];
}

const conditionsOn = (statement: JsonObject, isMeant: (key: string) => boolean): SubjectCondition[] =>
  Object.entries(isObject(statement['Condition']) ? statement['Condition'] : {}).flatMap(([operator, block]) =>
    Object.entries(isObject(block) ? block : {})
      .filter(([key]) => isMeant(key))
      .map(([key, wanted]) => ({ operator, key, subjects: textsOf(wanted) })),
  );

export const subjectConditions = (statement: JsonObject, subjectKey: string): SubjectCondition[] =>
  conditionsOn(statement, (key) => key.toLowerCase() === subjectKey.toLowerCase());

/** Returns the statement with the subjects of one condition replaced, and everything else unchanged. */
export function withSubjects(
  statement: JsonObject,
  { operator, key }: SubjectCondition,
  subjects: string[],
): JsonObject {
  const condition = isObject(statement['Condition']) ? statement['Condition'] : {};
  const block = isObject(condition[operator]) ? condition[operator] : {};
  return replaceMember(statement, 'Condition', replaceMember(condition, operator, replaceMember(block, key, subjects)));
}

/** Returns the subjects that were removed, which are all of the statement's without those kept. */
export function takenOut(
  { statement, kept }: TrustRetirement['removed'][number],
  { subjectKey }: OidcProvider,
): { part: JsonObject; subjects: string[] } {
  const [was] = subjectConditions(statement, subjectKey);
  if (was === undefined) return { part: statement, subjects: [] };
  const stayed = new Set(kept ? subjectConditions(kept, subjectKey).flatMap((one) => one.subjects) : []);
  const subjects = was.subjects.filter((subject) => !stayed.has(subject));
  return { part: kept ? withSubjects(statement, was, subjects) : statement, subjects };
}

const namesProvider = (statement: JsonObject, arn: string): boolean =>
  isObject(statement['Principal']) && textsOf(statement['Principal']['Federated']).includes(arn);

const isOnlyPrincipal = (statement: JsonObject, arn: string): boolean =>
  isObject(statement['Principal']) &&
  Object.keys(statement['Principal']).length === 1 &&
  textsOf(statement['Principal']['Federated']).every((one) => one === arn);

/** Operators with which a condition lists the subjects that it allows, so that one of them can be removed. */
export const LISTING = /^(ForAnyValue:)?String(Equals|EqualsIgnoreCase|Like)(IfExists)?$/i;

/** The pattern of a statement without a condition on the subject. */
export const EVERY_SUBJECT = '*';

/** A subject with wildcards. With a policy variable, it can't be known which subjects it matches. */
export const isPattern = (subject: string): boolean => /[*?]/.test(subject) && !subject.includes('$');

/**
 * The result for one statement. `remove` without `kept` removes the whole statement. `patterns` are the removed subjects
 * that may match other service accounts as well.
 */
export type Split =
  | { is: 'untouched' }
  | { is: 'remove'; kept?: JsonObject; patterns: string[] }
  | { is: 'stuck'; why: string; remedy: string };

/** One statement of a policy that is being split. */
interface Cut {
  statement: JsonObject;
  /** Names the statement in messages. */
  label: string;
  /** The policy's version. */
  version: unknown;
  provider: OidcProvider;
  leaving: readonly ServiceAccountUse[];
}

/** Returns those of `leaving` that the statement's actions and conditions on the subject allow, or may allow. */
function allowedOf(
  { statement, version, provider, leaving }: Cut,
  conditions: readonly SubjectCondition[],
): ServiceAccountUse[] {
  const { target, issuer, arn } = provider;
  const { Action, NotAction } = statement;
  const Condition = Object.fromEntries(
    conditions.map(({ operator }) => [
      operator,
      Object.fromEntries(
        conditions.filter((one) => one.operator === operator).map(({ key, subjects }) => [key, subjects]),
      ),
    ]),
  );
  const alone = {
    Effect: 'Allow',
    Principal: { Federated: arn },
    ...(Action === undefined ? { NotAction } : { Action }),
    ...(conditions.length > 0 ? { Condition } : {}),
  };
  const policy = parsePolicy({ ...(version === undefined ? {} : { Version: version }), Statement: [alone] }, 'trust');
  return leaving.filter(
    (use) => evaluateIrsa(policy, { ...use, clusterArn: clusterArn(target), oidcIssuer: issuer }).verdict !== 'denied',
  );
}

/**
 * Returns the one condition in which the statement lists its subjects, `all` if it has no condition on them, or why
 * nothing can be removed from it.
 */
function listingCondition(
  { statement, label, provider: { arn, subjectKey } }: Cut,
  conditions: readonly SubjectCondition[],
  names: string,
): SubjectCondition | 'all' | Extract<Split, { is: 'stuck' }> {
  if (!isOnlyPrincipal(statement, arn)) {
    return {
      is: 'stuck',
      why: `${label} trusts other principals in addition to this cluster's OIDC provider, through which it allows ${names}`,
      remedy: `Split ${label} by hand into one statement for ${arn} and one for the other principals, then try again.`,
    };
  }
  const [only, ...more] = conditions;
  if (only === undefined) return 'all';
  if (more.length > 0 || !LISTING.test(only.operator)) {
    return {
      is: 'stuck',
      why: `${label} restricts ${subjectKey} by ${conditions.map((one) => one.operator).join(' and ')}, from which ${names} cannot be removed`,
      remedy: `Rewrite the condition by hand as one "StringEquals": {"${subjectKey}": [...]} with the service accounts that it is for, then try again.`,
    };
  }
  return only;
}

/**
 * Returns the accounts that a statement allows by these of its subjects, whatever its other conditions are; by `*`, those
 * that it allows without a condition on the subject.
 */
export function allowedBySubjects(
  statement: JsonObject,
  version: unknown,
  provider: OidcProvider,
  subjects: readonly string[],
  accounts: readonly ServiceAccountUse[],
): ServiceAccountUse[] {
  const [listing] = subjectConditions(statement, provider.subjectKey);
  const cut: Cut = { statement, label: '', version, provider, leaving: accounts };
  return allowedOf(
    cut,
    listing
      ? [{ ...listing, subjects: [...subjects] }]
      : conditionsOn(statement, (key) => misnamedKey(key) !== undefined),
  );
}

/**
 * Removes `leaving` from a statement. Only the provider and the subjects decide whether the statement is concerned, not
 * its other conditions: a statement that names a service account trusts it, whether or not a token would match today. Its
 * other actions do not matter: the provider is its only principal, so they apply to that provider's sessions alone. A
 * condition on a key that begins with a provider's ARN or `https://` counts too: no request has such a key, so most of
 * these statements allow no one.
 */
export function splitStatement(
  statement: JsonObject,
  label: string,
  version: unknown,
  provider: OidcProvider,
  leaving: readonly ServiceAccountUse[],
): Split {
  const { arn, subjectKey } = provider;
  if (statement['Effect'] !== 'Allow' || !namesProvider(statement, arn)) return { is: 'untouched' };
  const cut: Cut = { statement, label, version, provider, leaving };
  const conditions = subjectConditions(statement, subjectKey);
  const concerned = allowedOf(cut, [
    ...conditions,
    ...conditionsOn(statement, (key) => misnamedKey(key) !== undefined),
  ]);
  if (concerned.length === 0) return { is: 'untouched' };

  const names = concerned.map(nameOf).join(', ');
  const listing = listingCondition(cut, conditions, names);
  if (listing === 'all') return { is: 'remove', patterns: [EVERY_SUBJECT] };
  if ('is' in listing) return listing;
  const gone = listing.subjects.filter((subject) => allowedOf(cut, [{ ...listing, subjects: [subject] }]).length > 0);
  const leave = new Set(leaving.map(nameOf));
  const wide = gone.filter((subject) => {
    const account = accountOf(subject);
    return account === undefined || !leave.has(nameOf(account));
  });
  const undecided = wide.find((subject) => !isPattern(subject));
  if (undecided !== undefined) {
    return {
      is: 'stuck',
      why: `${label} allows ${names} by "${undecided}", which may match other service accounts too`,
      remedy: `Replace it by hand with the service accounts that still need it, such as "${subjectKey}": ["system:serviceaccount:NAMESPACE:NAME"], or remove it if none does.`,
    };
  }
  const stay = listing.subjects.filter((subject) => !gone.includes(subject));
  return {
    is: 'remove',
    patterns: [...new Set(wide)],
    ...(stay.length === 0 ? {} : { kept: withSubjects(statement, listing, stay) }),
  };
}
