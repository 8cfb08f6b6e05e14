/**
 * Whether IRSA would work for the pods that a rollback returns to it: the cluster's issuer, its OIDC provider in IAM and
 * the provider's audience, the role, and the role's trust policy (ADR 111).
 */
import { clusterArn, oidcProviderArn, parseRoleArn } from '../aws/arn.ts';
import { type Check, warn } from '../terms/check.ts';
import type { Snapshot } from '../record/migration.ts';
import type { Target } from '../terms/subject.ts';
import { type Seen, seenIn } from '../terms/seen.ts';
import { evaluateIrsa, parsePolicy, TOKEN_AUDIENCE } from '../policy/index.ts';
import { asClause } from '../text/text.ts';
import { nameOf, type ServiceAccountUse } from '../trust/statements.ts';

/** What was read. A part that could not be read has the reason, and what depends on another part is absent without it. */
export interface IrsaFacts {
  target: Target;
  roleArn: string;
  issuer: Seen<string | undefined>;
  /** The audiences of the issuer's OIDC provider; undefined if IAM has no such provider. */
  audiences?: Seen<readonly string[] | undefined>;
  /** The role's trust policy as JSON text; undefined if the role does not exist. */
  trustPolicy: Seen<string | undefined>;
}

/** Why IRSA does not work. `text` is a clause. `accounts` has those that the trust policy does not certainly allow. */
export type IrsaProblem =
  | { is: 'no-issuer' | 'no-provider' | 'no-audience' | 'no-role'; text: string }
  | { is: 'no-trust'; text: string; accounts: ServiceAccountUse[] };

export interface IrsaJudged {
  problems: IrsaProblem[];
  /** Why parts could not be read, as clauses. */
  unread: string[];
}

function trustProblem(
  { target, roleArn }: IrsaFacts,
  { issuer, trustPolicy }: { issuer: string; trustPolicy: string },
  accounts: readonly ServiceAccountUse[],
  acceptedKeys: readonly string[],
): IrsaProblem[] {
  const policy = parsePolicy(trustPolicy, 'trust');
  const roleAccount = parseRoleArn(roleArn)?.account ?? target.account;
  const closed = accounts.flatMap((account) => {
    const { namespace, serviceAccount } = account;
    const use = { clusterArn: clusterArn(target), namespace, serviceAccount, oidcIssuer: issuer, roleAccount };
    const { verdict, reasons } = evaluateIrsa(policy, use, { acceptedKeys });
    const why = reasons.map(({ message }) => asClause(message)).join('; ');
    return verdict === 'allowed' ? [] : [{ account, text: `${nameOf(account)} (${why})` }];
  });
  if (closed.length === 0) return [];
  const text = `it is not certain that the OIDC trust of ${roleArn} allows these service accounts: ${closed.map((one) => one.text).join(', ')}`;
  return [{ is: 'no-trust', text, accounts: closed.map((one) => one.account) }];
}

/** Evaluates whether IRSA works for these service accounts. What could not be read is no problem. */
export function judgeIrsa(
  facts: IrsaFacts,
  accounts: readonly ServiceAccountUse[],
  acceptedKeys: readonly string[],
): IrsaJudged {
  const { target, roleArn, issuer, audiences, trustPolicy } = facts;
  const unread = [issuer, audiences, trustPolicy].flatMap((part) =>
    part && 'error' in part ? [asClause(part.error)] : [],
  );
  const problems: IrsaProblem[] = [];
  const url = seenIn(issuer);
  if ('seen' in issuer && url === undefined)
    problems.push({
      is: 'no-issuer',
      text: `EKS shows no OIDC issuer for cluster ${target.cluster}, without which pods can't use the IRSA role ${roleArn}`,
    });
  if (url !== undefined && audiences && 'seen' in audiences) {
    const provider = oidcProviderArn(target, url);
    if (audiences.seen === undefined)
      problems.push({ is: 'no-provider', text: `IAM has no OIDC provider ${provider}, which IRSA needs` });
    else if (!audiences.seen.includes(TOKEN_AUDIENCE))
      problems.push({
        is: 'no-audience',
        text: `OIDC provider ${provider} does not have the audience ${TOKEN_AUDIENCE}`,
      });
  }
  const policy = seenIn(trustPolicy);
  if ('seen' in trustPolicy && policy === undefined)
    problems.push({ is: 'no-role', text: `the IRSA role ${roleArn} no longer exists` });
  if (url !== undefined && policy !== undefined)
    problems.push(...trustProblem(facts, { issuer: url, trustPolicy: policy }, accounts, acceptedKeys));
  return { problems, unread };
}

/** Returns the service accounts for which IRSA does not work: those that the trust does not allow, or all of them. */
export const brokenFor = (problems: readonly IrsaProblem[], accounts: readonly ServiceAccountUse[]): string[] => [
  ...new Set(problems.flatMap((one) => (one.is === 'no-trust' ? one.accounts : accounts)).map(nameOf)),
];

/** Returns the service accounts of a migration for which IRSA worked before it, as far as is known. */
export const workedBefore = <Account extends ServiceAccountUse>(
  accounts: readonly Account[],
  { irsaBroken = [] }: Pick<Snapshot, 'irsaBroken'>,
): Account[] => accounts.filter((one) => !irsaBroken.includes(nameOf(one)));

/** The id of the warning. */
export const IRSA_NOT_READ = 'irsa-not-read';

/** Returns the warning that the rollback went on without knowing whether IRSA works. `unread` has the reasons. */
export const irsaNotRead = (roleArn: string, unread: readonly string[]): Check =>
  warn(
    IRSA_NOT_READ,
    `It could not be read whether the pods can use the IRSA role ${roleArn} again: ${unread.join('; ')}.`,
    'Check that the pods have credentials. Give the roles of the service the rights that docs/permissions.md lists.',
  );
