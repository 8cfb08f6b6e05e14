import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { type ErrorName, MigrationError } from '../domain/failures/errors.ts';
import type { MigrationRequest } from '../domain/migration/model.ts';
import type { Executions, ExecutionState, RetirementAsked, RollbackAsked } from '../ports/executions.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

export interface AwsExecutionsOptions {
  client: SFNClient;
  /** ARN of the state machine Recover; called when it is needed, so that it may throw where this function has none. */
  recoverStateMachineArn: () => string;
  /** The same of MigrateAddon. */
  stateMachineArn: () => string;
  /** Of Retire, the same; left out where nothing starts it. */
  retireStateMachineArn?: () => string;
  /** And of Sweep; left out where nothing begins sweeps. */
  sweepStateMachineArn?: () => string;
}

/** Why a token counts no more. Source: Step Functions API Reference, SendTaskSuccess. */
const isOver = (error: unknown): boolean =>
  error instanceof MigrationError &&
  (error.cause instanceof TaskTimedOut ||
    error.cause instanceof TaskDoesNotExist ||
    error.cause instanceof InvalidToken);

const stateMachineOf = (executionArn: string): string =>
  executionArn.replace(':execution:', ':stateMachine:').replace(/:[^:]*$/, '');
const executionIn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** Step Functions of the service's own account and region, by the AWS SDK. */
export class AwsExecutions implements Executions {
  private readonly options: AwsExecutionsOptions;

  constructor(options: AwsExecutionsOptions) {
    this.options = options;
  }

  async describe(executionArn: string): Promise<ExecutionState | undefined> {
    const call = `states:DescribeExecution ${executionArn}`;
    // Whether it runs is all that is asked: its input and output are nobody's business here, and a customer's key stays
    // closed.
    const answer = await awsOrUndefined(call, () =>
      this.options.client.send(new DescribeExecutionCommand({ executionArn, includedData: 'METADATA_ONLY' })),
    );
    if (!answer) return undefined;
    if (!answer.status) throw new MigrationError('ServiceUnavailable', `${call} answered without a status`);
    return { status: answer.status, ...(answer.stopDate ? { stoppedAt: answer.stopDate.toISOString() } : {}) };
  }

  async describeMigration(migrationId: string): Promise<ExecutionState | undefined> {
    return this.describe(executionIn(this.options.stateMachineArn(), migrationId));
  }

  async startMigration(migrationId: string, request: MigrationRequest): Promise<void> {
    return this.start(this.options.stateMachineArn(), migrationId, { migrationId, request });
  }

  async recoverArn(name: string): Promise<string> {
    return executionIn(this.options.recoverStateMachineArn(), name);
  }

  async startRollback(
    migrationId: string,
    name: string,
    { requestedBy, reason, acceptCredentialGap }: RollbackAsked,
  ): Promise<void> {
    return this.start(this.options.recoverStateMachineArn(), name, {
      migrationId,
      cause: 'requested',
      requestedBy,
      reason,
      ...(acceptCredentialGap === true ? { acceptCredentialGap } : {}),
    });
  }

  async retireArn(name: string): Promise<string> {
    return executionIn(this.retireStateMachineArn(), name);
  }

  async startRetirement(
    migrationId: string,
    name: string,
    { action, dryRun, soakDays, requestedBy, reason }: RetirementAsked,
  ): Promise<void> {
    const input = { migrationId, action, dryRun, soakDays, requestedBy, reason };
    return this.start(this.retireStateMachineArn(), name, input);
  }

  async startRecovery(migrationId: string, name: string): Promise<void> {
    return this.start(this.options.recoverStateMachineArn(), name, { migrationId, cause: 'stranded' });
  }

  async startSweep(sweepId: string, name: string, beside?: string): Promise<void> {
    const arn = beside === undefined ? this.options.sweepStateMachineArn?.() : stateMachineOf(beside);
    if (arn === undefined)
      throw new MigrationError(
        'BadInput',
        `Sweep ${sweepId} can't be started from here: it is not said which state machine Sweep is.`,
      );
    return this.start(arn, name, { sweepId });
  }

  async completeTask(taskToken: string, output: unknown): Promise<boolean> {
    return this.send('states:SendTaskSuccess', () =>
      this.options.client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })),
    );
  }

  async failTask(taskToken: string, error: ErrorName, cause: string): Promise<boolean> {
    return this.send('states:SendTaskFailure', () =>
      this.options.client.send(new SendTaskFailureCommand({ taskToken, error, cause })),
    );
  }

  private retireStateMachineArn(): string {
    const arn = this.options.retireStateMachineArn?.();
    if (arn !== undefined) return arn;
    throw new MigrationError(
      'BadInput',
      'No retirement can be started from here: it is not said which state machine Retire is.',
    );
  }

  private async start(stateMachineArn: string, name: string, input: object): Promise<void> {
    try {
      await aws(`states:StartExecution ${name}`, () =>
        this.options.client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) })),
      );
    } catch (error) {
      // That name stands for that execution: whether it still runs or is over, it was started.
      if (!(error instanceof MigrationError && error.cause instanceof ExecutionAlreadyExists)) throw error;
    }
  }

  private async send(call: string, run: () => Promise<unknown>): Promise<boolean> {
    try {
      await aws(call, run);
      return true;
    } catch (error) {
      if (isOver(error)) return false;
      throw error;
    }
  }
}
