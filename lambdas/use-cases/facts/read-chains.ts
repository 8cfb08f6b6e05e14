/** Reads who else is concerned by the planned roles: the roles that they assume, and service accounts that match a pattern. */
import { ACCESS_REFUSED } from '../../domain/failures/errors.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import { targetsOf } from '../../domain/plan/chains.ts';
import type { Facts } from '../../domain/plan/facts.ts';
import { plannedPatterns } from '../../domain/plan/pattern-trust.ts';
import { parseTrust } from '../../domain/trust/policy.ts';
import type { ReadingPorts } from '../../ports/index.ts';
import { advisory, seenUnless } from './refused-reads.ts';

/** The number of target roles that are read: each costs a call. */
const MOST_TARGETS = 10;

async function readTargets(
  roles: ReadingPorts['roles'],
  { request, rolePolicies }: Facts,
): Promise<NonNullable<Facts['targetRoles']>> {
  const found: NonNullable<Facts['targetRoles']> = {};
  const named = Object.entries(rolePolicies).flatMap(([arn, policies]) =>
    targetsOf(policies, arn, request.target.account),
  );
  for (const arn of [...new Set(named)].slice(0, MOST_TARGETS)) {
    found[arn] = await advisory(async () => {
      const role = await roles.getRole(arn);
      return role && parseTrust(role.trustPolicy);
    });
  }
  return found;
}

/** Reads what only warnings, and the roles that pods assume, depend on. */
export async function readChains(
  { roles, kubernetes }: Pick<ReadingPorts, 'roles' | 'kubernetes'>,
  facts: Facts,
  planned: readonly PlannedAssociation[],
): Promise<Pick<Facts, 'targetRoles' | 'serviceAccounts'>> {
  const targetRoles = await readTargets(roles, facts);
  const isOpen = facts.kubernetesError === undefined && plannedPatterns(facts, planned) !== undefined;
  const serviceAccounts = isOpen ? await seenUnless(ACCESS_REFUSED, () => kubernetes.listServiceAccounts()) : undefined;
  return { targetRoles, ...(serviceAccounts ? { serviceAccounts } : {}) };
}
