/**
 * Whether a plan that the ledger has is the one that was made for this migration, and one that this deployment may
 * carry out: what `begin` makes sure of before it takes a lock. The ledger is written by the service alone, but not
 * everybody who can write into it may pass roles.
 */
import { isDeepStrictEqual } from 'node:util';
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association, Migration, MigrationRequest, Plan, Target } from '../../domain/migration/model.ts';
import { subjectOf, subjectText } from '../../domain/migration/subject.ts';
import { hashOf } from '../../domain/plan/hash.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { plannedAssociations } from '../../domain/plan/plan.ts';
import { needsApproval } from '../../domain/waiting/waiting.ts';
import type { Settings } from '../../ports/index.ts';
import { assertRepairable } from './trust.ts';

const AGAIN = 'Nothing was changed. Find out who wrote it into the ledger, then plan again under a new id.';

const refuse = (migrationId: string, what: string): MigrationError =>
  new MigrationError('BadInput', `The plan of migration ${migrationId} is not carried out: ${what}. ${AGAIN}`);

/** What the state machine knows of a migration by itself. */
export interface KnownMigration {
  migrationId: string;
  target: Target;
  subject: string;
  planHash: string;
}

/** What a plan says that it is for, in words. */
const planFor = ({ addon, serviceAccount, associations }: Plan): string =>
  addon
    ? `add-on ${addon.name}`
    : `service account ${serviceAccount ? subjectOf({ serviceAccount }) : associations.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ') || 'none'}`;

/** Throws BadInput for a record of another target or subject, and for a plan that does not follow from it. */
export function assertPlanIsOwn(
  { request }: Migration,
  plan: Plan,
  { migrationId, target, subject, planHash }: KnownMigration,
): asserts plan is Plan & { namespace: string } {
  if (!isDeepStrictEqual({ ...request.target }, { ...target }) || subjectOf(request) !== subject) {
    throw refuse(
      migrationId,
      `its record asks for ${subjectText(subjectOf(request))} of cluster ${request.target.cluster} (${request.target.account}, ${request.target.region}), but what was planned is ${subject} of ${target.cluster} (${target.account}, ${target.region})`,
    );
  }
  if (plan.hash !== hashOf(plan, request)) throw refuse(migrationId, 'it is not what its hash was made of');
  if (plan.hash !== planHash)
    throw refuse(migrationId, 'it is another one than the step plan has made in this execution');
  if (planFor(plan) !== subjectText(subject)) throw refuse(migrationId, `it is for ${planFor(plan)}, not ${subject}`);
  // Roles come from the request, or from what has them by IRSA, from nowhere else.
  const { namespace, serviceAccount, addon } = plan;
  if (namespace === undefined) throw refuse(migrationId, 'it does not say which namespace it is about');
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
      'its associations have other roles or namespaces than its request and what it is about give them',
    );
  if (plan.installAgent && request.agent !== 'install')
    throw refuse(migrationId, 'it would install the Pod Identity agent, which its request does not ask for');
  const lost = plan.identityLosses.find(
    (one) => one.pods > 0 && !request.acceptIdentityLoss.includes(one.serviceAccount),
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

/** Throws BadInput where this deployment may not pass one of the roles, or change one of the trust policies. */
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
 * Throws BadInput for a plan that has to be approved, and that is not the one whose approval the execution was told of.
 * An approval that is in the ledger alone is none, since whoever can write there can write one; what the execution was
 * told is none either (`assertApproved`).
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
    `The plan of migration ${migrationId} is not carried out: ${approvedHash === '' ? 'nobody has approved it' : 'what was approved is another plan'}, and ${request.approval === 'required' ? 'its request' : 'this deployment'} wants an approval. Nothing was changed. Start it again.`,
  );
}

/** The same for what a rollback would put back: the roles of the associations that are there. */
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
    `This deployment may not pass ${refused.join(', ')} (it may pass: ${patterns.join(', ') || 'no role'}), although the plan says so. Nothing was changed. Where the configuration was narrowed since, plan again; otherwise find out who wrote that plan into the ledger.`,
  );
}
