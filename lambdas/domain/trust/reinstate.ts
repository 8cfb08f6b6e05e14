/** Undoes a retirement: restores the removed statements in the current trust policy. */
import { clusterArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import { evaluateIrsa, parsePolicy } from '../policy/index.ts';
import type { TrustRetirement } from '../terms/trust.ts';
import { accountOf, oidcProvider, type OidcProvider, takenOut } from './oidc-statements.ts';
import type { Undo } from './repair.ts';
import { limitFor } from './size.ts';
import {
  isObject,
  type JsonObject,
  readTrust,
  replaceMember,
  sameJson,
  samePolicy,
  type ServiceAccountUse,
  sidsOf,
  textsOf,
  writeStatements,
} from './statements.ts';

type Removed = TrustRetirement['removed'][number];

const PROVIDER = /^arn:([\w-]+):iam::(\d{12}):oidc-provider\/(.+)$/;
/** Source: DescribeCluster, `identity.oidc.issuer`. */
const ISSUER_REGION = /^oidc\.eks\.([a-z0-9-]+)\./;

/** Returns the OIDC provider that a removed statement trusts, or undefined if it is not a provider of EKS. */
export function providerOf({ statement }: Removed): OidcProvider | undefined {
  const arn = isObject(statement['Principal']) ? textsOf(statement['Principal']['Federated'])[0] : undefined;
  const [, partition, account, host] = PROVIDER.exec(arn ?? '') ?? [];
  const region = ISSUER_REGION.exec(host ?? '')?.[1];
  if (account === undefined || region === undefined || partitionOf(region) !== partition) return undefined;
  // Evaluating a token's issuer and subject does not need the cluster's name.
  return oidcProvider({ account, region, cluster: '' }, `https://${host}`);
}

/** Returns the statement with a Sid that no other statement has, since IAM requires Sids to be unique. */
function withFreeSid(statement: JsonObject, taken: ReadonlySet<string>): JsonObject {
  const sid = textsOf(statement['Sid'])[0];
  if (sid === undefined || !taken.has(sid)) return statement;
  let number = 2;
  while (taken.has(`${sid}${number}`)) number += 1;
  return replaceMember(statement, 'Sid', `${sid}${number}`);
}

/**
 * Adds one removed statement. It replaces the kept part if that is unchanged. Otherwise the statement is appended with
 * only the removed subjects, so that no other principal is allowed again.
 */
function add(statements: readonly JsonObject[], removed: Removed): JsonObject[] {
  const at = removed.kept === undefined ? -1 : statements.findIndex((one) => sameJson(one, removed.kept));
  if (at >= 0) return statements.map((one, index) => (index === at ? removed.statement : one));
  const provider = providerOf(removed);
  return [
    ...statements,
    withFreeSid(provider ? takenOut(removed, provider).part : removed.statement, sidsOf(statements)),
  ];
}

/** Restores one removed statement, unless the policy has it. */
const restore = (statements: readonly JsonObject[], removed: Removed): JsonObject[] =>
  statements.some((one) => sameJson(one, removed.statement)) ? [...statements] : add(statements, removed);

/** Returns the service accounts that a removed statement allowed, with the provider; undefined if they are not known. */
function usesOf(removed: Removed): { provider: OidcProvider; accounts: ServiceAccountUse[] } | undefined {
  const provider = providerOf(removed);
  if (!provider) return undefined;
  const accounts = takenOut(removed, provider).subjects.map(accountOf);
  return accounts.length > 0 && accounts.every((one) => one !== undefined) ? { provider, accounts } : undefined;
}

/**
 * Returns the service accounts that a retirement took the trust from; undefined if a removed statement allows some by a
 * pattern, or in a way that is not known.
 */
export function removedAccounts({ removed }: Pick<TrustRetirement, 'removed'>): ServiceAccountUse[] | undefined {
  const uses = removed.map(usesOf);
  return uses.includes(undefined) ? undefined : uses.flatMap((one) => one?.accounts ?? []);
}

/**
 * Returns whether the policy before differs from the one after only by the removed statements, in any order. The record
 * of a second retirement of a role may not: other principals may have changed the policy in between.
 */
function isWhole({ before, after, removed }: TrustRetirement): boolean {
  const [was, is] = [readTrust(before), readTrust(after)];
  if (!was.readable || !is.readable) return false;
  // A policy may contain the same statement twice.
  const expected = removed.reduce(add, is.statements);
  const matched = was.statements.filter((one) => {
    const at = expected.findIndex((other) => sameJson(one, other));
    if (at >= 0) expected.splice(at, 1);
    return at >= 0;
  });
  return (
    expected.length === 0 &&
    matched.length === was.statements.length &&
    samePolicy(writeStatements(was.document, []), writeStatements(is.document, []))
  );
}

/**
 * Returns how to undo a retirement: write exactly the policy before it, or, if the policy has changed since, restore the
 * removed statements in the current policy.
 */
export function undoRetirement(retirement: TrustRetirement, current: string, maxLength?: number): Undo {
  if (samePolicy(current, retirement.after) && isWhole(retirement)) return { do: 'write', document: retirement.before };
  if (samePolicy(current, retirement.before)) return { do: 'nothing' };
  const trust = readTrust(current);
  if (!trust.readable) return { do: 'refuse', why: `${trust.why}. ${trust.remedy}` };
  const isAllowed = (removed: Removed): boolean => {
    const known = usesOf(removed);
    return (
      known !== undefined &&
      known.accounts.every(
        (one) =>
          evaluateIrsa(trust.policy, {
            ...one,
            clusterArn: clusterArn(known.provider.target),
            oidcIssuer: known.provider.issuer,
          }).verdict === 'allowed',
      )
    );
  };
  const statements = retirement.removed.filter((one) => !isAllowed(one)).reduce(restore, trust.statements);
  const document = writeStatements(trust.document, statements);
  if (sameJson(statements, trust.statements)) return { do: 'nothing' };
  const written = parsePolicy(document, 'trust');
  if (!written.valid)
    return {
      do: 'refuse',
      why: `The trust policy of ${retirement.roleArn} would not be valid with the removed statements restored, at ${written.path}: ${written.reason}. Restore the statements by hand: ${JSON.stringify(retirement.removed.map((one) => one.statement))}`,
    };
  const limit = limitFor(Math.max(trust.length, JSON.stringify(JSON.parse(retirement.before)).length), maxLength);
  if (document.length > limit) {
    return {
      do: 'refuse',
      why: `The trust policy of ${retirement.roleArn} has grown since the retirement. With the removed statements restored it would have ${document.length} characters without white space, and IAM allows ${limit}. Shorten the policy, or restore the statements by hand: ${JSON.stringify(retirement.removed.map((one) => one.statement))}`,
    };
  }
  return { do: 'write', document };
}
