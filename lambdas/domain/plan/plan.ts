/** The plan: a pure function from the facts to the changes, with every check that explains the decision. */
import { isNetworking } from '../addons/registry.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Addon } from '../terms/observed.ts';
import { type Check, pass } from '../terms/check.ts';
import type { Plan, Attempt } from '../record/plan.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { checkOwners } from './owner-checks.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { checkKubernetes } from './access-check.ts';
import { checkAgent } from './agent-check.ts';
import { checkChains } from './chains.ts';
import { checkAssociationQuota, planAssociations, type AssociationPlan } from './association-checks.ts';
import { checkCluster, checkInstalled, checkLocks, checkNamespace, checkSupport, checkUsesIrsa } from './checks.ts';
import type { AddonFacts, Facts } from './facts.ts';
import { type Decided, finishPlan } from './finish.ts';
import { verdictIfBlocked, verdictOf } from './fit.ts';
import { checkGrants } from './grants-check.ts';
import { checkIdentityLoss, checkStandalone, identityLosses } from './identity-loss.ts';
import {
  blocks,
  chooseAttempts,
  isExcluded,
  possibleAttempts,
  type AttemptCheck,
  requestedAttempts,
} from './attempts.ts';
import { checkMigratedTrust } from './migrated-trust.ts';
import { checkPassRole } from './pass-role.ts';
import { checkPatternTrust } from './pattern-trust.ts';
import { preflight } from './preflight.ts';
import { rightsChecks } from './rights-check.ts';
import { planRollout } from './rollout-checks.ts';
import { checkServiceAccountsWithoutRole, planRole } from './role-checks.ts';
import { checkSessionNames } from './session-names.ts';
import { checkSessionTags } from './session-tags.ts';
import { planConsumers } from './consumer-checks.ts';
import { checkSharing } from './sharing.ts';
import { planSteps } from './steps.ts';
import { checkRollback } from './trust-checks.ts';
import { checkRisk, attemptChecks } from './attempt-checks.ts';

/**
 * Returns the associations that the migration will create: one for each service account that the installed version
 * supports, or for the one that the request names; none if their namespace is not known. With IRSA all of them have the
 * add-on's single role, so they all get that role unless the request names others. If the request names a role for a
 * service account that the version does not support, that service account gets a standalone association.
 */
export function plannedAssociations({
  request,
  addon,
  serviceAccount: account,
  podIdentity,
  namespace,
}: Pick<Facts, 'request' | 'addon' | 'serviceAccount' | 'podIdentity' | 'namespace'>): PlannedAssociation[] {
  if (namespace === undefined) return [];
  const owned = podIdentity.flatMap(({ serviceAccount }) => {
    const named = Object.hasOwn(request.roles, serviceAccount) ? request.roles[serviceAccount] : undefined;
    const roleArn = named ?? request.roleArn ?? irsaRoleOf({ addon, serviceAccount: account });
    return roleArn === undefined ? [] : [{ namespace, serviceAccount, roleArn }];
  });
  // Without an owned association the add-on cannot be changed, and no service account loses anything.
  if (owned.length === 0) return [];
  const standalone = Object.entries(request.roles)
    .filter(([name]) => podIdentity.every(({ serviceAccount }) => serviceAccount !== name))
    .map(([serviceAccount, roleArn]) => ({ namespace, serviceAccount, roleArn, standalone: true as const }));
  return [...owned, ...standalone.sort((a, b) => (a.serviceAccount < b.serviceAccount ? -1 : 1))];
}

/** Returns whether the add-on is on Pod Identity and has no IRSA role, so nothing is left to do. */
export const isMigrated = (addon: Addon): boolean =>
  addon.serviceAccountRoleArn === undefined && addon.podIdentityAssociations.length > 0;

/** Returns the IDs of the blocking checks, each once. */
export const blockingChecks = (plan: Pick<Plan, 'checks'>): string[] => [
  ...new Set(plan.checks.filter(blocks).map((check) => check.id)),
];

export interface RolesPlan {
  checks: Check[];
  trustRepairs: TrustRepair[];
}

/**
 * Checks the planned roles: whether they exist and trust the pods through Pod Identity and IRSA, who else uses them, and
 * whether they may be passed.
 */
export function planRoles(facts: Facts, planned: readonly PlannedAssociation[]): RolesPlan {
  const roles = [...new Set(planned.map((one) => one.roleArn))].map((arn) =>
    planRole(
      facts,
      arn,
      planned.filter((one) => one.roleArn === arn),
    ),
  );
  const checks = roles.flatMap((role) => role.checks);
  const trustRepairs = roles.flatMap(({ repair }) => repair ?? []);
  if (planned.length > 0)
    checks.push(
      ...checkGrants(facts, planned, trustRepairs),
      ...checkSharing(facts, planned),
      ...checkSessionTags(facts, planned),
      ...checkSessionNames(facts, planned),
      ...checkChains(facts, planned),
      ...checkPatternTrust(facts, planned),
      checkPassRole(facts, planned),
    );
  if (irsaRoleOf(facts) !== undefined && planned.length > 0) checks.push(checkRollback(facts, planned));
  return { checks, trustRepairs };
}

