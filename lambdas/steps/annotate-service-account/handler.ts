/**
 * Takes the annotation eks.amazonaws.com/role-arn off the service account, once its pods are verified to do without; on
 * the way back, puts it back as the snapshot has it, before anything is restarted. Idempotency: looks first, and writes
 * only what differs; that it sets about to is in the ledger before. The write names the version of the object that was
 * seen, so that nothing which somebody changes in between is overwritten. Failure: an annotation, or a service account,
 * that somebody else has changed is left alone (ServiceAccountChanged), and so is the annotation where its association
 * is not as it was verified: without both, new pods have no role (AssociationChanged), and that leads back. For anything
 * else of a migration whose pods are verified nothing is put back: the association goes before an annotation, and its end
 * says that it is still there. On the way back a person decides (RestoreRefused).
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import type { AnnotationChange, Migration, ServiceAccountState, Snapshot } from '../../domain/migration/model.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import {
  accountProblem,
  accountProblemBack,
  associationProblem,
  isUnannotated,
} from '../../domain/migration/service-account.ts';
import { settingsFor } from '../../domain/aws/spokes.ts';
import type { HandlerDependencies, ServiceAccountDetail, Settings } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { associationChanged } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../../use-cases/migration/recorded.ts';
import { accountChanged, readAccount } from '../../use-cases/migration/service-account.ts';
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

const look = ({ input, was, dependencies }: Work): Promise<ServiceAccountDetail | undefined> =>
  readAccount(dependencies.portsFor(input.target).kubernetes, was, dependencies.clock);

async function write(work: Work, now: ServiceAccountDetail, roleArn: string | null): Promise<void> {
  const { input, dependencies } = work;
  await changeGuard(dependencies, input)();
  await dependencies.portsFor(input.target).kubernetes.annotateServiceAccount(now, roleArn);
}

/** Throws AssociationChanged where the association is gone, or another: the annotation is what new pods have then. */
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

async function takeOff(work: Work): Promise<boolean> {
  const { input, record, was, dependencies } = work;
  const { ledger, clock } = dependencies;
  const now = await look(work);
  // Where somebody else has taken it off, it is as it shall be.
  const why = accountProblem(was, now, true);
  if (!now || why !== undefined) throw accountChanged(why ?? '');
  const note: AnnotationChange =
    isUnannotated(record) && record.annotationChange ? record.annotationChange : { notedAt: utcNow(clock) };
  if (now.roleArn !== undefined) {
    await assertAssociated(work);
    if (note !== record.annotationChange) await ledger.updateMigration(input.migrationId, { annotationChange: note });
    await write(work, now, null);
  } else if (note !== record.annotationChange) return false;
  await ledger.updateMigration(input.migrationId, { annotationChange: { ...note, writtenAt: utcNow(clock) } });
  return true;
}

/**
 * IAM asks nobody about an annotation, and the role comes from the ledger: throws RestoreRefused where the deployment
 * may not give it to pods.
 */
function assertGivable(roleArn: string, { passableRoleArns }: Settings): void {
  if (isCovered(passableRoleArns, roleArn)) return;
  throw new MigrationError(
    'RestoreRefused',
    `The annotation is not put back: this deployment may not give pods ${roleArn} (it may give: ${passableRoleArns.join(', ') || 'no role'}). Where its configuration was narrowed since, the record's hand-off has the command; otherwise find out who wrote that role into the ledger.`,
  );
}

async function putBack(work: Work): Promise<boolean> {
  const { input, record, was, dependencies } = work;
  const { annotationChange: note } = record;
  if (!note || !isUnannotated(record) || was.roleArn === undefined) return false;
  const now = await look(work);
  const why = accountProblemBack(record, was, now, true);
  if (!now || why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `The annotation is not put back: ${why ?? ''}. It was left as it is; the record's hand-off says how it was before.`,
    );
  if (now.roleArn === undefined) {
    assertGivable(was.roleArn, settingsFor(dependencies.settings, input.target));
    await write(work, now, was.roleArn);
  }
  await dependencies.ledger.updateMigration(input.migrationId, {
    annotationChange: { ...note, undoneAt: utcNow(dependencies.clock) },
  });
  return now.roleArn === undefined;
}

/** What the plan could not see is not in the snapshot, and is not touched. */
function seenIn({ serviceAccount }: Snapshot, { migrationId, request }: Migration): ServiceAccountState {
  if (serviceAccount && request.annotation === 'remove') return serviceAccount;
  throw new MigrationError(
    'BadInput',
    `The plan of migration ${migrationId} takes no annotation off. Nothing was changed by this step.`,
  );
}

const run: StepRun<typeof annotateServiceAccountSchema> = async (input, dependencies) => {
  const { ledger } = dependencies;
  const record = await recordedMigration(ledger, input.migrationId);
  planOf(record);
  const snapshot = await recordedSnapshot(ledger, input.migrationId);
  const work: Work = { input, record, snapshot, was: seenIn(snapshot, record), dependencies };
  return { changed: await (input.towards === 'before' ? putBack(work) : takeOff(work)) };
};

export const annotateServiceAccountStep = step(annotateServiceAccountSchema, run);
