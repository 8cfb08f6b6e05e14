/**
 * Checks the roles that pods assume with the session of their own role: the role itself, and other roles of the account.
 * Public reports: argoproj/argo-cd#17064, external-secrets/external-secrets#4432, aws/eks-pod-identity-agent#80.
 */
import { acceptFlags, accepts } from '../acceptance/accept.ts';
import { parseRoleArn } from '../aws/arn.ts';
import { type Check, fail, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { matchesWildcard, type Statement } from '../policy/index.ts';
import { asClause, asSentence } from '../text/text.ts';
import { type JudgedChain, judgeChain } from './chains-judged.ts';
import type { Facts, RolePoliciesFact } from './facts.ts';
import { seenIn } from '../terms/seen.ts';

const ASSUME = 'sts:assumerole';
const SOURCE = `${GUIDE}, "Grant Pods access to AWS resources based on tags"; IAM User Guide, "Pass session tags in AWS STS"`;

export const allowsAssume = ({ effect, action: { negated, patterns } }: Statement): boolean =>
  effect === 'Allow' && patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), ASSUME)) !== negated;

/** Returns the ARNs of roles that readable policies name exactly, with a statement that allows sts:AssumeRole on them. */
const namedRoles = ({ policies }: RolePoliciesFact): string[] => [
  ...new Set(
    policies
      .flatMap(({ document }) => (document?.valid === true ? document.statements : []))
      .filter(allowsAssume)
      .flatMap(({ resource }) => (resource?.negated === false ? resource.patterns : []))
      .filter((one) => parseRoleArn(one) !== undefined),
  ),
];

/** Returns the other roles of the account that the policies name exactly, and whose trust can therefore be read. */
export const targetsOf = (policies: RolePoliciesFact, roleArn: string, account: string): string[] =>
  namedRoles(policies).filter((one) => one !== roleArn && parseRoleArn(one)?.account === account);

const nameOf = (arn: string): string => parseRoleArn(arn)?.name ?? arn;
const sentences = (texts: readonly string[]): string =>
  texts
    .slice(0, 3)
    .map((one) => ` ${asSentence(one)}`)
    .join('');

/** Describes what the statement is for. */
const addition = ({ targetArn, statement }: JudgedChain): string =>
  statement
    ? `Add this statement to the trust policy of role ${nameOf(targetArn)} and keep the others: ${JSON.stringify(statement)}.`
    : `Change the conflicting statements of role ${nameOf(targetArn)} by hand: no additional statement would allow it.`;

const webIdentity = ({ targetArn, account, trustsWebIdentity }: JudgedChain): string =>
  trustsWebIdentity
    ? ` Role ${nameOf(targetArn)} also trusts the web identity of ${account.namespace}/${account.serviceAccount} itself: software that uses it that way needs the OIDC trust of that role.`
    : '';

/** Checks whether the role may assume itself, if its policies or its trust show that this is intended. */
function checkSelf(facts: Facts, account: PlannedAssociation): Check[] {
  const { roleArn } = account;
  const role = facts.roles[roleArn];
  const policies = facts.rolePolicies[roleArn];
  if (!role || !policies) return [];
  const { document } = role.trustPolicy;
  const isNamed =
    namedRoles(policies).includes(roleArn) ||
    (document.valid &&
      document.statements.some(
        ({ effect, principals }) => effect === 'Allow' && principals?.named.get('AWS')?.includes(roleArn) === true,
      ));
  if (!isNamed) return [];
  const judged = judgeChain(facts, { account, targetArn: roleArn, trust: role.trustPolicy });
  const actions = judged.tagged ? 'sts:AssumeRole and sts:TagSession' : 'sts:AssumeRole';
  if (judged.outcome === 'works' || judged.outcome === 'same')
    return [pass('self-assume', `Role ${nameOf(roleArn)} may assume itself with EKS Pod Identity (${actions}).`)];
  return [
    warn(
      'self-assume',
      `Role ${nameOf(roleArn)} is meant to assume itself, and ${judged.outcome === 'unknown' ? 'may not be allowed to' : 'is not allowed to'} with the session of EKS Pod Identity, which needs ${actions}.${sentences(judged.reasons)}`,
      `${addition(judged)} Better, configure the software without this role: its pods have it already.`,
      SOURCE,
    ),
  ];
}

function checkTarget(facts: Facts, judged: JudgedChain): Check[] {
  const id = 'target-roles';
  const { account, targetArn, outcome, undecided, reasons } = judged;
  const who = `role ${nameOf(account.roleArn)} for ${account.namespace}/${account.serviceAccount}`;
  const target = `Role ${targetArn}`;
  if (outcome === 'works') return [pass(id, `${target} allows ${who} with EKS Pod Identity.${webIdentity(judged)}`)];
  if (outcome === 'same')
    return [
      pass(
        id,
        `Whether ${targetArn} allows ${who} depends on ${some(undecided)}, with EKS Pod Identity as with IRSA.${webIdentity(judged)}`,
      ),
    ];
  if (outcome === 'unused')
    return [pass(id, `${target} allows ${who} neither with IRSA nor with EKS Pod Identity.${webIdentity(judged)}`)];
  if (outcome === 'unknown')
    return [
      warn(
        id,
        `${target} may not allow ${who} with the session of EKS Pod Identity.${sentences(reasons)}${webIdentity(judged)}`,
        judged.statement ? `To be sure: ${addition(judged)}` : `Check the trust policy and the policies of both roles.`,
        SOURCE,
      ),
    ];
  const found = `${target} does not allow ${who} with the session of EKS Pod Identity${judged.tagged ? ', whose session tags need sts:TagSession' : ''}, and may have allowed that of IRSA.${sentences(reasons)}${webIdentity(judged)}`;
  if (accepts(facts.request, 'target-role', targetArn))
    return [warn(id, `${found} The request accepts that.`, addition(judged), SOURCE)];
  const accept = acceptFlags('target-role', [targetArn]);
  return [fail(id, found, `${addition(judged)} If no pod assumes this role, accept it by name: ${accept}`, SOURCE)];
}

function checkTargets(facts: Facts, account: PlannedAssociation): Check[] {
  const policies = facts.rolePolicies[account.roleArn];
  if (!policies || !facts.targetRoles) return [];
  const named = targetsOf(policies, account.roleArn, facts.request.target.account);
  const judged = named.flatMap((targetArn) => {
    const trust = seenIn(facts.targetRoles?.[targetArn]);
    return trust ? [judgeChain(facts, { account, targetArn, trust })] : [];
  });
  return judged.flatMap((one) => checkTarget(facts, one));
}

/** Returns the targets that could not be read, with the reason: other accounts and wildcards are not among them. */
export function unreadTargets({ targetRoles, request }: Facts, policies: RolePoliciesFact, roleArn: string): string[] {
  if (!targetRoles) return [];
  return targetsOf(policies, roleArn, request.target.account).flatMap((arn) => {
    const found = targetRoles[arn];
    if (!found) return [`${arn} (more roles than the plan reads)`];
    return 'error' in found ? [`${arn} (${asClause(found.error)})`] : [];
  });
}

/** Returns whether the check `target-roles` has decided about a resource of a policy. */
export const isJudgedTarget = ({ targetRoles }: Facts, resource: string): boolean => {
  const found = targetRoles?.[resource];
  return found !== undefined && 'seen' in found;
};

/** Returns the checks for each planned service account whose role's policies were read. */
export const checkChains = (facts: Facts, planned: readonly PlannedAssociation[]): Check[] =>
  planned.flatMap((one) => [...checkSelf(facts, one), ...checkTargets(facts, one)]);
