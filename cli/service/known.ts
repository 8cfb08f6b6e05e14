/** Looks up a migration by its id. */
import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { OwnerState } from '../../lambdas/domain/rollback/recovery.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';

/** Returns the ARN of the MigrateAddon execution of a migration, whose name is the migration's id. */
export const firstExecutionOf = ({ stateMachineArn }: Pick<Backend, 'stateMachineArn'>, migrationId: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${migrationId}`;

/** Returns the state of an execution, or undefined if Step Functions does not (or no longer) know it. */
export const stateOf = async (backend: Pick<Backend, 'stepFunctions'>, executionArn: string): Promise<OwnerState> => {
  try {
    const { status = '', stopDate } = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    return { status, ...(stopDate ? { stoppedAt: stopDate.toISOString() } : {}) };
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
};

/** Returns the status of an execution, or undefined as `stateOf` does. */
export const statusOf = async (
  backend: Pick<Backend, 'stepFunctions'>,
  executionArn: string,
): Promise<string | undefined> => (await stateOf(backend, executionArn))?.status;

const unknown = (migrationId: string): CliError =>
  new CliError(
    'UnknownMigration',
    `migration ${migrationId} does not exist here`,
    'The id is in the second line that migrate and plan print, and in the field migrationId of --json. Check that this is the same --state file, or the same deployed service',
  );

/**
 * Returns the migration's record, or undefined if the migration has only just started and has none yet. Throws
 * UnknownMigration.
 */
export const findMigration = async (
  backend: Pick<Backend, 'ledger' | 'stepFunctions' | 'stateMachineArn'>,
  migrationId: string,
): Promise<Migration | undefined> => {
  const record = await backend.ledger.getMigration(migrationId);
  if (record) return record;
  if ((await statusOf(backend, firstExecutionOf(backend, migrationId))) === 'RUNNING') return undefined;
  throw unknown(migrationId);
};
