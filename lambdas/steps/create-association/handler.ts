/**
 * Associates the service account with its role; an earlier association with that role is kept. Running pods keep their
 * identity: the next step finds them and restarts their workloads. For an add-on, it does the same for each service
 * account with a planned standalone association, before anything removes the add-on's role. Idempotency: observes first;
 * an association that is noted as created, or that has the migration's tag, comes from an earlier call whose reply was
 * lost. Failure: what was associated or changed outside this migration is left alone (AssociationChanged,
 * ServiceAccountChanged).
 */
import { plannedFor, standaloneOf } from '../../domain/associations/associations.ts';
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import { isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import {
  accountProblem,
  associationProblem,
  isOwnAssociation,
  MIGRATION_TAG,
} from '../../domain/migration/service-account.ts';
import type { Clock, HandlerDependencies, Kubernetes } from '../../ports/index.ts';
import { assertGranted } from '../../use-cases/facts/grants.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { associationChanged } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { noteAttempt, recordedWork, type Work } from '../../use-cases/record/recorded.ts';
import { accountChanged, readAccount } from '../../use-cases/confirmed/service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../use-cases/migration/trust.ts';
import { createAssociationSchema } from './schema.ts';

/** Returns whether the snapshot has an association of that service account. */
const hadAssociation = ({ associations }: Snapshot, one: PlannedAssociation): boolean =>
  associations.some((was) => plannedFor(was, [one]) !== undefined);

/**
 * Returns the present association, or undefined if there is none and the snapshot has none. Throws AssociationChanged if
 * it is not as planned.
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
    throw associationChanged(`is no longer as planned: ${why}`, 'find out who changed it, then migrate again');
  return found;
}

/** Throws ServiceAccountChanged if the service account is not as planned. It is not read if the request excludes the API server. */
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

/** Returns the associations to create. Throws BadInput if there are none, or several for a service account. */
function toCreate(snapshot: Snapshot, migrationId: string): PlannedAssociation[] {
  const wanted = isOfAddon(snapshot) ? standaloneOf(snapshot.planned) : snapshot.planned;
  if (wanted.length === 1 || (isOfAddon(snapshot) && wanted.length > 0)) return wanted;
  throw new MigrationError(
    'BadInput',
    `The snapshot of migration ${migrationId} plans ${wanted.length} associations for this step, which creates ${isOfAddon(snapshot) ? 'the standalone associations of an add-on' : 'exactly one'}. This step changed nothing; plan the migration again.`,
  );
}

/** Returns the id of the association, and whether this call has created it. */
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
    const created = await eks
      .createAssociation(wanted, `${migrationId}-create-association-${attempt}${which}`)
      .catch((error: unknown) => explainTrust(error, record));
    await ledger.recordAssociation(migrationId, 'created', created);
    return { created: true, id: created.id };
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    // Another writer was faster; or no association is listed, and the key of a deleted one is not free yet
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
  const wanted = toCreate(snapshot, migrationId);
  await noteAttempt(ledger, record, attempt);
  await assertAccount(snapshot, record, dependencies.portsFor(target).kubernetes, clock);
  const results: { created: boolean; id: string }[] = [];
  for (const one of wanted) results.push(await associate(one, work, input, dependencies));
  return { created: results.some(({ created }) => created), associations: results.map(({ id }) => id) };
};

export const createAssociationStep = step(createAssociationSchema, run);
