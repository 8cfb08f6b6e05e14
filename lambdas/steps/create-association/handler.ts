/**
 * Associates the service account with its role; one that was there before with that role is kept. Pods that run keep
 * their identity: the next step finds them, and restarts what they belong to. Of an add-on: the same for each service
 * account that is planned a standalone association, before anything takes the add-on's role away. Idempotency: observes
 * first; one that is noted as created, or carries the migration's tag, is its own, from a call whose reply was lost.
 * Failure: what somebody else has associated, or changed, meanwhile is left alone (AssociationChanged,
 * ServiceAccountChanged).
 */
import { plannedFor, standaloneOf } from '../../domain/associations/associations.ts';
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import {
  type Association,
  isOfAddon,
  type Migration,
  type PlannedAssociation,
  type Snapshot,
} from '../../domain/migration/model.ts';
import {
  accountProblem,
  associationProblem,
  isOwnAssociation,
  MIGRATION_TAG,
} from '../../domain/migration/service-account.ts';
import type { Clock, HandlerDependencies, Kubernetes } from '../../ports/index.ts';
import { assertGranted } from '../../use-cases/migration/grants.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { associationChanged } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { noteAttempt, recordedWork, type Work } from '../../use-cases/migration/recorded.ts';
import { accountChanged, readAccount } from '../../use-cases/migration/service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../use-cases/migration/trust.ts';
import { createAssociationSchema } from './schema.ts';

/** Whether the snapshot has an association of that service account. */
const hadAssociation = ({ associations }: Snapshot, one: PlannedAssociation): boolean =>
  associations.some((was) => plannedFor(was, [one]) !== undefined);

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
  if (!found && !hadAssociation(snapshot, one)) return undefined;
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
  const why = accountProblem(was, await readAccount(kubernetes, was, clock), false);
  if (why !== undefined) throw accountChanged(why);
}

type Input = Parameters<StepRun<typeof createAssociationSchema>>[0];

/** Which associations the step makes. Throws BadInput where there is none, or more than the service account's own. */
function toMake(snapshot: Snapshot, migrationId: string): PlannedAssociation[] {
  const wanted = isOfAddon(snapshot) ? standaloneOf(snapshot.planned) : snapshot.planned;
  if (wanted.length === 1 || (isOfAddon(snapshot) && wanted.length > 0)) return wanted;
  throw new MigrationError(
    'BadInput',
    `The snapshot of migration ${migrationId} plans ${wanted.length} associations that this step could make, and it makes ${isOfAddon(snapshot) ? 'the standalone ones of an add-on' : 'one'}. Nothing was changed by it.`,
  );
}

/** Answers the id of the association, and whether this call has made it. */
async function associate(
  one: PlannedAssociation,
  work: Work,
  input: Input,
  dependencies: HandlerDependencies,
): Promise<{ created: boolean; id: string }> {
  const { record, snapshot } = work;
  const { migrationId, target, attempt } = input;
  const { ledger, clock } = dependencies;
  const { eks } = dependencies.portsFor(target);
  const { namespace, serviceAccount, roleArn, standalone } = one;
  const list = (): Promise<Association[]> => eks.listAssociations(namespace, serviceAccount);

  const found = planned(record, snapshot, one, await readUntilSure(clock, list, (there) => there.length > 0));
  if (found) {
    if (isOwnAssociation(record, found)) await ledger.recordAssociation(migrationId, 'created', found);
    return { created: false, id: found.id };
  }
  await assertGranted(work, { associations: [one] }, dependencies);
  await changeGuard(dependencies, input)();
  try {
    const wanted = { namespace, serviceAccount, roleArn, tags: { [MIGRATION_TAG]: migrationId } };
    const which = standalone === true ? `-${standaloneOf(snapshot.planned).indexOf(one)}` : '';
    const made = await eks
      .createAssociation(wanted, `${migrationId}-create-association-${attempt}${which}`)
      .catch((error: unknown) => explainTrust(error, record, clock));
    await ledger.recordAssociation(migrationId, 'created', made);
    return { created: true, id: made.id };
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    // Somebody else was faster; or none is listed, and the key of a deleted one is not free yet
    // (aws-controllers-k8s/community#2684).
    planned(record, snapshot, one, await list());
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
}

const run: StepRun<typeof createAssociationSchema> = async (input, dependencies) => {
  const { migrationId, target, attempt } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedWork(ledger, migrationId, attempt);
  const { record, snapshot } = work;
  const wanted = toMake(snapshot, migrationId);
  await noteAttempt(ledger, record, attempt);
  await assertAccount(snapshot, record, dependencies.portsFor(target).kubernetes, clock);
  const made: { created: boolean; id: string }[] = [];
  for (const one of wanted) made.push(await associate(one, work, input, dependencies));
  return { created: made.some(({ created }) => created), associations: made.map(({ id }) => id) };
};

export const createAssociationStep = step(createAssociationSchema, run);
