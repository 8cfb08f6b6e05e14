/** A rollback on demand: starts Recover for one migration and follows it to its end. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Rollback } from '../lambdas/domain/migration/model.ts';
import { executionName } from '../lambdas/domain/aws/arn.ts';
import type { StepName } from '../lambdas/steps/schemas.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { endingOf, follower, reportOf, untilOutcome, type Watcher } from './follow.ts';
import { findMigration } from './known.ts';
import type { End } from './run.ts';

export interface RollbackRequest {
  migrationId: string;
  requestedBy?: string;
  reason?: string;
  /** Goes back even where pods may be without credentials before all of them are replaced. */
  acceptCredentialGap?: true;
}

export const refused = (migrationId: string, why: string): CliError =>
  new CliError('RollbackRefused', why, `To look at the migration: pod-identity show ${migrationId}`);

/** Throws where the last rollback was refused: the migration is as it was before. */
export const assertNotRefused = ({
  migrationId,
  rollback,
}: {
  migrationId: string;
  rollback?: Rollback | undefined;
}): void => {
  if (rollback?.state !== 'refused') return;
  throw refused(migrationId, rollback.error?.message ?? `the rollback of migration ${migrationId} was refused`);
};

/** The step's own words: the execution's cause has more around them. */
const refusalOf = async (backend: Backend, migrationId: string): Promise<string | undefined> =>
  (await backend.ledger.listSteps(migrationId)).findLast(
    ({ name, error }) => name === ('take-over' satisfies StepName) && error !== undefined,
  )?.error?.message;

/**
 * In a thread of the backend's clock. `onStart` is called once Recover runs. Answers the report that stands at the end.
 * Throws UnknownMigration, and RollbackRefused where it is not begun; nothing was changed then.
 */
export const rollBackAndFollow = async (
  backend: Backend,
  request: RollbackRequest,
  watcher: Watcher,
  onStart?: () => void,
): Promise<End> => {
  const { migrationId } = request;
  const before = await findMigration(backend, migrationId);
  if (!before)
    throw refused(
      migrationId,
      `migration ${migrationId} has only just been started; nothing was changed. To stop it: pod-identity cancel ${migrationId}`,
    );
  const { executionArn = '' } = await backend.stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: backend.recoverStateMachineArn,
      // A migration may be asked for more than once: each time has a name of its own.
      name: `${migrationId}-${backend.ids.ulid()}`,
      input: JSON.stringify({ ...request, cause: 'requested' }),
    }),
  );
  onStart?.();
  const follow = follower(backend, watcher);
  const steps = await follow(executionArn);
  const execution = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  const failure = new CliError(
    'RollbackFailed',
    `the rollback of migration ${migrationId} ended without an outcome: ${endingOf(execution)}`,
    `Its steps so far: pod-identity show ${migrationId}\nExecution: ${executionArn}`,
    EXIT_CODES.unexpected,
  );
  const rollback = (await backend.ledger.getMigration(migrationId))?.rollback;
  if (rollback?.id !== executionName(executionArn) && rollback?.executionArn !== executionArn) {
    // It was not accepted, so that the migration knows nothing of it: the words are the step's.
    const takeOver = steps.findLast(({ step }) => step === 'take-over');
    if (takeOver?.error !== 'RollbackRefused') return { migrationId, failure };
    throw refused(
      migrationId,
      (await refusalOf(backend, migrationId)) ?? `migration ${migrationId} is not rolled back: ${endingOf(execution)}`,
    );
  }
  const record = await untilOutcome(backend, migrationId, executionArn, follow, watcher);
  if (record) assertNotRefused(record);
  const report = record && (await reportOf(backend, record));
  return report ? { migrationId, report } : { migrationId, failure };
};
