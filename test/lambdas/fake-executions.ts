import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Executions, ExecutionState, RetirementAsked } from '../../lambdas/ports/index.ts';
import { EXECUTION, executionArn, OTHER_EXECUTION } from './fixtures.ts';

/** Step Functions' executions. */
export class FakeExecutions implements Executions {
  /** By ARN; Step Functions knows no others. */
  readonly states = new Map<string, ExecutionState>(
    [EXECUTION, OTHER_EXECUTION].map((arn) => [arn, { status: 'RUNNING' }]),
  );
  readonly recoveries: { migrationId: string; name: string }[] = [];
  readonly migrations: { migrationId: string; request: MigrationRequest }[] = [];
  readonly rollbacks: ({ migrationId: string; name: string } & Parameters<Executions['startRollback']>[2])[] = [];
  /** By task token: what became of the task that waited under it; `waiting` while it does. */
  readonly tasks = new Map<string, 'waiting' | { output: unknown } | { error: string; cause: string }>();
  async describe(arn: string): Promise<ExecutionState | undefined> {
    return this.states.get(arn);
  }
  async describeMigration(migrationId: string): Promise<ExecutionState | undefined> {
    return this.states.get(executionArn(migrationId));
  }
  async startRecovery(migrationId: string, name: string): Promise<void> {
    if (!this.recoveries.some((one) => one.name === name)) this.recoveries.push({ migrationId, name });
  }
  async startMigration(migrationId: string, request: MigrationRequest): Promise<void> {
    if (!this.migrations.some((one) => one.migrationId === migrationId)) this.migrations.push({ migrationId, request });
  }
  readonly sweeps: { sweepId: string; name: string }[] = [];
  async startSweep(sweepId: string, name: string, _sibling?: string): Promise<void> {
    if (!this.sweeps.some((one) => one.name === name)) this.sweeps.push({ sweepId, name });
  }
  async recoverArn(name: string): Promise<string> {
    return executionArn(name, 'Recover');
  }
  async startRollback(
    migrationId: string,
    name: string,
    who: Parameters<Executions['startRollback']>[2],
  ): Promise<void> {
    if (!this.rollbacks.some((one) => one.name === name)) this.rollbacks.push({ migrationId, name, ...who });
  }
  readonly retirements: ({ migrationId: string; name: string } & RetirementAsked)[] = [];
  async retireArn(name: string): Promise<string> {
    return executionArn(name, 'Retire');
  }
  async startRetirement(
    migrationId: string,
    name: string,
    { action, dryRun, soakDays, accept, requestedBy, reason }: RetirementAsked,
  ): Promise<void> {
    if (this.retirements.some((one) => one.name === name)) return;
    const asked = {
      ...(accept === undefined ? {} : { accept }),
      ...(requestedBy === undefined ? {} : { requestedBy }),
      ...(reason === undefined ? {} : { reason }),
    };
    this.retirements.push({ migrationId, name, action, dryRun, soakDays, ...asked });
  }
  async completeTask(taskToken: string, output: unknown): Promise<boolean> {
    return this.end(taskToken, { output });
  }
  async failTask(taskToken: string, error: string, cause: string): Promise<boolean> {
    return this.end(taskToken, { error, cause });
  }
  private end(taskToken: string, end: { output: unknown } | { error: string; cause: string }): boolean {
    if (this.tasks.get(taskToken) !== 'waiting') return false;
    this.tasks.set(taskToken, end);
    return true;
  }
}
