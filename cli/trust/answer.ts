/** Evaluates a trust policy for a service account: the same in a single check, a batch and a repair. */
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import {
  evaluateIrsa,
  evaluatePodIdentity,
  type Evaluation,
  type ParsedPolicy,
  type Reason,
  type TrustUse,
  type Verdict,
} from '../../lambdas/domain/policy/index.ts';

export interface Answer {
  verdict: Verdict;
  /** Reasons of what is not allowed first. */
  reasons: Reason[];
  /** Keys whose value would decide the verdict; absent if there are none. */
  undecided?: string[];
  /** Keys accepted by name that the verdict depends on; absent if there are none. */
  accepted?: string[];
}

export interface Answers {
  podIdentity: Answer;
  irsa: Answer;
}

const answerOf = ({ verdict, reasons, undecided, accepted }: Evaluation): Answer => ({
  verdict,
  reasons,
  ...(undecided.length > 0 ? { undecided } : {}),
  ...(accepted.length > 0 ? { accepted } : {}),
});

/** A use whose cluster messages name. */
export type ClusterUse = TrustUse & { target: Target };

export interface Question {
  use: ClusterUse;
  acceptedKeys: readonly string[];
  /** The role with the policy; absent if not known. */
  roleArn?: string | undefined;
}

/** Returns the account of a role outside the cluster's account; undefined if it is inside, or not known. */
export const otherAccount = (roleArn: string | undefined, { account }: { account: string }): string | undefined => {
  const own = roleArn === undefined ? undefined : parseRoleArn(roleArn)?.account;
  return own === account ? undefined : own;
};

/**
 * Returns a reason that is independent of trust policies. Source: EKS API Reference, CreatePodIdentityAssociation: the
 * association's role "is in this account".
 */
const ofOtherAccount = (account: string, { target }: ClusterUse): Reason => ({
  message: `The role is in account ${account} and the cluster in ${target.account}: regardless of the trust policy, EKS associates service accounts only with roles in the cluster's account, which may then assume this role as their target role.`,
});

/**
 * Evaluates the policy for Pod Identity and for IRSA. A role of another account than the cluster's trusts the OIDC
 * provider that its own account has for the cluster (EKS User Guide, "Authenticate to another account with IRSA").
 */
export const answersOf = (policy: ParsedPolicy, { use, acceptedKeys, roleArn }: Question): Answers => {
  const options = { acceptedKeys };
  const other = otherAccount(roleArn, use.target);
  const asked = other === undefined ? use : { ...use, roleAccount: other };
  const podIdentity = evaluatePodIdentity(policy, asked, options);
  const irsa = evaluateIrsa(policy, asked, options);
  return {
    podIdentity: answerOf(
      policy.valid && other !== undefined
        ? { ...podIdentity, reasons: [...podIdentity.reasons, ofOtherAccount(other, use)] }
        : podIdentity,
    ),
    irsa: answerOf(irsa),
  };
};

const WORST_FIRST: readonly Verdict[] = ['invalid', 'denied', 'unknown', 'allowed'];

const joined = (lists: readonly (readonly string[] | undefined)[]): string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
];

const worstOf = (answers: readonly { name: string; answer: Answer }[]): Answer => {
  const sorted = answers.toSorted(
    (a, b) => WORST_FIRST.indexOf(a.answer.verdict) - WORST_FIRST.indexOf(b.answer.verdict),
  );
  const undecided = joined(answers.map(({ answer }) => answer.undecided));
  const accepted = joined(answers.map(({ answer }) => answer.accepted));
  return {
    verdict: sorted[0]?.answer.verdict ?? 'unknown',
    reasons: sorted.flatMap(({ name, answer }) =>
      answer.reasons.map((reason) => ({ ...reason, message: `${name}: ${reason.message}` })),
    ),
    ...(undecided.length > 0 ? { undecided } : {}),
    ...(accepted.length > 0 ? { accepted } : {}),
  };
};

/**
 * Returns one answer for several service accounts of a namespace: the worst verdict, and every reason with the name of
 * its service account.
 */
export const answersOfAll = (policy: ParsedPolicy, questions: readonly Question[]): Answers => {
  const [only, ...others] = questions;
  if (only && others.length === 0) return answersOf(policy, only);
  const all = questions.map((question) => ({
    name: question.use.serviceAccount,
    answers: answersOf(policy, question),
  }));
  return {
    podIdentity: worstOf(all.map(({ name, answers }) => ({ name, answer: answers.podIdentity }))),
    irsa: worstOf(all.map(({ name, answers }) => ({ name, answer: answers.irsa }))),
  };
};
