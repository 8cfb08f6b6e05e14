/** The roles that a plan concerns. */
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Plan } from '../record/plan.ts';

/**
 * Returns the roles of a migration, which are locked: the IRSA role, the roles of the planned associations, and the roles
 * whose trust policy is repaired.
 */
export function rolesOf(plan: Pick<Plan, 'addon' | 'serviceAccount' | 'associations' | 'trustRepairs'>): Set<string> {
  const irsa = irsaRoleOf(plan);
  return new Set([
    ...(irsa === undefined ? [] : [irsa]),
    ...[...plan.associations, ...plan.trustRepairs].map((one) => one.roleArn),
  ]);
}
