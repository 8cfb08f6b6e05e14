/** Looking a migration up by its id. */
import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn';
import type { Migration } from '../lambdas/domain/migration/model.ts';
import type { OwnerState } from '../lambdas/domain/rollback/recovery.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';

/** ARN of the execution of MigrateAddon that began a migration: it is called by the migration's id. */
export const firstExecutionOf = ({ stateMachineArn }: Pick<Backend, 'stateMachineArn'>, migrationId: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${migrationId}`;

/** `undefined`: Step Functions does not know it (any more). */
export const stateOf = async (backend: Pick<Backend, 'stepFunctions'>, executionArn: string): Promise<OwnerState> => {
  try {
    const { status = '', stopDate } = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    return { status, ...(stopDate ? { stoppedAt: stopDate.toISOString() } : {}) };
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
};

/** As `stateOf`. */
export const statusOf = async (
  backend: Pick<Backend, 'stepFunctions'>,
  executionArn: string,
): Promise<string | undefined> => (await stateOf(backend, executionArn))?.status;

const unknown = (migrationId: string): CliError =>
  new CliError(
    'UnknownMigration',
    `there is no migration ${migrationId} here`,
    'The id stands in the second line of what migrate and plan print, and in the field migrationId of --json. Is it the same place: the same --state file, or the same deployed service?',
  );

/**
 * The ledger's record; `undefined` where the migration has just been started and has none yet. Throws UnknownMigration.
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
