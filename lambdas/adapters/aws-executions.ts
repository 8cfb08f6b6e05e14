import { DescribeExecutionCommand, ExecutionAlreadyExists, StartExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { MigrationError } from '../domain/errors.ts';
import type { Executions, ExecutionState } from '../ports/executions.ts';
import { aws, awsOrUndefined } from './aws-errors.ts';

export interface AwsExecutionsOptions {
  client: SFNClient;
  /** ARN of the state machine Recover; called when it is needed, so that it may throw where this function has none. */
  recoverStateMachineArn: () => string;
}

/** Step Functions of the service's own account and region, by the AWS SDK. */
export class AwsExecutions implements Executions {
  private readonly options: AwsExecutionsOptions;

  constructor(options: AwsExecutionsOptions) {
    this.options = options;
  }

  async describe(executionArn: string): Promise<ExecutionState | undefined> {
    const call = `states:DescribeExecution ${executionArn}`;
    // Whether it runs is all that is asked: its input and output are nobody's business here, and a customer's key stays closed.
    const answer = await awsOrUndefined(call, () => this.options.client.send(new DescribeExecutionCommand({ executionArn, includedData: 'METADATA_ONLY' })));
    if (!answer) return undefined;
    if (!answer.status) throw new MigrationError('ServiceUnavailable', `${call} answered without a status`);
    return { status: answer.status, ...(answer.stopDate ? { stoppedAt: answer.stopDate.toISOString() } : {}) };
  }

  async startRecovery(migrationId: string, name: string): Promise<void> {
    const stateMachineArn = this.options.recoverStateMachineArn();
    const input = JSON.stringify({ migrationId, cause: 'stranded' });
    try {
      await aws(`states:StartExecution ${name}`, () => this.options.client.send(new StartExecutionCommand({ stateMachineArn, name, input })));
    } catch (error) {
      // That name stands for that recovery: whether it still runs or is over, it was started.
      if (!(error instanceof MigrationError && error.cause instanceof ExecutionAlreadyExists)) throw error;
    }
  }
}
