/**
 * Removes the annotation eks.amazonaws.com/role-arn from the service account once its pods are verified; they work without
 * it. During a rollback, restores the annotation from the snapshot before any pod is restarted. Idempotency: reads the
 * object first and writes only what differs; the intent is stored in the ledger before the write. The write names the
 * version of the object that was read, so that a concurrent change is not overwritten. Failure: an annotation or a
 * service account that was changed outside this migration is left alone (ServiceAccountChanged). So is the annotation if
 * its association is no longer as it was verified (AssociationChanged): without both, new pods have no role, and the
 * migration rolls back. It stays too if other software uses the web identity that the request does not accept by name
 * (ConsumersAppeared, promise 13). No other failure undoes a migration whose pods are verified: the association takes precedence
 * over an annotation, and the end of the migration warns that the annotation is still there. During a rollback a person
 * decides (RestoreRefused).
 */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { appearedConsumers } from '../../domain/consumers/appeared.ts';
import { isAccessRefused, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import type { ServiceAccountState } from '../../domain/terms/observed.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import {
  accountProblem,
  accountProblemBack,
  associationProblem,
  isUnannotated,
} from '../../domain/migration/service-account.ts';
import { ANNOTATION_USED, annotationUsed } from '../../domain/verification/pods.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import type { HandlerDependencies, ServiceAccountDetail, Settings } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { readConsumers } from '../../use-cases/facts/read-consumers.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { associationChanged } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { accountChanged, readAccount } from '../../use-cases/confirmed/service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { annotateServiceAccountSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof annotateServiceAccountSchema>>[0];

interface Work {
  input: Input;
  record: Migration;
  was: ServiceAccountState;
  snapshot: Snapshot;
  dependencies: HandlerDependencies;
}

const readCurrent = ({ input, was, dependencies }: Work): Promise<ServiceAccountDetail | undefined> =>
  readAccount(dependencies.portsFor(input.target).kubernetes, was, dependencies.clock);

async function write(work: Work, now: ServiceAccountDetail, roleArn: string | null): Promise<void> {
  const { input, dependencies } = work;
  await changeGuard(dependencies, input)();
  await dependencies.portsFor(input.target).kubernetes.annotateServiceAccount(now, roleArn);
}

/** Throws AssociationChanged if the association is missing or another one: new pods then depend on the annotation. */
async function assertAssociated({ input, record, snapshot, dependencies }: Work): Promise<void> {
  const { eks } = dependencies.portsFor(input.target);
  const problem = async (): Promise<string | undefined> => {
    const [only] = snapshot.planned;
    return only && associationProblem(record, snapshot, only, await listPlannedAssociations(eks, snapshot.planned));
  };
  const why = await readUntilSure(dependencies.clock, problem, (one) => one === undefined);
  if (why !== undefined)
    throw associationChanged(
      `is no longer as it was verified: ${why}`,
      'the annotation stays, and new pods have its role',
    );
}

/**
 * Throws ConsumersAppeared if other software loses its AWS access with the annotation, or if it can't be determined, unless
 * the request accepts that by name.
 */
async function assertNotUsed({ input, record, was, dependencies }: Work): Promise<void> {
  const { kubernetes } = dependencies.portsFor(input.target);
  const pods = await kubernetes.listPods(was.namespace);
  const workloads = await kubernetes.listWorkloads(was.namespace);
  const consumers = await readConsumers(kubernetes, { pods, removes: true });
  const why = appearedConsumers(was, { consumers, pods, workloads }, acceptedNames(record.request, 'consumer'));
  if (why === undefined) return;
  // The migration ends migrated, without a failure that would show why.
  const others = record.warnings.filter(({ id }) => id !== ANNOTATION_USED);
  await dependencies.ledger.updateMigration(input.migrationId, {
    warnings: [...others, annotationUsed(was, input.target, why)],
  });
  throw new MigrationError(
    'ConsumersAppeared',
    `The annotation was not removed: ${why} Change how they get credentials, or accept them by name, then migrate again.`,
  );
}

async function removeAnnotation(work: Work): Promise<boolean> {
  const { input, record, was, dependencies } = work;
  const { ledger, clock } = dependencies;
  const now = await readCurrent(work);
  // An annotation that was removed outside this migration is already in the wanted state.
  const why = accountProblem(was, now, true);
  if (!now || why !== undefined) throw accountChanged(why ?? '');
  const isNoted = isUnannotated(record);
  if (now.roleArn !== undefined) {
    await assertAssociated(work);
    await assertNotUsed(work);
    if (!isNoted) await ledger.recordAnnotation(input.migrationId, 'notedAt', utcNow(clock));
    await write(work, now, null);
  } else if (!isNoted) return false;
  try {
    await ledger.recordAnnotation(input.migrationId, 'writtenAt', utcNow(clock));
  } catch (error) {
    // No failure undoes a migration whose pods are verified, so its hand-off would say for ever that the annotation stays.
    if (!isAccessRefused(error)) throw error;
    throw new MigrationError('ServiceUnavailable', error.message, { cause: error });
  }
  return true;
}

/**
 * Throws RestoreRefused if the deployment may not pass the role to pods: IAM does not check an annotation, and the role
 * comes from the ledger.
 */
function assertGivable(roleArn: string, { passableRoleArns }: Settings): void {
  if (isCovered(passableRoleArns, roleArn)) return;
  throw new MigrationError(
    'RestoreRefused',
    `The annotation was not restored: this deployment may not pass ${roleArn} to pods (it may pass: ${passableRoleArns.join(', ') || 'no role'}). If its configuration was narrowed since, run the record's restore commands; otherwise find out who wrote that role into the ledger.`,
  );
}

async function restoreAnnotation(work: Work): Promise<boolean> {
  const { input, record, was, dependencies } = work;
  if (!isUnannotated(record) || was.roleArn === undefined) return false;
  const now = await readCurrent(work);
  const why = accountProblemBack(record, was, now, true);
  if (!now || why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `The annotation was not restored: ${why ?? ''}. It was left as it is; the record's restore commands show its former value.`,
    );
  if (now.roleArn === undefined) {
    assertGivable(was.roleArn, settingsFor(dependencies.settings, input.target));
    await write(work, now, was.roleArn);
  }
  await dependencies.ledger.recordAnnotation(input.migrationId, 'undoneAt', utcNow(dependencies.clock));
  return now.roleArn === undefined;
}

/** Returns the service account as the snapshot has it. What the plan could not see is not in the snapshot and not changed. */
function snapshotAccount({ serviceAccount }: Snapshot, { migrationId, request }: Migration): ServiceAccountState {
  if (serviceAccount && request.annotation === 'remove') return serviceAccount;
  throw new MigrationError(
    'BadInput',
    `The plan of migration ${migrationId} does not remove an annotation. This step changed nothing.`,
  );
}

const run: StepRun<typeof annotateServiceAccountSchema> = async (input, dependencies) => {
  const { ledger } = dependencies;
  const record = await recordedMigration(ledger, input.migrationId);
  planOf(record);
  const snapshot = await recordedSnapshot(ledger, input.migrationId);
  const work: Work = { input, record, snapshot, was: snapshotAccount(snapshot, record), dependencies };
  return { changed: await (input.towards === 'before' ? restoreAnnotation(work) : removeAnnotation(work)) };
};

export const annotateServiceAccountStep = step(annotateServiceAccountSchema, run);
