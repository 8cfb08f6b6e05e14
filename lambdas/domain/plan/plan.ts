/** The plan: a pure decision from what was read to what will be done, with every check that says why, or why not. */
import { isNetworking } from '../addons.ts';
import type { Addon, CarriedOver, Check, Plan, PlannedAssociation, Rung } from '../model.ts';
import type { TrustRepair } from '../trust/model.ts';
import { checkKubernetes, checkOtherServiceAccounts } from './access-check.ts';
import { checkAgent } from './agent-check.ts';
import { agentToInstall } from './agent-install.ts';
import { checkAssociationQuota, planAssociations, type AssociationPlan } from './association-checks.ts';
import { checkCluster, checkInstalled, checkLock, checkSupport, checkUsesIrsa } from './checks.ts';
import type { Facts } from './facts.ts';
import { hashOf, type PlanContent, sha256 } from './hash.ts';
import { blocks, climb, waysFor } from './ladder.ts';
import { checkPassRole } from './pass-role.ts';
import { preflight } from './preflight.ts';
import { checkNamedServiceAccounts, checkServiceAccountsWithoutRole, planRole } from './role-checks.ts';
import { checkSessionTags } from './session-tags.ts';
import { checkSharing } from './sharing.ts';
import { planSteps } from './steps.ts';
import { checkWayBack } from './trust-checks.ts';
import { checkRisk, wayChecks } from './way-checks.ts';

/**
 * Which associations the migration will make: one for each service account that the installed version takes. IRSA gives
 * an add-on's one role to all of them, and so does this, unless the request names others.
 */
export function plannedAssociations({ request, addon, podIdentity, namespace }: Pick<Facts, 'request' | 'addon' | 'podIdentity' | 'namespace'>): PlannedAssociation[] {
  return podIdentity.flatMap(({ serviceAccount }) => {
    const named = Object.hasOwn(request.roles, serviceAccount) ? request.roles[serviceAccount] : undefined;
    const roleArn = named ?? request.roleArn ?? addon?.serviceAccountRoleArn;
    return roleArn === undefined ? [] : [{ namespace, serviceAccount, roleArn }];
  });
}

/** On Pod Identity and without its IRSA role: there is nothing left to do. */
export const isMigrated = (addon: Addon): boolean => addon.serviceAccountRoleArn === undefined && addon.podIdentityAssociations.length > 0;

/** Ids of the checks that block, each once. */
export const blockingChecks = (plan: Pick<Plan, 'checks'>): string[] => [...new Set(plan.checks.filter(blocks).map((check) => check.id))];

interface Decided {
  planned: PlannedAssociation[];
  ladder: Rung[];
  purge: string[];
  goWithAddon: string[];
  carryOver: CarriedOver[];
  trustRepairs: TrustRepair[];
}

function finishPlan(facts: Facts, verdict: Plan['verdict'], checks: Check[], decided?: Decided): Plan {
  const { request, addon } = facts;
  const planned = decided?.planned ?? [];
  const existing = facts.associations.map(({ id }) => id);
  // A plan that changes nothing names no way to change it.
  const changes = verdict === 'migrate' && decided ? decided : { ladder: [], purge: [], goWithAddon: [], carryOver: [], trustRepairs: [] };
  const { ladder, purge, carryOver, trustRepairs } = changes;
  const agentVersion = changes.ladder.length > 0 ? agentToInstall(facts) : undefined;
  const installAgent = agentVersion === undefined ? {} : { installAgent: { version: agentVersion } };
  const steps = planSteps({ addon: request.addon, planned, verification: request.verification, ...changes, ...installAgent });
  const content: PlanContent = {
    verdict,
    strategy: request.strategy,
    preserve: request.preserve,
    ladder,
    steps,
    ...(addon ? { addon, namespace: facts.namespace } : {}),
    associations: planned,
    existing,
    purge,
    carryOver,
    trustRepairs,
    ...installAgent,
    found: sha256({ namespace: facts.namespace, associations: facts.associations, roles: facts.roles }),
  };
  return { ...content, checks, hash: hashOf(content, request) };
}

interface Roles {
  checks: Check[];
  trustRepairs: TrustRepair[];
}

function planRoles(facts: Facts, planned: readonly PlannedAssociation[], ladder: readonly Rung[]): Roles {
  const roles = [...new Set(planned.map((one) => one.roleArn))].map((arn) => planRole(facts, arn, planned.filter((one) => one.roleArn === arn)));
  const checks = roles.flatMap((role) => role.checks);
  if (planned.length > 0) checks.push(...checkSharing(facts, planned), ...checkSessionTags(facts, planned), checkPassRole(facts, planned, ladder));
  checks.push(...checkNamedServiceAccounts(facts), ...checkServiceAccountsWithoutRole(facts, planned));
  if (facts.addon?.serviceAccountRoleArn !== undefined && planned.length > 0) checks.push(checkWayBack(facts, planned));
  return { checks, trustRepairs: roles.flatMap(({ repair }) => repair ?? []) };
}

/** The ways that the request asks for, which of them the facts leave, and the checks that say why. */
export function planWays(facts: Facts, planned: readonly PlannedAssociation[]): { ways: Rung[]; ladder: Rung[]; checks: Check[] } {
  const { request } = facts;
  const networking = isNetworking(request.addon);
  const ways = waysFor(request, networking);
  return { ways, ...climb(request, networking, wayChecks(facts, planned, ways)) };
}

function decideAssociations(facts: Facts, planned: PlannedAssociation[], rung: Rung): AssociationPlan {
  const { request, addon, associations } = facts;
  return planAssociations(associations, { cluster: request.target.cluster, addon: request.addon, planned, rung, ...(addon ? { addonArn: addon.arn } : {}) });
}

export function planMigration(facts: Facts): Plan {
  const { addon } = facts;
  const blocked = (checks: Check[]): Plan => finishPlan(facts, 'blocked', checks);
  const checks = [checkLock(facts)];
  if (facts.lock) return blocked(checks);
  checks.push(checkCluster(facts));
  if (checks.some(blocks)) return blocked(checks);
  checks.push(checkInstalled(facts));
  if (!addon) return blocked(checks);
  if (isMigrated(addon)) {
    const message = `Add-on ${addon.name} already uses Pod Identity (${addon.podIdentityAssociations.length} associations) and has no IRSA role.`;
    return finishPlan(facts, 'already-migrated', [...checks, { id: 'already-on-pod-identity', status: 'pass', message }]);
  }

  const planned = plannedAssociations(facts);
  const { ways, ladder, checks: ofWays } = planWays(facts, planned);
  const roles = planRoles(facts, planned, ladder);
  checks.push(checkUsesIrsa(facts), ...checkRisk(facts, ladder), checkSupport(facts), ...ofWays, checkAgent(facts), ...roles.checks);
  const first = ladder[0] ?? ways[0];
  if (planned.length === 0 || !first) return blocked(checks);
  const associations = decideAssociations(facts, planned, first);
  checks.push(...associations.checks, checkAssociationQuota(facts, planned), ...preflight(facts, planned), ...checkKubernetes(facts, planned), ...checkOtherServiceAccounts(facts, planned));
  return finishPlan(facts, checks.some(blocks) ? 'blocked' : 'migrate', checks, { planned, ladder, ...associations, trustRepairs: roles.trustRepairs });
}
