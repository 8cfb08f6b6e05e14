/** What Step Functions says about an execution. */
export interface ExecutionState {
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  /** ISO 8601; absent while it runs. */
  stoppedAt?: string;
}

/** The service's own executions, in Step Functions. */
export interface Executions {
  /** `undefined`: Step Functions does not know it (any more: closed executions are kept for 90 days). */
  describe(executionArn: string): Promise<ExecutionState | undefined>;
  /** Starts Recover for one migration, under that name; one that runs under the name already counts as started. */
  startRecovery(migrationId: string, name: string): Promise<void>;
}
