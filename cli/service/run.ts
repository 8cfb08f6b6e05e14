/** Runs one migration from its start to its report. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { busyRemedy, busyText, busyWith } from '../../lambdas/use-cases/migration/subject-busy.ts';
import { type Backend, executionsOf } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { endingOf, follower, reportOf, untilOutcome, type Watcher } from './follow.ts';
import { type Progress, shownBy, silentProgress } from '../progress.ts';

/** The end of a migration or rollback: its report, or the failure that explains why there is none. */
export type End = { migrationId: string } & ({ report: MigrationReport } | { report?: undefined; failure: CliError });

/** Starts the execution, follows it to its end and returns its report. Throws ExecutionFailed if there is none. */
export const runMigration = async (
  backend: Backend,
  request: MigrationRequest,
  progress: Watcher & Pick<Progress, 'close'> = silentProgress,
): Promise<MigrationReport> =>
  reportIn(
    await shownBy(
      progress,
      backend.clock.spawn(() => startAndFollow(backend, request, progress)),
    ),
  );

/** Returns the report of an end. Throws its failure if there is none. */
export const reportIn = (end: End): MigrationReport => {
  if (end.report === undefined) throw end.failure;
  return end.report;
};

/** Throws SubjectBusy, before anything is started, if another migration works on the same subject. */
const assertNotBusy = async (backend: Backend, request: MigrationRequest): Promise<void> => {
  const holder = await busyWith(request, undefined, { ledger: backend.ledger, executions: executionsOf(backend) });
  if (!holder) return;
  throw new CliError(
    'SubjectBusy',
    `${busyText(request, holder)}; nothing was started`,
    busyRemedy(holder),
    EXIT_CODES.blocked,
  );
};

/** Starts the execution of a migration, without following it. */
export const startMigration = async (
  { ids, stepFunctions, stateMachineArn }: Pick<Backend, 'ids' | 'stepFunctions' | 'stateMachineArn'>,
  request: MigrationRequest,
): Promise<{ migrationId: string; executionArn: string }> => {
  const migrationId = ids.ulid();
  const { executionArn = '' } = await stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn,
      // Recover gets the migration's id from the name of the execution that stopped.
      name: migrationId,
      input: JSON.stringify({ migrationId, request }),
    }),
  );
  return { migrationId, executionArn };
};

/**
 * Starts a migration and follows it. Runs in a thread of the backend's clock. Calls `onStart` with the migration's id
 * once its execution runs.
 */
export const startAndFollow = async (
  backend: Backend,
  request: MigrationRequest,
  watcher: Watcher,
  onStart?: (migrationId: string) => void,
): Promise<End> => {
  await assertNotBusy(backend, request);
  const { migrationId, executionArn } = await startMigration(backend, request);
  onStart?.(migrationId);
  const follow = follower(backend, watcher);
  await follow(executionArn);
  const record = await untilOutcome(backend, migrationId, executionArn, follow, watcher);
  const report = record && (await reportOf(backend, record));
  return report
    ? { migrationId, report }
    : { migrationId, failure: await withoutReport(backend, executionArn, migrationId, request) };
};

const lookAt = ({ target: { cluster, region }, addon, serviceAccount }: MigrationRequest): string =>
  addon === undefined
    ? `aws eks list-pod-identity-associations --cluster-name ${cluster} --namespace ${serviceAccount?.namespace ?? ''} --service-account ${serviceAccount?.name ?? ''} --region ${region}`
    : `aws eks describe-addon --cluster-name ${cluster} --addon-name ${addon} --region ${region}`;

/** Returns the error for an execution that ended without an outcome in the ledger, with everything that is known. */
const withoutReport = async (
  backend: Backend,
  executionArn: string,
  migrationId: string,
  request: MigrationRequest,
): Promise<CliError> => {
  const execution = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  const record = await backend.ledger.getMigration(migrationId);
  const snapshot = record ? await backend.ledger.getSnapshot(migrationId) : undefined;
  const { cluster, account, region } = request.target;
  const about = `${subjectOf(request)} on ${cluster} (${account}, ${region})`;
  const known = snapshot
    ? `It had begun to change ${about}; the snapshot of ${snapshot.takenAt} is in the ledger. Check the current state before you do anything else:`
    : `No snapshot was stored, so ${about} was not changed. To check it:`;
  const recovery = record?.recovery
    ? `\nRecover took it over at ${record.recovery.startedAt} but has not ended it either: ${record.recovery.executionArn}`
    : '';
  return new CliError(
    'ExecutionFailed',
    `migration ${migrationId} ended without an outcome: ${endingOf(execution)}`,
    `${known}\n${lookAt(request)}\nExecution: ${executionArn}${recovery}`,
    EXIT_CODES.unexpected,
  );
};
