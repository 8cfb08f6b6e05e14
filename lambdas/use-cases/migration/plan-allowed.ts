/**
 * Checks that a plan in the ledger is the one that was made for this migration, and that this deployment may carry it out.
 * `begin` does so before it takes a lock. Only the service writes the ledger, but a principal that can write to it may lack
 * the right to pass roles.
 */
import { isDeepStrictEqual } from 'node:util';
import { accepts } from '../../domain/acceptance/accept.ts';
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import { type Target, subjectOf, subjectText } from '../../domain/terms/subject.ts';
import type { Plan } from '../../domain/record/plan.ts';
import { hashOf } from '../../domain/plan/hash.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { plannedAssociations } from '../../domain/plan/plan.ts';
import { needsApproval } from '../../domain/waiting/waiting.ts';
import type { Settings } from '../../ports/index.ts';
import { assertRepairable } from './trust.ts';

const AGAIN = 'Nothing was changed. Find out who wrote it to the ledger, then plan again under a new id.';

const refuse = (migrationId: string, what: string): MigrationError =>
  new MigrationError('BadInput', `The plan of migration ${migrationId} is not carried out: ${what}. ${AGAIN}`);

/** What the state machine itself knows about a migration. */
export interface KnownMigration {
  migrationId: string;
  target: Target;
  subject: string;
  planHash: string;
}

/** Returns the subject of the plan as text. */
const planFor = ({ addon, serviceAccount, associations }: Plan): string =>
  addon
    ? `add-on ${addon.name}`
    : `service account ${serviceAccount ? subjectOf({ serviceAccount }) : associations.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ') || 'none'}`;

/** Throws BadInput if the record has another target or subject, or the plan does not follow from the record. */
export function assertPlanIsOwn(
  { request }: Migration,
  plan: Plan,
  { migrationId, target, subject, planHash }: KnownMigration,
): asserts plan is Plan & { namespace: string } {
  if (!isDeepStrictEqual({ ...request.target }, { ...target }) || subjectOf(request) !== subject) {
    throw refuse(
      migrationId,
      `its record is about ${subjectText(subjectOf(request))} of cluster ${request.target.cluster} (${request.target.account}, ${request.target.region}), but the plan was made for ${subject} of ${target.cluster} (${target.account}, ${target.region})`,
    );
  }
  if (plan.hash !== hashOf(plan, request)) throw refuse(migrationId, 'its content does not match its hash');
  if (plan.hash !== planHash) throw refuse(migrationId, 'it is not the plan that the step plan made in this execution');
  if (planFor(plan) !== subjectText(subject)) throw refuse(migrationId, `it is for ${planFor(plan)}, not ${subject}`);
  // Roles come only from the request, or from the subject's own IRSA role.
  const { namespace, serviceAccount, addon } = plan;
  if (namespace === undefined) throw refuse(migrationId, 'it has no namespace');
  const accounts = request.serviceAccount
    ? [request.serviceAccount.name]
    : ownedOf(plan.associations).map((one) => one.serviceAccount);
  const podIdentity = accounts.map((name) => ({ serviceAccount: name, recommendedManagedPolicies: [] }));
  const follows = plannedAssociations({
    request,
    namespace,
    podIdentity,
    ...(addon ? { addon } : {}),
    ...(serviceAccount ? { serviceAccount } : {}),
  });
  if (
    !isDeepStrictEqual(follows, plan.associations) ||
    (request.serviceAccount && namespace !== request.serviceAccount.namespace)
  )
    throw refuse(
      migrationId,
      'its associations have other roles or namespaces than its request and its subject require',
    );
  if (plan.installAgent && request.agent !== 'install')
    throw refuse(migrationId, 'it would install the Pod Identity agent, which its request does not ask for');
  const lost = plan.identityLosses.find(
    (one) => one.pods > 0 && !accepts(request, 'identity-loss', one.serviceAccount),
  );
  if (lost)
    throw refuse(
      migrationId,
      `service account ${lost.namespace}/${lost.serviceAccount} would lose its identity, which its request does not accept`,
    );
  const stray = plan.trustRepairs.find(
    (one) => request.trust !== 'repair' || follows.every(({ roleArn }) => roleArn !== one.roleArn),
  );
  if (stray)
    throw refuse(
      migrationId,
      `it would change the trust policy of ${stray.roleArn}, which its request does not ask for`,
    );
}

/** Throws BadInput if this deployment may not pass one of the roles, or not change one of the trust policies. */
export function assertPlanIsAllowed(
  { addon, serviceAccount, associations, trustRepairs }: Plan,
  { annotation }: Pick<MigrationRequest, 'annotation'>,
  { passableRoleArns, repairableRoleArns }: Pick<Settings, 'passableRoleArns' | 'repairableRoleArns'>,
): void {
  const before = [addon?.serviceAccountRoleArn, annotation === 'remove' ? serviceAccount?.roleArn : undefined].filter(
    (arn) => arn !== undefined,
  );
  assertPassable([...before, ...associations.map((one) => one.roleArn)], passableRoleArns);
  for (const { roleArn } of trustRepairs) assertRepairable(roleArn, repairableRoleArns);
}

/**
 * Throws BadInput if the plan needs an approval and is not the plan whose approval was reported to the execution. An
 * approval that is only in the ledger does not count, since a principal that can write to the ledger can write an approval;
 * a report alone does not count either (`assertApproved`).
 */
export function assertPlanIsApproved(
  { migrationId, request }: Pick<Migration, 'migrationId' | 'request'>,
  { hash }: Plan,
  { approvedHash }: { approvedHash: string },
  settings: Pick<Settings, 'approvals'>,
): void {
  if (!needsApproval(request, settings) || approvedHash === hash) return;
  throw new MigrationError(
    'BadInput',
    `The plan of migration ${migrationId} is not carried out: ${approvedHash === '' ? 'it was not approved' : 'another plan was approved'}, and ${request.approval === 'required' ? 'its request' : 'this deployment'} requires an approval. Nothing was changed. Start the migration again, and approve its plan.`,
  );
}

/** Throws BadInput if this deployment may not pass the roles that a rollback would restore: those of the present associations. */
export const assertRollbackIsAllowed = (
  there: readonly Association[],
  { passableRoleArns }: Pick<Settings, 'passableRoleArns'>,
): void =>
  assertPassable(
    there.map((one) => one.roleArn),
    passableRoleArns,
  );

function assertPassable(arns: readonly string[], patterns: readonly string[]): void {
  const refused = [...new Set(arns)].filter((arn) => !isCovered(patterns, arn));
  if (refused.length === 0) return;
  throw new MigrationError(
    'BadInput',
    `This deployment may not pass ${refused.join(', ')}, which the plan uses (it may pass: ${patterns.join(', ') || 'no role'}). Nothing was changed. If the configuration was narrowed since, plan again; otherwise find out who wrote that plan to the ledger.`,
  );
}
