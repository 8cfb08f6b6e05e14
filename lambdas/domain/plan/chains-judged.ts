/**
 * Decides whether a role's sessions can assume another role of the same account: with IRSA, and with EKS Pod Identity,
 * whose session tags are transitive. Sources: IAM User Guide, "Policy evaluation logic" (within an account, a trust policy
 * that names the role needs no identity policy) and "Pass session tags in AWS STS".
 */
import { clusterArn, oidcProviderArn, parseRoleArn } from '../aws/arn.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import {
  type ChainUse,
  chainRequest,
  evaluate,
  evaluateIrsa,
  type Evaluation,
  isChangedByPodIdentity,
  type ParsedPolicy,
  parsePolicy,
  type Verdict,
} from '../policy/index.ts';
import { readTrust, type JsonObject, writeStatements } from '../trust/statements.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Facts, RolePoliciesFact } from './facts.ts';
import { losesSessionTags } from './trust-checks.ts';

type Action = 'sts:AssumeRole' | 'sts:TagSession';

/** A planned service account whose role assumes the target. */
export interface Chain {
  account: PlannedAssociation;
  targetArn: string;
  trust: TrustPolicy;
}

/**
 * `works`: the session of EKS Pod Identity may assume the target. `breaks`: it may not, and that of IRSA may have been
 * allowed. `unused`: neither may. `same`: it depends on what is the same with both. `unknown`: on something that is not.
 */
export type ChainOutcome = 'works' | 'breaks' | 'unused' | 'same' | 'unknown';

export interface JudgedChain extends Chain {
  outcome: ChainOutcome;
  reasons: string[];
  undecided: string[];
  /** Whether the session has tags. */
  tagged: boolean;
  /** The statement for the target's trust policy. Absent if no statement would help. */
  statement?: JsonObject;
  /** Whether the target trusts the service account's web identity itself. */
  trustsWebIdentity: boolean;
}

interface Answer {
  verdict: Verdict;
  reasons: string[];
  undecided: string[];
  /** For `unknown`: what leaves each action open, as a text that can be compared. */
  open: string[];
}

const allowAll: ParsedPolicy = parsePolicy(
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
  'identity',
);

/** AWS managed policies, which are not read, that allow sts:AssumeRole on every role. */
export const MANAGED_CHAINING = /^arn:[^:]+:iam::aws:policy\/(AdministratorAccess|PowerUserAccess)$/;

/** The identity policies of a role. `partial`: some could not be read. */
interface Identity {
  documents: ParsedPolicy[];
  partial: boolean;
}

function identityOf(policies: RolePoliciesFact | undefined): Identity {
  const all = policies?.policies ?? [];
  return {
    documents: all.flatMap(({ arn = '', document }) =>
      document === undefined ? (MANAGED_CHAINING.test(arn) ? [allowAll] : []) : document.valid ? [document] : [],
    ),
    partial:
      policies === undefined || policies.error !== undefined || all.some(({ document }) => document?.valid === false),
  };
}

const WORST_FIRST: readonly Verdict[] = ['invalid', 'denied', 'unknown', 'allowed'];

/** What the role's own policies decide: whether they deny the call, and whether they allow it. */
function ofIdentity({ documents, partial }: Identity, use: ChainUse, action: Action, resource: string) {
  const request = { ...chainRequest(use, action), resource };
  const allowed = evaluate(documents, request);
  const spared = evaluate([...documents, allowAll], request);
  const allows: Verdict = allowed.verdict === 'denied' && partial ? 'unknown' : allowed.verdict;
  return { spares: spared.verdict, allows, undecided: [...allowed.undecided, ...spared.undecided] };
}

const worse = (one: Verdict, other: Verdict): Verdict =>
  WORST_FIRST.indexOf(one) < WORST_FIRST.indexOf(other) ? one : other;
const better = (one: Verdict, other: Verdict): Verdict => (worse(one, other) === one ? other : one);

/**
 * Evaluates one action: the trust policy must allow it to the role or its session, or to the account, which leaves it to
 * the role's own policies; and none of these may deny it.
 */
