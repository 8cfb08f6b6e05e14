/** The plan: a pure decision from what was read to what will be done, with every check that says why, or why not. */
import { createHash } from 'node:crypto';
import { associationChecks } from '../associations.ts';
import type { Check, MigrationRequest, Plan, PlannedAssociation } from '../model.ts';
import { checkAgent, checkCluster, checkInstalled, checkKubernetes, checkOffered, checkOtherServiceAccounts, checkRisk, checkRole, checkSupport, checkUsesIrsa, checkWayBack } from './checks.ts';
import type { Facts } from './facts.ts';
import { planSteps } from './steps.ts';

/** JSON with sorted keys, so that equal content has an equal hash. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, canonical(inner)]));
}

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(canonical(value))).digest('hex');

/** Which associations the migration will make: one for each service account that the installed version takes. */
export function plannedAssociations({ request, addon, podIdentity, namespace }: Pick<Facts, 'request' | 'addon' | 'podIdentity' | 'namespace'>): PlannedAssociation[] {
  return podIdentity.flatMap(({ serviceAccount }) => {
    const roleArn = request.roles[serviceAccount] ?? request.roleArn ?? addon?.serviceAccountRoleArn;
    return roleArn === undefined ? [] : [{ namespace, serviceAccount, roleArn }];
  });
}

const blocks = (check: Check): boolean => check.status === 'fail' || check.status === 'unknown';

/** Ids of the checks that block, each once. */
export const blockingChecks = (plan: Pick<Plan, 'checks'>): string[] => [...new Set(plan.checks.filter(blocks).map((check) => check.id))];

function roleNamesOutsidePlan(request: MigrationRequest, planned: PlannedAssociation[]): Check[] {
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  return Object.keys(request.roles)
    .filter((serviceAccount) => !accounts.has(serviceAccount))
    .map((serviceAccount) => ({
      id: 'role-service-accounts',
      status: 'fail' as const,
      message: `A role was given for service account ${serviceAccount}, which ${request.addon} does not take.`,
      remedy: `Name one of: ${[...accounts].join(', ') || 'none'}.`,
    }));
}

function finishPlan(facts: Facts, verdict: Plan['verdict'], checks: Check[], planned: PlannedAssociation[], purge: string[]): Plan {
  const { request, addon } = facts;
  const steps = verdict === 'migrate' ? planSteps(request, planned, purge) : [];
  const found = { addon, associations: facts.associations, roles: facts.roles };
  return {
    verdict,
    strategy: request.strategy,
    preserve: request.preserve,
    checks,
    steps,
    ...(addon ? { addon, namespace: facts.namespace } : {}),
    associations: planned,
    purge,
    hash: sha256({ target: request.target, addon: request.addon, strategy: request.strategy, preserve: request.preserve, resolveConflicts: request.resolveConflicts, found, planned, purge }),
  };
}

export function planMigration(facts: Facts): Plan {
  const blocked = (checks: Check[]): Plan => finishPlan(facts, 'blocked', checks, [], []);
  const first = checkCluster(facts);
  if (blocks(first)) return blocked([first]);
  const installed = checkInstalled(facts);
  if (!facts.addon) return blocked([first, installed]);

  if (facts.addon.serviceAccountRoleArn === undefined && facts.addon.podIdentityAssociations.length > 0) {
    const already: Check = {
      id: 'already-on-pod-identity',
      status: 'pass',
      message: `Add-on ${facts.addon.name} already uses Pod Identity (${facts.addon.podIdentityAssociations.length} associations) and has no IRSA role.`,
    };
    return finishPlan(facts, 'already-migrated', [first, installed, already], [], []);
  }

  const planned = plannedAssociations(facts);
  const roleArns = [...new Set(planned.map((one) => one.roleArn))];
  const existing = associationChecks(facts.associations, facts.request.target.cluster, facts.request.addon, planned);
  const roleChecks = roleArns.length > 0 ? roleArns.flatMap((arn) => checkRole(facts, arn, planned.filter((one) => one.roleArn === arn))) : [];
  const checks: Check[] = [first, installed, checkUsesIrsa(facts), checkRisk(facts), checkSupport(facts), checkOffered(facts), checkAgent(facts), ...roleChecks, ...roleNamesOutsidePlan(facts.request, planned)];
  if (facts.addon.serviceAccountRoleArn !== undefined && planned.length > 0) checks.push(checkWayBack(facts, planned));
  if (planned.length > 0) checks.push(...existing.checks, checkKubernetes(facts, planned), ...checkOtherServiceAccounts(facts, planned));
  return finishPlan(facts, checks.some(blocks) ? 'blocked' : 'migrate', checks, planned, existing.purge);
}
