/** Which roles a migration is about, by its plan. */
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Plan } from '../migration/model.ts';

/**
 * The roles that take part, and are locked: which there is by IRSA, which the service accounts shall use, and whose
 * trust is repaired.
 */
export function rolesOf(plan: Pick<Plan, 'addon' | 'serviceAccount' | 'associations' | 'trustRepairs'>): Set<string> {
  const irsa = irsaRoleOf(plan);
  return new Set([
    ...(irsa === undefined ? [] : [irsa]),
    ...[...plan.associations, ...plan.trustRepairs].map((one) => one.roleArn),
  ]);
}
