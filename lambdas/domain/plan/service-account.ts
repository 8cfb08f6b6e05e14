/**
 * The plan for a service account that does not belong to an add-on: an association, a rolling restart, and its annotation
 * kept or removed.
 */
import { eksCommand } from '../commands/eks.ts';
import { parseRoleArn } from '../aws/arn.ts';
import { collectEvidence, podsThatCount } from '../verification/pod-identity.ts';
import type { Association } from '../terms/observed.ts';
import { type Check, fail, pass } from '../terms/check.ts';
import type { Plan } from '../record/plan.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { isInjectedButUnknown } from '../verification/pods.ts';
import { checkKubernetes } from './access-check.ts';
import { checkAgent } from './agent-check.ts';
import { checkAssociationQuota } from './association-checks.ts';
import { checkCluster, checkLocks } from './checks.ts';
import type { ServiceAccountFacts } from './facts.ts';
import { type Decided, finishPlan } from './finish.ts';
import { verdictIfBlocked, verdictOf } from './fit.ts';
import { ASSOCIATE, blocks } from './attempts.ts';
import { planConsumers } from './consumer-checks.ts';
import { checkConsumersFit } from './consumers-fit.ts';
import { checkMigratedTrust } from './migrated-trust.ts';
import { checkOwners } from './owner-checks.ts';
import { planRoles, plannedAssociations } from './plan.ts';
import { preflight } from './preflight.ts';
import { planRollout } from './rollout-checks.ts';
import { rightsChecks } from './rights-check.ts';
import { checkAnnotation, checkIrsa, checkOwner, checkRollout, checkServiceAccount } from './service-account-checks.ts';
import { mayAssume } from './session-tags.ts';
import { serviceAccountSteps } from './service-account-steps.ts';
import { shellCommand } from '../text/shell.ts';

/** Returns its current association, if any. EKS does not allow a second association for the same service account. */
const existing = ({ associations }: ServiceAccountFacts): Association | undefined => associations[0];

/** Returns whether the annotation names a role of another account that the planned role may assume. */
const isBaseRoleFor = ({ request, rolePolicies }: ServiceAccountFacts, roleArn: string, annotated: string): boolean =>
  parseRoleArn(annotated)?.account !== request.target.account &&
  rolePolicies[roleArn] !== undefined &&
  mayAssume(rolePolicies[roleArn], annotated);

/** An existing association with the planned role is kept, so that its other fields need not be restored. */
function checkAssociation(facts: ServiceAccountFacts, planned: PlannedAssociation): Check {
  const { request } = facts;
  const found = existing(facts);
  const { namespace, serviceAccount, roleArn } = planned;
  const id = 'associations';
  const target = facts.serviceAccount?.roleArn;
  if (!found && target !== undefined && isBaseRoleFor(facts, roleArn, target))
    return fail(
      id,
      `${namespace}/${serviceAccount} has no association yet. The one that the migration would create has no target role, so pods would get only role ${roleArn}, and not ${target}, which it may assume.`,
      `Create the association first, then plan again: ${eksCommand(request.target, 'create-pod-identity-association', ['--namespace', namespace, '--service-account', serviceAccount], ['--role-arn', roleArn, '--target-role-arn', target])}`,
      'EKS API Reference, CreatePodIdentityAssociation, targetRoleArn',
    );
  if (!found) return pass(id, `${namespace}/${serviceAccount} has no association yet.`);
  if (found.roleArn === roleArn)
    return pass(
      id,
      `Association ${found.id} already gives ${namespace}/${serviceAccount} role ${roleArn} and is kept.`,
    );
  return fail(
    id,
    `${namespace}/${serviceAccount} has association ${found.id} with role ${found.roleArn}, and ${request.roleArn === undefined ? 'its annotation' : 'the request'} names ${roleArn}: new pods get the association's role.`,
    `Choose one of the two roles. To keep the association's: ${shellCommand(['--role-arn', found.roleArn])} . To use the other role: ${eksCommand(request.target, 'update-pod-identity-association', ['--association-id', found.id, '--role-arn', roleArn])} ; then plan again.`,
    'EKS API Reference, CreatePodIdentityAssociation: one association for each service account',
  );
}

/**
 * Returns whether nothing is left to do: the association exists, every running pod uses it, and the annotation is as
 * requested.
 */
function isMigrated(facts: ServiceAccountFacts): boolean {
  const { request, serviceAccount, pods } = facts;
  const found = existing(facts);
  if (!found || (request.roleArn ?? serviceAccount?.roleArn ?? found.roleArn) !== found.roleArn) return false;
  // A service account that could not be read may still have the annotation.
  if (request.annotation === 'remove' && (!serviceAccount || serviceAccount.roleArn !== undefined)) return false;
  if (request.verification === 'api') return true;
  return (
    pods !== undefined &&
    podsThatCount(collectEvidence(pods, new Set([request.serviceAccount.name]))).every(
      (pod) => pod.identity === 'pod-identity' || isInjectedButUnknown(pod),
    )
  );
}

function finisherOf(
  facts: ServiceAccountFacts,
): (verdict: Plan['verdict'], checks: Check[], decided?: Decided) => Plan {
  const given = { request: facts.request, existing: existing(facts)?.id };
  return (verdict, checks, decided) =>
    finishPlan(facts, verdict, checks, (decision) => serviceAccountSteps({ ...given, ...decision }), decided);
}

export function planServiceAccount(facts: ServiceAccountFacts): Plan {
  const { request, cluster, associations } = facts;
  const finish = finisherOf(facts);
  const blocked = (checks: Check[]): Plan => finish(verdictIfBlocked(checks), checks);
  const checks = checkLocks(facts);
  if (facts.lock) return blocked(checks);
  checks.push(checkCluster(facts));
  if (!cluster || checks.some(blocks)) return blocked(checks);
  checks.push(...checkServiceAccount(facts), ...checkOwner(facts));
  if (checks.some(blocks)) return blocked(checks);
  if (isMigrated(facts)) {
    const message = `Service account ${request.serviceAccount.namespace}/${request.serviceAccount.name} already has association ${associations[0]?.id ?? ''}${request.verification === 'api' ? '; its pods were not checked' : ', and all its pods have its configuration'}.`;
    return finish('already-migrated', [
      ...checks,
      pass('already-on-pod-identity', message),
      ...checkMigratedTrust(facts),
    ]);
  }

  const attempts = [ASSOCIATE];
  const planned = plannedAssociations(facts);
  const [only] = planned;
  const roles = planRoles(facts, planned);
  checks.push(
    checkIrsa(facts),
    ...rightsChecks(facts, planned, attempts).map(({ check }) => check),
    checkAgent(facts),
    ...roles.checks,
  );
  if (!only) return blocked(checks);
  const { checks: ofRollout, ...rollout } = planRollout(facts, planned, ASSOCIATE);
  const { checks: ofConsumers, consumers } = planConsumers(facts, planned, attempts);
  checks.push(
    checkAssociation(facts, only),
    checkAssociationQuota(facts, planned),
    ...checkOwners(facts, planned, roles.trustRepairs),
    ...preflight(facts, planned),
    ...checkRollout(facts),
    ...checkKubernetes(facts, planned),
    ...checkAnnotation(facts),
    ...ofConsumers,
    ...checkConsumersFit(facts),
    ...ofRollout,
  );
  return finish(verdictOf(checks), checks, {
    planned,
    losses: [],
    attempts,
    purge: [],
    goWithAddon: [],
    carryOver: [],
    trustRepairs: roles.trustRepairs,
    consumers,
    rollout,
  });
}
