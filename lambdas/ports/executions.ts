import type { ErrorName } from '../domain/failures/errors.ts';
import type { MigrationRequest, Retirement } from '../domain/migration/model.ts';

/** What Step Functions says about an execution. */
export interface ExecutionState {
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  /** ISO 8601; absent while it runs. */
  stoppedAt?: string;
}

/** Who asks for a rollback, why, and what they accept. */
export interface RollbackAsked {
  requestedBy?: string | undefined;
  reason?: string | undefined;
  acceptCredentialGap?: boolean | undefined;
}

/** What a retirement is to do, and who asks for it. */
export type RetirementAsked = Pick<Retirement, 'action' | 'dryRun' | 'soakDays' | 'requestedBy' | 'reason'>;

/** The service's own executions, in Step Functions. */
export interface Executions {
  /** `undefined`: Step Functions does not know it (any more: closed executions are kept for 90 days). */
  describe(executionArn: string): Promise<ExecutionState | undefined>;
  /**
   * The same of MigrateAddon's execution for that migration, which has its id as its name. A moment behind: one that
   * was just started may not be known yet.
   */
  describeMigration(migrationId: string): Promise<ExecutionState | undefined>;
  /** Starts MigrateAddon for one migration, under its id; one that was started under it counts as started. */
  startMigration(migrationId: string, request: MigrationRequest): Promise<void>;
  /** The ARN of Recover's execution of that name, whether it was started or not. */
  recoverArn(name: string): Promise<string>;
  /** Starts Recover for a rollback on demand, under that name; one that was started under it counts as started. */
  startRollback(migrationId: string, name: string, asked: RollbackAsked): Promise<void>;
  /** The ARN of Retire's execution of that name, whether it was started or not. */
  retireArn(name: string): Promise<string>;
  /** Starts Retire for one migration, under that name; one that was started under it counts as started. */
  startRetirement(migrationId: string, name: string, asked: RetirementAsked): Promise<void>;
  /** Lets a task go on that waits under that token. False: it does not wait any more. */
  completeTask(taskToken: string, output: unknown): Promise<boolean>;
  /** Ends it with that error instead. */
  failTask(taskToken: string, error: ErrorName, cause: string): Promise<boolean>;
  /**
   * Starts Sweep for a sweep that has a record, or goes on with it, under that name; one that was started under it
   * counts as started. `beside`: an execution of the same state machine, for a step of that one, which can't be told
   * its ARN.
   */
  startSweep(sweepId: string, name: string, beside?: string): Promise<void>;
  /** Starts Recover for one migration, under that name; one that runs under the name already counts as started. */
  startRecovery(migrationId: string, name: string): Promise<void>;
}