/**
 * Returns the attempts that the request allows, and in `possible` those that remain before it is known whether the steps
 * have the permissions for them.
 */
export function attemptsBeforeRights(
  facts: AddonFacts,
  planned: readonly PlannedAssociation[],
): { ways: Attempt[]; possible: Attempt[]; checks: AttemptCheck[] } {
  const { request } = facts;
  const networking = isNetworking(request.addon);
  const ways = requestedAttempts(request, networking);
  const checks = attemptChecks(facts, planned, ways);
  return { ways, possible: possibleAttempts(request, { networking, excluded: isExcluded(checks) }), checks };
}

/** Decides which of the requested attempts are possible, with the checks that explain it. */
function planWays(
  facts: AddonFacts,
  planned: readonly PlannedAssociation[],
): { ways: Attempt[]; attempts: Attempt[]; checks: Check[] } {
  const { request } = facts;
  const { ways, possible, checks } = attemptsBeforeRights(facts, planned);
  const all = [...checks, ...rightsChecks(facts, planned, possible)];
  return { ways, ...chooseAttempts(request, isNetworking(request.addon), all) };
}

function decideAssociations(facts: AddonFacts, planned: PlannedAssociation[], attempt: Attempt): AssociationPlan {
  const { request, addon, associations } = facts;
  return planAssociations(associations, {
    cluster: request.target.cluster,
    region: request.target.region,
    addon: request.addon,
    planned,
    attempt,
    accept: request.accept,
    ...(addon ? { addonArn: addon.arn } : {}),
  });
}

const checkMigrated = (facts: AddonFacts, { name, podIdentityAssociations }: Addon): Check[] => [
  pass(
    'already-on-pod-identity',
    `Add-on ${name} already uses Pod Identity (${podIdentityAssociations.length} associations) and has no IRSA role.`,
  ),
  ...checkMigratedTrust(facts),
];

function finisherOf(facts: AddonFacts): (verdict: Plan['verdict'], checks: Check[], decided?: Decided) => Plan {
  const { addon, verification } = facts.request;
  return (verdict, checks, decided) =>
    finishPlan(facts, verdict, checks, (decision) => planSteps({ addon, verification, ...decision }), decided);
}

export function planMigration(facts: AddonFacts): Plan {
  const { addon } = facts;
  const finish = finisherOf(facts);
  const blocked = (checks: Check[]): Plan => finish(verdictIfBlocked(checks), checks);
  const checks = checkLocks(facts);
  if (facts.lock) return blocked(checks);
  checks.push(checkCluster(facts));
  if (checks.some(blocks)) return blocked(checks);
  checks.push(checkInstalled(facts));
  if (!addon) return blocked(checks);
  if (isMigrated(addon)) return finish('already-migrated', [...checks, ...checkMigrated(facts, addon)]);

  if (facts.namespace === undefined) {
    const wanted = plannedAssociations({ ...facts, namespace: '' });
    return blocked([...checks, checkUsesIrsa(facts), checkSupport(facts), checkNamespace(facts, wanted)]);
  }
  const planned = plannedAssociations(facts);
  const { ways, attempts, checks: ofWays } = planWays(facts, planned);
  const roles = planRoles(facts, planned);
  checks.push(
    checkUsesIrsa(facts),
    ...checkRisk(facts, attempts),
    checkSupport(facts),
    ...ofWays,
    checkAgent(facts),
    ...roles.checks,
    ...checkStandalone(facts, planned),
    ...checkServiceAccountsWithoutRole(facts, planned),
  );
  const first = attempts[0] ?? ways[0];
  if (planned.length === 0 || !first) return blocked(checks);
  const losses = identityLosses(facts, planned, attempts.length > 0 ? attempts : ways);
  const associations = decideAssociations(facts, planned, first);
  const { checks: ofRollout, ...rollout } = planRollout(facts, planned, first);
  const { checks: ofConsumers, consumers } = planConsumers(facts, planned, attempts.length > 0 ? attempts : ways);
  checks.push(
    ...associations.checks,
    checkAssociationQuota(facts, planned),
    ...checkOwners(facts, planned, roles.trustRepairs),
    ...preflight(facts, planned),
    ...checkKubernetes(facts, planned),
    ...checkIdentityLoss(facts, losses),
    ...ofConsumers,
    ...ofRollout,
  );
  return finish(verdictOf(checks), checks, {
    planned,
    losses,
    attempts,
    ...associations,
    trustRepairs: roles.trustRepairs,
    consumers,
    rollout,
  });
}
