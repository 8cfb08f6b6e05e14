/** Derives from a plan which roles the configuration of a deployment must name, for this migration not to be blocked by it. */
import type { Plan } from '../migration/model.ts';
import type { Facts } from './facts.ts';
import type { GrantQuestion } from './grants.ts';
import { grantFactsOf, grantsPlanOf } from './grants-check.ts';
import { judgeAssociations, judgeRepairs } from './grants-judged.ts';
import { passedRoles } from './pass-role.ts';
import { planRoles } from './plan.ts';

/** A role that a service account may only be given if the setting `roleGrants` names both. */
export interface NeededGrant extends Pick<GrantQuestion, 'namespace' | 'serviceAccount' | 'roleArn'> {
  /** Why nothing else shows it. */
  why: string[];
}

export interface NeededSettings {
  /** The roles that the service passes, also in a rollback. */
  passed: string[];
  /** The roles whose trust policy the migration has to change. */
  repaired: string[];
  grants: NeededGrant[];
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
    refused.map(({ question: { namespace, serviceAccount, roleArn }, answer: { why } }) => [
      `${roleArn} ${namespace}/${serviceAccount}`,
      { namespace, serviceAccount, roleArn, why },
    ]),
  );
  return {
    passed: [...new Set(passedRoles(facts, plan.associations).map(({ arn }) => arn))].sort(),
    repaired: [...new Set(trustRepairs.map(({ roleArn }) => roleArn))].sort(),
    grants: [...grants.values()],
  };
}
