/**
 * Associates the service account with its role; one that was there before with that role is kept. Pods that run keep
 * their identity: the next step finds them, and restarts what they belong to. Idempotency: observes first; one that is
 * noted as created, or carries the migration's tag, is its own, from a call whose reply was lost. Failure: what
 * somebody else has associated, or changed, meanwhile is left alone (AssociationChanged, ServiceAccountChanged).
 */
import { isMigrationError, MigrationError } from '../../domain/errors.ts';
import type { Association, Migration, PlannedAssociation, Snapshot } from '../../domain/model.ts';
import { accountProblem, associationProblem, isOwnAssociation, MIGRATION_TAG } from '../../domain/service-account.ts';
import type { Clock, Kubernetes } from '../../ports/index.ts';
import { changeGuard } from '../../runtime/guard.ts';
import { associationChanged } from '../../runtime/in-the-way.ts';
import { lookSeveralTimes } from '../../runtime/looks.ts';
import { noteRung, recordedAccountWork } from '../../runtime/recorded.ts';
import { accountChanged, lookAtAccount } from '../../runtime/service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../runtime/trust.ts';
import { createAssociationSchema } from './schema.ts';

/**
 * Throws AssociationChanged where what is there is not as planned; answers it, or undefined where there is none and
 * none was.
 */
function planned(
  record: Migration,
  snapshot: Snapshot,
  one: PlannedAssociation,
  there: Association[],
): Association | undefined {
  const [found] = there;
  if (!found && snapshot.associations.length === 0) return undefined;
  const why = associationProblem(record, snapshot, one, there);
  if (why !== undefined)
    throw associationChanged(`is no longer as planned: ${why}`, 'find out who did it, then migrate again');
  return found;
}

/** Where nobody may look at the API server, nobody does. */
async function assertAccount(
  { serviceAccount: was }: Snapshot,
  { request }: Migration,
  kubernetes: Kubernetes,
  clock: Clock,
): Promise<void> {
  if (!was || request.verification === 'api') return;
  const why = accountProblem(was, await lookAtAccount(kubernetes, was, clock), false);
  if (why !== undefined) throw accountChanged(why);
}

const run: StepRun<typeof createAssociationSchema> = async (input, dependencies) => {
  const { migrationId, target, rung } = input;
  const { ledger, clock } = dependencies;
  const { record, snapshot } = await recordedAccountWork(ledger, migrationId, rung);
  const [only, ...more] = snapshot.planned;
  if (!only || more.length > 0)
    throw new MigrationError(
      'BadInput',
      `The snapshot of migration ${migrationId} plans ${snapshot.planned.length} associations, and this step makes one. Nothing was changed by it.`,
    );
  await noteRung(ledger, record, rung);
  const { eks, kubernetes } = dependencies.portsFor(target);
  await assertAccount(snapshot, record, kubernetes, clock);
  const list = (): Promise<Association[]> => eks.listAssociations(only.namespace, only.serviceAccount);

  const found = planned(record, snapshot, only, await lookSeveralTimes(clock, list, (there) => there.length > 0));
  if (found) {
    if (isOwnAssociation(record, found)) await ledger.recordAssociation(migrationId, 'created', found);
    return { created: false, association: found.id };
  }
  await changeGuard(dependencies, input)();
  try {
    const wanted = {
      namespace: only.namespace,
      serviceAccount: only.serviceAccount,
      roleArn: only.roleArn,
      tags: { [MIGRATION_TAG]: migrationId },
    };
    const made = await eks
      .createAssociation(wanted, `${migrationId}-create-association-${rung}`)
      .catch((error: unknown) => explainTrust(error, record, clock));
    await ledger.recordAssociation(migrationId, 'created', made);
    return { created: true, association: made.id };
  } catch (error) {
    if (!isMigrationError(error, 'Busy') || !/association already exists/i.test(error.message)) throw error;
    // Somebody else was faster; or none is listed, and the key of a deleted one is not free yet
    // (aws-controllers-k8s/community#2684).
    planned(record, snapshot, only, await list());
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
};

export const createAssociationStep = step(createAssociationSchema, run);
