/** The way back of a retirement: puts what was taken out of a trust policy back into the one that is there now. */
import { clusterArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import { evaluateIrsa, parsePolicy } from '../policy/index.ts';
import type { TrustRetirement } from './model.ts';
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

/** The provider that a removed statement is for; `undefined` where it is not one of EKS. */
export function providerOf({ statement }: Removed): OidcProvider | undefined {
  const arn = isObject(statement['Principal']) ? textsOf(statement['Principal']['Federated'])[0] : undefined;
  const [, partition, account, host] = PROVIDER.exec(arn ?? '') ?? [];
  const region = ISSUER_REGION.exec(host ?? '')?.[1];
  if (account === undefined || region === undefined || partitionOf(region) !== partition) return undefined;
  // The cluster's name has no part in what a token's issuer and subject may do.
  return oidcProvider({ account, region, cluster: '' }, `https://${host}`);
}

/** The statement under a Sid that no other has: IAM takes each but once. */
function withFreeSid(statement: JsonObject, taken: ReadonlySet<string>): JsonObject {
  const sid = textsOf(statement['Sid'])[0];
  if (sid === undefined || !taken.has(sid)) return statement;
  let number = 2;
  while (taken.has(`${sid}${number}`)) number += 1;
  return replaceMember(statement, 'Sid', `${sid}${number}`);
}

/**
 * One removed statement put back: in the place of what was kept of it, where that stands unchanged; otherwise at the
 * end, for the subjects alone that were taken out, so that nobody else is let in again.
 */
function putBack(statements: readonly JsonObject[], removed: Removed): JsonObject[] {
  if (statements.some((one) => sameJson(one, removed.statement))) return [...statements];
  const at = removed.kept === undefined ? -1 : statements.findIndex((one) => sameJson(one, removed.kept));
  if (at >= 0) return statements.map((one, index) => (index === at ? removed.statement : one));
  const provider = providerOf(removed);
  return [
    ...statements,
    withFreeSid(provider ? takenOut(removed, provider).part : removed.statement, sidsOf(statements)),
  ];
}

/** The service accounts that a removed statement let in, with the provider; `undefined` where that can't be told. */
function usesOf(removed: Removed): { provider: OidcProvider; accounts: ServiceAccountUse[] } | undefined {
  const provider = providerOf(removed);
  if (!provider) return undefined;
  const accounts = takenOut(removed, provider).subjects.map(accountOf);
  return accounts.length > 0 && accounts.every((one) => one !== undefined) ? { provider, accounts } : undefined;
}

/**
 * Whether the policy before is the one after with the removed statements, in whatever order, and no other difference.
 * The note of a second retirement of a role need not be so: others may have changed the policy in between.
 */
function isWhole({ before, after, removed }: TrustRetirement): boolean {
  const [was, is] = [readTrust(before), readTrust(after)];
  if (!was.readable || !is.readable) return false;
  const expected = removed.reduce(putBack, is.statements);
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
 * Writes what was there before, exactly, or puts the statements back into what somebody else has made of the policy
 * since.
 */
export function undoRetirement(retirement: TrustRetirement, current: string, maxLength?: number): Undo {
  if (samePolicy(current, retirement.after) && isWhole(retirement)) return { do: 'write', document: retirement.before };
  if (samePolicy(current, retirement.before)) return { do: 'nothing' };
  const trust = readTrust(current);
  if (!trust.readable) return { do: 'refuse', why: `${trust.why}. ${trust.remedy}` };
  const isIn = (removed: Removed): boolean => {
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
  const statements = retirement.removed.filter((one) => !isIn(one)).reduce(putBack, trust.statements);
  const document = writeStatements(trust.document, statements);
  if (sameJson(statements, trust.statements)) return { do: 'nothing' };
  const written = parsePolicy(document, 'trust');
  if (!written.valid)
    return {
      do: 'refuse',
      why: `The trust policy of ${retirement.roleArn} with the statements put back would not be valid at ${written.path}: ${written.reason}. Put them back by hand: ${JSON.stringify(retirement.removed.map((one) => one.statement))}`,
    };
  const limit = limitFor(Math.max(trust.length, JSON.stringify(JSON.parse(retirement.before)).length), maxLength);
  if (document.length > limit) {
    return {
      do: 'refuse',
      why: `Somebody has added to the trust policy of ${retirement.roleArn} since: with the statements put back it would have ${document.length} characters without white space, and IAM takes ${limit}. Make room, or put them back by hand: ${JSON.stringify(retirement.removed.map((one) => one.statement))}`,
    };
  }
  return { do: 'write', document };
}
