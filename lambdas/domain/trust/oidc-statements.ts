/**
 * Which statements of a trust policy let service accounts of one cluster in by its OIDC provider, and what is left of
 * one when some of them are taken out. Source: EKS User Guide, "Assign IAM roles to Kubernetes service accounts".
 */
import { clusterArn, oidcProviderArn } from '../aws/arn.ts';
import type { Target } from '../migration/model.ts';
import type { TrustRetirement } from './model.ts';
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
 * The service account that a subject names, in lower case as Kubernetes has it; `undefined` for a pattern and for
 * anything else.
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

/** The statement with other subjects in that one condition, and all else as it was. */
export function withSubjects(
  statement: JsonObject,
  { operator, key }: SubjectCondition,
  subjects: string[],
): JsonObject {
  const condition = isObject(statement['Condition']) ? statement['Condition'] : {};
  const block = isObject(condition[operator]) ? condition[operator] : {};
  return replaceMember(statement, 'Condition', replaceMember(condition, operator, replaceMember(block, key, subjects)));
}

/** The subjects that were taken out: all of the statement's but those that were kept. */
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

/** Operators by which a statement lists the subjects that it lets in, so that one less is one line less. */
export const LISTING = /^(ForAnyValue:)?String(Equals|EqualsIgnoreCase|Like)(IfExists)?$/i;

/** What becomes of one statement. `remove` without `kept`: all of it goes. */
export type Split =
  | { is: 'untouched' }
  | { is: 'remove'; kept?: JsonObject }
  | { is: 'stuck'; why: string; remedy: string };

/** One statement of a policy, as it is split. */
interface Cut {
  statement: JsonObject;
  /** Names the statement in messages. */
  label: string;
  /** The policy's version. */
  version: unknown;
  provider: OidcProvider;
  leaving: readonly ServiceAccountUse[];
}

/** Those of `leaving` that the statement's actions and these conditions on the subject allow, or may allow. */
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

/** The one condition by which the statement lists its subjects, or why nothing can be taken out of it. */
function listingCondition(
  { statement, label, provider: { arn, subjectKey } }: Cut,
  conditions: readonly SubjectCondition[],
  names: string,
): SubjectCondition | Extract<Split, { is: 'stuck' }> {
  if (!isOnlyPrincipal(statement, arn)) {
    return {
      is: 'stuck',
      why: `${label} lets ${names} in by this cluster's provider, and other principals as well`,
      remedy: `Split ${label} by hand into one for ${arn} and one for the others, then try again.`,
    };
  }
  const [only, ...more] = conditions;
  if (only === undefined) {
    return {
      is: 'stuck',
      why: `${label} lets in every service account of the cluster, since it has no condition on ${subjectKey}`,
      remedy: `Add "StringEquals": {"${subjectKey}": [...]} with the service accounts that still need it, or take the statement out by hand where none does.`,
    };
  }
  if (more.length > 0 || !LISTING.test(only.operator)) {
    return {
      is: 'stuck',
      why: `${label} says by ${conditions.map((one) => one.operator).join(' and ')} on ${subjectKey} whom it lets in, from which ${names} can't be taken out`,
      remedy: `Write it by hand as one "StringEquals": {"${subjectKey}": [...]} with the service accounts that it is for, then try again.`,
    };
  }
  return only;
}

/**
 * Takes `leaving` out of a statement. Only the provider and the subjects decide whether it is concerned, not its other
 * conditions: a statement that names a service account is its trust, whether or not a token would fit it today. Which
 * other actions it has does not matter, since it has no other principal: an OIDC provider's sessions are all that they
 * are for. A condition on a key that begins with a provider's ARN or `https://` counts too: no request has such a key, so
 * that most of these statements allow nobody.
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
  if ('is' in listing) return listing;
  const gone = listing.subjects.filter((subject) => allowedOf(cut, [{ ...listing, subjects: [subject] }]).length > 0);
  const leave = new Set(leaving.map(nameOf));
  const wide = gone.find((subject) => {
    const account = accountOf(subject);
    return account === undefined || !leave.has(nameOf(account));
  });
  if (wide !== undefined) {
    return {
      is: 'stuck',
      why: `${label} lets ${names} in by "${wide}", which covers others too`,
      remedy: `Write the service accounts that still need it in its place by hand, such as "${subjectKey}": ["system:serviceaccount:NAMESPACE:NAME"], or take it out where none does.`,
    };
  }
  const stay = listing.subjects.filter((subject) => !gone.includes(subject));
  return stay.length === 0 ? { is: 'remove' } : { is: 'remove', kept: withSubjects(statement, listing, stay) };
}
