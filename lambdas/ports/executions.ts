import type { ErrorName } from '../domain/failures/errors.ts';
import type { MigrationRequest } from '../domain/request/request.ts';
import type { Retirement } from '../domain/record/retirement.ts';

/** The state of an execution in Step Functions. */
export interface ExecutionState {
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  /** Time in ISO 8601; absent while the execution runs. */
  stoppedAt?: string;
}

/** Who requested a rollback, why, and what they accept. */
export interface RollbackAsked {
  requestedBy?: string | undefined;
  reason?: string | undefined;
  accept?: string[] | undefined;
}

/** What a retirement does, and who requested it. */
export type RetirementAsked = Pick<Retirement, 'action' | 'dryRun' | 'soakDays' | 'accept' | 'requestedBy' | 'reason'>;

/** The service's own executions in Step Functions. */
export interface Executions {
  /** Returns `undefined` if Step Functions does not know the execution. It keeps closed executions for 90 days. */
  describe(executionArn: string): Promise<ExecutionState | undefined>;
  /**
   * Does the same for the execution of MigrateAddon for a migration, whose name is the migration's id. It is eventually
   * consistent: an execution that was just started may not be known yet.
   */
  describeMigration(migrationId: string): Promise<ExecutionState | undefined>;
  /**
   * Starts MigrateAddon for a migration, with its id as the name. An execution that already exists counts as started.
   */
  startMigration(migrationId: string, request: MigrationRequest): Promise<void>;
  /** Returns the ARN of the execution of Recover with that name, whether or not it was started. */
  recoverArn(name: string): Promise<string>;
  /** Starts Recover with that name for a rollback on demand. An execution that already exists counts as started. */
  startRollback(migrationId: string, name: string, asked: RollbackAsked): Promise<void>;
  /** Returns the ARN of the execution of Retire with that name, whether or not it was started. */
  retireArn(name: string): Promise<string>;
  /** Starts Retire with that name for a migration. An execution that already exists counts as started. */
  startRetirement(migrationId: string, name: string, asked: RetirementAsked): Promise<void>;
  /** Completes a task that waits under a token. Returns false if it is no longer waiting. */
  completeTask(taskToken: string, output: unknown): Promise<boolean>;
  /** Fails a task that waits under a token. */
  failTask(taskToken: string, error: ErrorName, cause: string): Promise<boolean>;
  /**
   * Starts Sweep with that name, to start or continue a sweep that has a record. An execution that already exists
   * counts as started. `sibling` is an execution of the same state machine, for a step that cannot have the ARN of its
   * own state machine in its environment.
   */
  startSweep(sweepId: string, name: string, sibling?: string): Promise<void>;
  /** Starts Recover with that name for a migration. An execution that already runs with that name counts as started. */
  startRecovery(migrationId: string, name: string): Promise<void>;
}
