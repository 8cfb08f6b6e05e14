/** The rule of `grants.ts` over a whole plan: each association that it makes, and each trust policy that it repairs. */
import type { PlannedAssociation } from '../migration/planned.ts';
import { accountsNamedBy, addedStatement } from '../trust/added.ts';
import type { TrustRepair } from '../trust/model.ts';
import { parseRoleArn } from '../aws/arn.ts';
import { type GrantAnswer, type GrantFacts, type GrantQuestion, judgeGrant, judgeRepair } from './grants.ts';

/** What of a plan the rule is asked about. */
export interface GrantsPlan {
  associations: readonly PlannedAssociation[];
  trustRepairs: readonly TrustRepair[];
  /** The role that the add-on, or the service account, has by IRSA; absent where it has none, or nobody could see. */
  irsaRole?: string | undefined;
  /** Whether the association loses its session tags after it is made. */
  losesSessionTags: (account: PlannedAssociation) => boolean;
}

export interface JudgedGrant {
  what: 'association' | 'repair';
  question: GrantQuestion;
  answer: GrantAnswer;
}

function questionOf(facts: GrantFacts, plan: GrantsPlan, account: PlannedAssociation): GrantQuestion {
  const { namespace, serviceAccount, roleArn } = account;
  const has = facts.associations.some(
    (one) => one.namespace === namespace && one.serviceAccount === serviceAccount && one.roleArn === roleArn,
  );
  return {
    namespace,
    serviceAccount,
    roleArn,
    isNew: roleArn !== plan.irsaRole && !has,
    disableSessionTags: plan.losesSessionTags(account),
  };
}

/** Returns what the rule says of each association of the plan. */
export const judgeAssociations = (facts: GrantFacts, plan: GrantsPlan): JudgedGrant[] =>
  plan.associations.map((account) => {
    const question = questionOf(facts, plan, account);
    return { what: 'association', question, answer: judgeGrant(facts, question) };
  });

const refused = (why: string): GrantAnswer => ({ verdict: 'denied', why: [why] });
const NOT_PLANNED = refused('the plan creates no association for it');

/** A statement that does not name them lets in every service account that has the role: all of them need the grant. */
function judgeOne(facts: GrantFacts, plan: GrantsPlan, repair: TrustRepair): JudgedGrant[] {
  const { roleArn } = repair;
  const accounts = plan.associations.filter((one) => one.roleArn === roleArn);
  const questions = accounts.map((account) => questionOf(facts, plan, account));
  const stranger = (namespace: string, serviceAccount: string): JudgedGrant => ({
    what: 'repair',
    question: { namespace, serviceAccount, roleArn, isNew: true, disableSessionTags: false },
    answer: NOT_PLANNED,
  });
  if (questions.length === 0) return [stranger('*', '*')];
  const statement = addedStatement(repair);
  const named = statement && accountsNamedBy(statement, facts.target);
  if (!named) {
    const answerOf = (question: GrantQuestion): GrantAnswer =>
      statement
        ? judgeRepair(facts, question, { isNarrow: false })
        : refused('its trust policy would change by more than one added statement');
    return questions.map((question) => ({ what: 'repair', question, answer: answerOf(question) }));
  }
  return named.map(({ namespace, serviceAccount }) => {
    const question = questions.find((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
    return question
      ? { what: 'repair', question, answer: judgeRepair(facts, question, { isNarrow: true }) }
      : stranger(namespace, serviceAccount);
  });
}

/** Returns what the rule says of each service account that a repair of the plan lets in. */
export const judgeRepairs = (facts: GrantFacts, plan: GrantsPlan): JudgedGrant[] =>
  plan.trustRepairs.flatMap((repair) => judgeOne(facts, plan, repair));

/** Returns a clause: which role, and what of it. */
export const grantText = ({ what, question: { roleArn, namespace, serviceAccount } }: JudgedGrant): string => {
  const name = parseRoleArn(roleArn)?.name ?? roleArn;
  return what === 'association'
    ? `role ${name} is given to ${namespace}/${serviceAccount}`
    : `the trust policy of role ${name} is repaired for ${namespace}/${serviceAccount}`;
};
