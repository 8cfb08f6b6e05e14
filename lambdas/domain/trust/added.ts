/** Finds the statement that a repair added to a trust policy, and the service accounts that it allows. */
import { clusterArn } from '../aws/arn.ts';
import { POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import type { Target } from '../terms/subject.ts';
import type { TrustRepair } from '../terms/trust.ts';
import {
  isObject,
  type JsonObject,
  readTrust,
  sameJson,
  type ServiceAccountUse,
  textsOf,
  writeStatements,
} from './statements.ts';

/** Returns the one statement that was appended to a policy, or undefined if the policies differ in anything else. */
export function addedStatement({ before, after }: Pick<TrustRepair, 'before' | 'after'>): JsonObject | undefined {
  const [was, is] = [readTrust(before), readTrust(after)];
  if (!was.readable || !is.readable) return undefined;
  const added = is.statements.at(-1);
  const expected = added && writeStatements(was.document, [...was.statements, added]);
  return expected !== undefined && sameJson(JSON.parse(expected), is.document) ? added : undefined;
}

/**
 * Returns the service accounts of the cluster that a statement for EKS Pod Identity names. Returns undefined if the
 * statement does not restrict the cluster, one namespace and the service accounts, and so allows others as well.
 */
export function accountsNamedBy(statement: JsonObject, target: Target): ServiceAccountUse[] | undefined {
  const { Effect, Principal, Condition } = statement;
  if (Effect !== 'Allow' || !sameJson(Principal, { Service: POD_IDENTITY_PRINCIPAL }) || !isObject(Condition))
    return undefined;
  const { StringEquals: texts, ArnEquals: arns } = Condition;
  if (!isObject(texts) || !isObject(arns) || arns['aws:SourceArn'] !== clusterArn(target)) return undefined;
  const [namespace, ...more] = textsOf(texts['aws:RequestTag/kubernetes-namespace']);
  const names = textsOf(texts['aws:RequestTag/kubernetes-service-account']);
  return namespace === undefined || more.length > 0 || names.length === 0
    ? undefined
    : names.map((serviceAccount) => ({ namespace, serviceAccount }));
}

/**
 * Returns the policy without the statement, or undefined if it has no other statement. Returns an unreadable policy
 * unchanged.
 */
export function withoutAdded(policy: string, statement: JsonObject): string | undefined {
  const trust = readTrust(policy);
  if (!trust.readable) return policy;
  const others = trust.statements.filter((one) => !sameJson(one, statement));
  if (others.length === trust.statements.length) return policy;
  return others.length === 0 ? undefined : writeStatements(trust.document, others);
}
