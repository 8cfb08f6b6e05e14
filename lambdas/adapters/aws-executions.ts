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
import { acceptField } from '../domain/acceptance/accept.ts';
import { type ErrorName, MigrationError } from '../domain/failures/errors.ts';
import type { MigrationRequest } from '../domain/request/request.ts';
import type { Executions, ExecutionState, RetirementAsked, RollbackAsked } from '../ports/executions.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

export interface AwsExecutionsOptions {
  client: SFNClient;
  /** Returns the ARN of Recover. It is called only when needed, and may throw if this function has none. */
  recoverStateMachineArn: () => string;
  /** Returns the ARN of MigrateAddon in the same way. */
  stateMachineArn: () => string;
  /** Returns the ARN of Retire in the same way. Absent if nothing starts it. */
  retireStateMachineArn?: () => string;
  /** Returns the ARN of Sweep in the same way. Absent if nothing starts sweeps. */
  sweepStateMachineArn?: () => string;
}

/**
 * Returns whether an error means that a token is no longer valid. Source: Step Functions API Reference,
 * SendTaskSuccess.
 */
const isOver = (error: unknown): boolean =>
  error instanceof MigrationError &&
  (error.cause instanceof TaskTimedOut ||
    error.cause instanceof TaskDoesNotExist ||
    error.cause instanceof InvalidToken);

const stateMachineOf = (executionArn: string): string =>
  executionArn.replace(':execution:', ':stateMachine:').replace(/:[^:]*$/, '');
const executionIn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** Step Functions in the location of the service, with the AWS SDK. */
export class AwsExecutions implements Executions {
  private readonly options: AwsExecutionsOptions;

  constructor(options: AwsExecutionsOptions) {
    this.options = options;
  }

  async describe(executionArn: string): Promise<ExecutionState | undefined> {
    const call = `states:DescribeExecution ${executionArn}`;
    // Only the status is needed. Without input and output, no right on a customer's key is needed.
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
    { requestedBy, reason, accept }: RollbackAsked,
  ): Promise<void> {
    return this.start(this.options.recoverStateMachineArn(), name, {
      migrationId,
      cause: 'requested',
      requestedBy,
      reason,
      ...acceptField({ accept }),
    });
  }

  async retireArn(name: string): Promise<string> {
    return executionIn(this.retireStateMachineArn(), name);
  }

  async startRetirement(
    migrationId: string,
    name: string,
    { action, dryRun, soakDays, accept, requestedBy, reason }: RetirementAsked,
  ): Promise<void> {
    const input = { migrationId, action, dryRun, soakDays, accept, requestedBy, reason };
    return this.start(this.retireStateMachineArn(), name, input);
  }

  async startRecovery(migrationId: string, name: string): Promise<void> {
    return this.start(this.options.recoverStateMachineArn(), name, { migrationId, cause: 'stranded' });
  }

  async startSweep(sweepId: string, name: string, sibling?: string): Promise<void> {
    const arn = sibling === undefined ? this.options.sweepStateMachineArn?.() : stateMachineOf(sibling);
    if (arn === undefined)
      throw new MigrationError(
        'BadInput',
        `Sweep ${sweepId} cannot be started here, because the ARN of the state machine Sweep is not configured.`,
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
      'A retirement cannot be started here, because the ARN of the state machine Retire is not configured.',
    );
  }

  private async start(stateMachineArn: string, name: string, input: object): Promise<void> {
    try {
      await aws(`states:StartExecution ${name}`, () =>
        this.options.client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) })),
      );
    } catch (error) {
      // The name identifies the execution: whether it is running or has ended, it was started.
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
