/**
 * What is answered about one service account and one trust policy: the same in a single check, a batch and a repair.
 */
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
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
  /** Those of what is not allowed first. */
  reasons: Reason[];
  /** Keys whose value would decide it; there where there are some. */
  undecided?: string[];
  /** Keys that were accepted by name, and that the verdict rests on; there where there are some. */
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
  /** Absent where it is not said whose policy it is. */
  roleArn?: string | undefined;
}

/** Whether the role is in another account than the cluster; `undefined`: it is not, or not known to be. */
export const otherAccount = (roleArn: string | undefined, { account }: { account: string }): string | undefined => {
  const own = roleArn === undefined ? undefined : parseRoleArn(roleArn)?.account;
  return own === account ? undefined : own;
};

/**
 * What no trust policy says. Source: EKS API Reference, CreatePodIdentityAssociation: the association's role "is in
 * this account".
 */
const ofOtherAccount = (account: string, { target }: ClusterUse): Reason => ({
  message: `The role is in account ${account} and the cluster in ${target.account}: whatever the trust policy says, EKS associates service accounts with roles of the cluster's account alone, which may then assume this one as their target role.`,
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
 * One answer for several service accounts of a namespace: the worst verdict, and every reason with the name that it is
 * of.
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
