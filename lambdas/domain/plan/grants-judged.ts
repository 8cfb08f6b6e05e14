/** Applies the rule of `grants.ts` to a whole plan: to each association that it creates, and each trust policy that it repairs. */
import type { PlannedAssociation } from '../terms/planned.ts';
import { accountsNamedBy, addedStatement } from '../trust/added.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { parseRoleArn } from '../aws/arn.ts';
import { type GrantAnswer, type GrantFacts, type GrantQuestion, judgeGrant, judgeRepair } from './grants.ts';

/** The part of a plan to which the rule applies. */
export interface GrantsPlan {
  associations: readonly PlannedAssociation[];
  trustRepairs: readonly TrustRepair[];
  /** The IRSA role of the add-on or service account. Absent if it has none, or if that could not be read. */
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

/** Returns the result of the rule for each association of the plan. */
export const judgeAssociations = (facts: GrantFacts, plan: GrantsPlan): JudgedGrant[] =>
  plan.associations.map((account) => {
    const question = questionOf(facts, plan, account);
    return { what: 'association', question, answer: judgeGrant(facts, question) };
  });

const refused = (why: string): GrantAnswer => ({ verdict: 'denied', why: [why] });
const NOT_PLANNED = refused('the plan creates no association for it');

/** A statement without names allows every service account that has the role, so all of them need the grant. */
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

/** Returns the result of the rule for each service account that a repair of the plan allows. */
export const judgeRepairs = (facts: GrantFacts, plan: GrantsPlan): JudgedGrant[] =>
  plan.trustRepairs.flatMap((repair) => judgeOne(facts, plan, repair));

/** Returns a clause that names the role and the result. */
export const grantText = ({ what, question: { roleArn, namespace, serviceAccount } }: JudgedGrant): string => {
  const name = parseRoleArn(roleArn)?.name ?? roleArn;
  return what === 'association'
    ? `role ${name} is given to ${namespace}/${serviceAccount}`
    : `the trust policy of role ${name} is repaired for ${namespace}/${serviceAccount}`;
};