function judgeAction(
  trust: ParsedPolicy,
  identity: Identity,
  use: ChainUse,
  action: Action,
  targetArn: string,
): Answer {
  const request = chainRequest(use, action);
  const whole = evaluate(trust, request);
  const why = whole.reasons.map(({ message }) => message);
  if (whole.verdict === 'denied' || whole.verdict === 'invalid')
    return { verdict: whole.verdict, reasons: why, undecided: [], open: [] };
  const own = ofIdentity(identity, use, action, targetArn);
  const names = [use.roleArn, ...(use.sessionArns ?? [])];
  const direct = evaluate(trust, { ...request, principal: { type: 'AWS', values: names } });
  const granted = better(worse(direct.verdict, whole.verdict), worse(whole.verdict, own.allows));
  const verdict = worse(granted, own.spares);
  if (verdict === 'allowed') return { verdict, reasons: [], undecided: [], open: [] };
  if (verdict === 'denied')
    return {
      verdict,
      reasons: [
        own.spares === 'denied'
          ? `the role's own policies deny ${action} on it`
          : `the trust policy leaves ${action} to the role's own policies, since it names the account, and they do not allow it`,
      ],
      undecided: [],
      open: [],
    };
  const undecided = [...whole.undecided, ...direct.undecided, ...own.undecided];
  const ofTrust = (one: Evaluation): string =>
    one.verdict === 'unknown' ? one.reasons.map(({ statement = '', key = '' }) => `${statement} ${key}`).join() : '';
  const [ofWhole, ofDirect] = [ofTrust(whole), ofTrust(direct)];
  // Where only statements for the account are open, the role's own policies decide whether they count.
  const allowing = ofWhole === ofDirect ? [] : [own.allows];
  return {
    verdict,
    reasons:
      whole.verdict === 'unknown'
        ? why
        : undecided.length > 0 && direct.verdict === 'unknown'
          ? direct.reasons.map(({ message }) => message)
          : [`whether the role's own policies allow ${action} on it is not known`],
    undecided: [...new Set(undecided)],
    open: [JSON.stringify([ofWhole, ofDirect, allowing, own.undecided])],
  };
}

function worst(answers: readonly Answer[]): Answer {
  const verdict = WORST_FIRST.find((one) => answers.some((answer) => answer.verdict === one)) ?? 'unknown';
  const decisive = answers.filter((one) => one.verdict === verdict);
  return {
    verdict,
    reasons: [...new Set(decisive.flatMap(({ reasons }) => reasons))],
    undecided: [...new Set(decisive.flatMap(({ undecided }) => undecided))],
    open: [...new Set(decisive.flatMap(({ open }) => open))],
  };
}

/** The values that conditions on `aws:userid` want: `ROLE_ID:SESSION_NAME`. */
const wantedUserIds = (policy: ParsedPolicy): string[] =>
  policy.valid
    ? policy.statements.flatMap(({ conditions }) =>
        conditions.filter(({ key }) => key.toLowerCase() === 'aws:userid').flatMap(({ wanted }) => wanted),
      )
    : [];

/** Session names have 64 characters at most, and clusters up to 100: how EKS shortens a long one is not documented. */
const SURE_LENGTH = 20;
/** The ID of a role that no policy names. */
const OTHER_ID = 'AROAOTHER';

/**
 * Returns user ids that stand for every session of EKS Pod Identity, whose names begin with `eks-CLUSTER-`: none if a
 * condition may match some of these names and not others, or depends on a variable. The role's own ID is not read. It is the
 * same for both sessions, unless the migration changes the role: then the policy may mean the former.
 */
function sampleUserIds(policy: ParsedPolicy, cluster: string, isSameRole: boolean): string[] {
  const start = `eks-${cluster}-`.slice(0, SURE_LENGTH);
  const samples = new Set<string>(isSameRole ? [] : [`${OTHER_ID}:eks-${cluster}-pod`]);
  for (const wanted of wantedUserIds(policy)) {
    const [role = '', session = ''] = wanted.split(':');
    const literal = /^[^*?]*/.exec(session)?.[0] ?? '';
    const isAny = session === '*';
    if (wanted.includes('$') || (!isAny && (literal.startsWith(start) || start.startsWith(literal)))) return [];
    samples.add(`${role.replaceAll('*', '').replaceAll('?', 'A') || 'AROA'}:eks-${cluster}-pod`);
  }
  return [...samples];
}

const tagsOf = (
  { request: { target } }: Facts,
  { namespace, serviceAccount }: PlannedAssociation,
): Record<string, string | undefined> => ({
  'eks-cluster-arn': clusterArn(target),
  'eks-cluster-name': target.cluster,
  'kubernetes-namespace': namespace,
  'kubernetes-service-account': serviceAccount,
  'kubernetes-pod-name': undefined,
  'kubernetes-pod-uid': undefined,
});

