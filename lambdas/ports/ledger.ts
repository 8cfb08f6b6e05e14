import type { Association, Failure, Migration, PodEvidence, Snapshot, StepLine } from '../domain/model.ts';

export interface LockHolder {
  migrationId: string;
  executionArn: string;
  since: string;
}
export type LockResult = { acquired: true; fence: number } | { acquired: false; holder: LockHolder };

export interface StepEntry {
  /** Unique within the migration, such as `verify-pods` or `verify-pods-2`. */
  name: string;
  startedAt: string;
  endedAt: string;
  result?: string;
  error?: Failure;
}

/** The service's memory. Reads are strongly consistent. */
export interface Ledger {
  /** Puts a new record; a record of the same id that is still running is overwritten (a retry of the first step). */
  putMigration(migration: Migration): Promise<void>;
  getMigration(migrationId: string): Promise<Migration | undefined>;
  updateMigration(migrationId: string, change: Partial<Omit<Migration, 'migrationId' | 'associations'>>): Promise<void>;
  /** Notes one association as purged, created or restored; the same id twice is kept once. */
  recordAssociation(migrationId: string, what: 'purged' | 'created' | 'restored', association: Association): Promise<void>;

  /** Takes the lock, or takes it again for the same migration; the fence grows with each take and never shrinks. */
  acquireLock(key: string, owner: LockHolder): Promise<LockResult>;
  /** Throws LockLost unless the lock is held by this migration under this fence. */
  assertLock(key: string, migrationId: string, fence: number): Promise<void>;
  /** Lets go where it is this migration's; otherwise does nothing. */
  releaseLock(key: string, migrationId: string): Promise<void>;

  putSnapshot(migrationId: string, snapshot: Snapshot): Promise<void>;
  getSnapshot(migrationId: string): Promise<Snapshot | undefined>;

  /** Adds one attempt to a step's line; the first start and the last end and result stand. */
  recordStep(migrationId: string, entry: StepEntry): Promise<void>;
  /** In the order in which they started. */
  listSteps(migrationId: string): Promise<StepLine[]>;

  /** Evidence of one round (`before` or the number of a verification), in chunks, replacing what the round had. */
  putEvidence(migrationId: string, round: string, pods: PodEvidence[]): Promise<void>;
  getEvidence(migrationId: string, round: string): Promise<PodEvidence[]>;
}
