/** Rolls back a migration on demand: starts Recover for it and follows it to its end. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Rollback } from '../../lambdas/domain/record/rollback.ts';
import { executionName } from '../../lambdas/domain/aws/arn.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { endingOf, follower, reportOf, untilOutcome, type Watcher } from './follow.ts';
import { findMigration } from './known.ts';
import type { End } from './run.ts';

export interface RollbackRequest {
  migrationId: string;
  requestedBy?: string;
  reason?: string;
  accept?: string[];
}

export const refused = (migrationId: string, why: string): CliError =>
  new CliError('RollbackRefused', why, `To show the migration: pod-identity show ${migrationId}`);

/** Throws if the last rollback was refused, which leaves the migration unchanged. */
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

/** Returns the message of the step, because the execution's cause has more text around it. */
const refusalOf = async (backend: Backend, migrationId: string): Promise<string | undefined> =>
  (await backend.ledger.listSteps(migrationId)).findLast(
    ({ name, error }) => name === ('take-over' satisfies StepName) && error !== undefined,
  )?.error?.message;

/**
 * Rolls back a migration and returns its end. Runs in a thread of the backend's clock. Calls `onStart` once Recover
 * runs. Throws UnknownMigration, and RollbackRefused if the rollback does not begin; nothing was changed then.
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
      `migration ${migrationId} has only just started; nothing was changed. To stop it: pod-identity cancel ${migrationId}`,
    );
  const { executionArn = '' } = await backend.stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: backend.recoverStateMachineArn,
      // A migration may be rolled back more than once: each execution needs a name of its own.
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
    `To show its steps: pod-identity show ${migrationId}\nExecution: ${executionArn}`,
    EXIT_CODES.unexpected,
  );
  const rollback = (await backend.ledger.getMigration(migrationId))?.rollback;
  if (rollback?.id !== executionName(executionArn) && rollback?.executionArn !== executionArn) {
    // The rollback was not accepted, so the record knows nothing of it: the message is that of the step.
    const takeOver = steps.findLast(({ step }) => step === 'take-over');
    if (takeOver?.error !== 'RollbackRefused') return { migrationId, failure };
    throw refused(
      migrationId,
      (await refusalOf(backend, migrationId)) ?? `migration ${migrationId} was not rolled back: ${endingOf(execution)}`,
    );
  }
  const record = await untilOutcome(backend, migrationId, executionArn, follow, watcher);
  if (record) assertNotRefused(record);
  const report = record && (await reportOf(backend, record));
  return report ? { migrationId, report } : { migrationId, failure };
};