/** Evaluates the session of EKS Pod Identity. */
function judgeNew(facts: Facts, trust: ParsedPolicy, { account, targetArn }: Chain, tagged: boolean): Answer {
  const { roleArn } = account;
  const identity = identityOf(facts.rolePolicies[roleArn]);
  const use: ChainUse = {
    roleArn,
    roleTags: facts.roles[roleArn]?.tags,
    resourceAccount: parseRoleArn(targetArn)?.account ?? '',
    ...(tagged ? { tags: tagsOf(facts, account) } : {}),
  };
  const actions: Action[] = tagged ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'];
  const by = (one: ChainUse): Answer =>
    worst(actions.map((action) => judgeAction(trust, identity, one, action, targetArn)));
  const answer = by(use);
  if (answer.verdict !== 'unknown' || !answer.undecided.some((key) => key.toLowerCase() === 'aws:userid'))
    return answer;
  const isSameRole = roleArn === irsaRoleOf(facts);
  const sampled = sampleUserIds(trust, facts.request.target.cluster, isSameRole).map((userId) =>
    by({ ...use, userId }),
  );
  const [first, ...more] = sampled;
  return first && more.every(({ verdict }) => verdict === first.verdict) ? first : answer;
}

/** Evaluates the session of IRSA, which may have any name that the trust policy has for it. */
function judgeOld(facts: Facts, trust: ParsedPolicy, targetArn: string): Answer {
  const roleArn = irsaRoleOf(facts);
  const role = roleArn === undefined ? undefined : parseRoleArn(roleArn);
  if (roleArn === undefined || !role || !trust.valid)
    return { verdict: 'denied', reasons: [], undecided: [], open: [] };
  const sessions = `:sts::${role.account}:assumed-role/${role.name}/`;
  const named = trust.statements.flatMap(({ principals }) => principals?.named.get('AWS') ?? []);
  const { request, cluster } = facts;
  const use: ChainUse = {
    roleArn,
    sessionArns: named.filter((one) => one.includes(sessions)),
    roleTags: facts.roles[roleArn]?.tags,
    resourceAccount: parseRoleArn(targetArn)?.account ?? '',
    federatedProvider: cluster?.oidcIssuer === undefined ? '' : oidcProviderArn(request.target, cluster.oidcIssuer),
  };
  const identity = facts.rolePolicies[roleArn]
    ? identityOf(facts.rolePolicies[roleArn])
    : { documents: [], partial: true };
  return judgeAction(trust, identity, use, 'sts:AssumeRole', targetArn);
}

/** Returns the statement for the trust policy of the target. */
const statementFor = (roleArn: string, tagged: boolean): JsonObject => ({
  Effect: 'Allow',
  Principal: { AWS: roleArn },
  Action: tagged ? ['sts:AssumeRole', 'sts:TagSession'] : 'sts:AssumeRole',
});

/** Returns the statement if the target would allow the session with it. */
function helpingStatement(facts: Facts, chain: Chain, tagged: boolean): JsonObject | undefined {
  const trust = readTrust(chain.trust);
  if (!trust.readable) return undefined;
  const statement = statementFor(chain.account.roleArn, tagged);
  const mended = parsePolicy(writeStatements(trust.document, [...trust.statements, statement]), 'trust');
  return judgeNew(facts, mended, chain, tagged).verdict === 'allowed' ? statement : undefined;
}

/**
 * Returns the outcome. What is not known changes nothing if the same statements leave the call of the former session open,
 * and if the values of their keys are the same for both.
 */
function outcomeOf(now: Answer, before: Answer): ChainOutcome {
  if (now.verdict === 'allowed') return 'works';
  if (now.verdict === 'denied') return before.verdict === 'denied' ? 'unused' : 'breaks';
  const isSame =
    now.verdict === 'unknown' &&
    before.verdict === 'unknown' &&
    now.undecided.length > 0 &&
    !now.undecided.some(isChangedByPodIdentity) &&
    now.open.every((one) => one === before.open[0]);
  return isSame ? 'same' : 'unknown';
}

export function judgeChain(facts: Facts, chain: Chain): JudgedChain {
  const { account, targetArn, trust } = chain;
  const policy = trust.document;
  const tagged = !losesSessionTags(facts, account);
  const now = judgeNew(facts, policy, chain, tagged);
  const outcome = outcomeOf(now, judgeOld(facts, policy, targetArn));
  const { request, cluster } = facts;
  const web =
    cluster?.oidcIssuer === undefined
      ? 'denied'
      : evaluateIrsa(policy, {
          clusterArn: clusterArn(request.target),
          namespace: account.namespace,
          serviceAccount: account.serviceAccount,
          oidcIssuer: cluster.oidcIssuer,
        }).verdict;
  const statement = outcome === 'works' || outcome === 'same' ? undefined : helpingStatement(facts, chain, tagged);
  return {
    ...chain,
    outcome,
    reasons: now.reasons,
    undecided: now.undecided,
    tagged,
    trustsWebIdentity: policy.valid && web !== 'denied',
    ...(statement ? { statement } : {}),
  };
}
