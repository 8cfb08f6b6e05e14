/** Reads who else is concerned by the planned roles: the roles that they assume, and service accounts that match a pattern. */
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { PlannedAssociation } from '../../domain/migration/model.ts';
import { targetsOf } from '../../domain/plan/chains.ts';
import type { Facts } from '../../domain/plan/facts.ts';
import { plannedPatterns } from '../../domain/plan/pattern-trust.ts';
import { parseTrust } from '../../domain/trust/policy.ts';
import type { ReadingPorts } from '../../ports/index.ts';
import { advisory } from './advice.ts';

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
    const answer = await advisory(() => roles.getRole(arn));
    found[arn] =
      'read' in answer
        ? { seen: answer.read ? parseTrust(answer.read.trustPolicy) : undefined }
        : { error: answer.refused };
  }
  return found;
}

/** Lists the service accounts. A refusal is reported. */
async function readServiceAccounts(kubernetes: ReadingPorts['kubernetes']): Promise<Facts['serviceAccounts']> {
  try {
    return { seen: await kubernetes.listServiceAccounts() };
  } catch (error) {
    const isRefusal = isMigrationError(error, 'Unauthorised') || isMigrationError(error, 'AccessDenied');
    if (isRefusal && error instanceof Error) return { error: error.message };
    throw error;
  }
}

/** Reads what only warnings, and the roles that pods assume, depend on. */
export async function readChains(
  { roles, kubernetes }: Pick<ReadingPorts, 'roles' | 'kubernetes'>,
  facts: Facts,
  planned: readonly PlannedAssociation[],
): Promise<Pick<Facts, 'targetRoles' | 'serviceAccounts'>> {
  const targetRoles = await readTargets(roles, facts);
  const isOpen = facts.kubernetesError === undefined && plannedPatterns(facts, planned) !== undefined;
  const serviceAccounts = isOpen ? await readServiceAccounts(kubernetes) : undefined;
  return { targetRoles, ...(serviceAccounts ? { serviceAccounts } : {}) };
}
