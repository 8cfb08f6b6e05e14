/** Derives from a plan which roles the configuration of a deployment must name, for this migration not to be blocked by it. */
import type { Plan } from '../record/plan.ts';
import type { Facts } from './facts.ts';
import { type GrantFacts, type GrantQuestion, judgeGrant } from './grants.ts';
import { grantFactsOf, grantsPlanOf } from './grants-check.ts';
import { judgeAssociations, judgeRepairs } from './grants-judged.ts';
import { passedRoles } from './pass-role.ts';
import { planRoles } from './plan.ts';

/** A role that a service account may only be given if the setting `roleGrants` names both. */
export interface NeededGrant extends Pick<GrantQuestion, 'namespace' | 'serviceAccount' | 'roleArn'> {
  /** Why nothing else shows it. */
  why: string[];
  /** Nothing but the annotation of the service account names the role, which anyone who may edit it can write. */
  isOnlyAnnotated: boolean;
}

export interface NeededSettings {
  /** The roles that the service passes, also in a rollback. */
  passed: string[];
  /** The roles whose trust policy the migration has to change. */
  repaired: string[];
  grants: NeededGrant[];
}

/**
 * Returns whether an owner of the role shows that the service account may have it: by a ground of the rule that does not
 * suffice for the change in question, or by having given the role to the add-on that the service account belongs to. EKS
 * stores that role, and a principal needs the right to pass it.
 */
function isShownByOwner(rule: GrantFacts, question: GrantQuestion): boolean {
  const { namespace, serviceAccount, roleArn } = question;
  const { addon } = rule;
  return (
    judgeGrant(rule, { ...question, isNew: false }).verdict === 'allowed' ||
    (addon?.roleArn === roleArn && addon.namespace === namespace && addon.serviceAccounts.includes(serviceAccount))
  );
}

/**
 * Returns what the configuration must name. `plan` is made with `trust: repair`, and with settings in which every role may
 * be passed and repaired.
 */
export function neededSettings(facts: Facts, plan: Pick<Plan, 'verdict' | 'associations'>): NeededSettings {
  // A blocked plan has no repairs, but what blocks it may be resolved.
  const trustRepairs = plan.verdict === 'already-migrated' ? [] : planRoles(facts, plan.associations).trustRepairs;
  const rule = grantFactsOf(facts);
  const grantsPlan = grantsPlanOf(facts, plan.associations, trustRepairs);
  const refused = [...judgeAssociations(rule, grantsPlan), ...judgeRepairs(rule, grantsPlan)].filter(
    ({ answer }) => answer.verdict !== 'allowed',
  );
  const grants = new Map(
    refused.map(({ question, answer: { why } }) => {
      const { namespace, serviceAccount, roleArn } = question;
      const isOnlyAnnotated = !isShownByOwner(rule, question);
      return [
        `${roleArn} ${namespace}/${serviceAccount}`,
        { namespace, serviceAccount, roleArn, why, isOnlyAnnotated },
      ];
    }),
  );
  return {
    passed: [...new Set(passedRoles(facts, plan.associations).map(({ arn }) => arn))].sort(),
    repaired: [...new Set(trustRepairs.map(({ roleArn }) => roleArn))].sort(),
    grants: [...grants.values()],
  };
}
