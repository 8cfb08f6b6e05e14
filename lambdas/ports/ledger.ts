import type { OutboxEvent } from '../domain/events/outbox-events.ts';
import type { Approval } from '../domain/approval/approval.ts';
import type { ListPosition, MigrationFilter } from '../domain/overview/listing.ts';
import type { Lock, LockHolder, LockMode } from '../domain/migration/locks.ts';
import type { AnnotationMoment, Cancellation, Migration, Snapshot } from '../domain/record/migration.ts';
import type { Association } from '../domain/terms/observed.ts';
import type { Failure, Outcome } from '../domain/terms/outcome.ts';
import type { Plan } from '../domain/record/plan.ts';
import type { PodEvidence, StepLine } from '../domain/terms/evidence.ts';
import type { Recovery, Rollback, RollbackStanding } from '../domain/record/rollback.ts';
import type { Retirement } from '../domain/record/retirement.ts';
import type { MigrationSummary } from '../domain/migration/summary.ts';
import type { TrustChange, TrustRetirement } from '../domain/terms/trust.ts';
import type { SlotResult, WaitingCaps, WaitingMigration } from '../domain/waiting/waiting.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';

export type { ListPosition, MigrationFilter } from '../domain/overview/listing.ts';
export type { Lock, LockHolder, LockMode } from '../domain/migration/locks.ts';
export type LockResult = { acquired: true; fence: number } | { acquired: false; holder: LockHolder };

export interface StepEntry {
  /** Name that is unique within the migration, such as `verify-pods` or `verify-pods-2`. */
  name: string;
  startedAt: string;
  endedAt: string;
  result?: string;
  error?: Failure;
}

/** What a step needs from the ledger, from a single read. */
export interface MigrationFile {
  migration?: Migration;
  snapshot?: Snapshot;
  cancel?: Cancellation;
}

/** The first request under a key. */
export interface Claim {
  migrationId: string;
  /** Hash of the whole request: a different hash under the same key means another request. */
  fingerprint: string;
  /** Time of the claim. */
  at: string;
  /** The request as JSON text, so that a retry completes this request and starts no other. */
  input: string;
}

export interface MigrationPage {
  migrations: MigrationSummary[];
  /** Position of the last entry that was read, after which the next page begins. Absent on the last page. */
  next?: ListPosition;
}

/** The ledger. Reads are strongly consistent, except for those of an index, which are documented as such. */
export interface Ledger {
  /** Returns everything about a migration except for its step lines and its evidence, in a single read. */
  getFile(migrationId: string): Promise<MigrationFile>;
  /**
   * Puts a new record. Overwrites a running one of the same execution (a retry of the first step), or one without an
   * execution. Throws `BadInput` if the migration has ended or belongs to another execution.
   */
  putMigration(migration: Migration): Promise<void>;
  getMigration(migrationId: string): Promise<Migration | undefined>;
  /**
   * Records the plan, and also the end if the migration ends with the plan, with its outbox event. Throws `BadInput`
   * once the change has begun, or if `planningSince` is not that of the record: a late plan must not replace the one that
   * is carried out.
   */
  recordPlan(
    migrationId: string,
    plan: Plan,
    end?: { outcome: Outcome; endedAt: string } & Pick<Migration, 'failure' | 'heldBy'>,
    planningSince?: string,
  ): Promise<void>;
  /** Records the attempt that is about to start. The number only increases: a late call does not reset it. */
  noteAttempt(migrationId: string, attempt: number): Promise<void>;
  /**
   * Records that an execution takes the migration over. A repeated call of the same execution changes nothing, because
   * a late call must not reopen a migration that it has ended.
   */
  recordRecovery(migrationId: string, recovery: Recovery): Promise<void>;
  /**
   * Sets the status, the rollback and the other given fields, if status and rollback are still as in `before`.
   * Otherwise returns false and sets nothing.
   */
  changeRollback(
    migrationId: string,
    before: RollbackStanding,
    after: RollbackStanding & { rollback: Rollback } & Partial<Migration>,
  ): Promise<boolean>;
  /** Returns ids of migrations whose rollback was requested and has not begun. Eventually consistent (an index). */
  listRequestedRollbacks(): Promise<string[]>;
  /** Sets the retirement if the last one is still as in `before`. Otherwise returns false and sets nothing. */
  changeRetirement(migrationId: string, before: Retirement | undefined, after: Retirement): Promise<boolean>;
  /** Returns the last retirement, read directly. */
  getRetirement(migrationId: string): Promise<Retirement | undefined>;
  /** Returns ids of migrations whose retirement was requested and has not begun. Eventually consistent (an index). */
  listRequestedRetirements(): Promise<string[]>;
  /** Changes fields of a record. `event` is an outbox event that the same write adds. */
  updateMigration(
    migrationId: string,
    change: Partial<Omit<Migration, 'migrationId' | 'associations' | 'annotationChange'>>,
    event?: OutboxEvent,
  ): Promise<void>;
  /** Records an association as purged, created or restored. The same id is kept only once. */
  recordAssociation(
    migrationId: string,
    what: 'purged' | 'created' | 'restored',
    association: Association,
  ): Promise<void>;

  /** Adds an ARN to the record. The same ARN is kept only once. */
  recordCopy(migrationId: string, what: 'removed' | 'made', addonArn: string): Promise<void>;

  /**
   * Records when the removal of the annotation was noted, when it was written, or when it was undone. A late call takes
   * nothing away: a note replaces only a removal that was undone before, and nothing is added to one that was undone.
   */
  recordAnnotation(migrationId: string, what: AnnotationMoment, at: string): Promise<void>;

  /**
   * Records the change of a trust policy before it is written, or its progress since. There is one change for each
   * role; a later call replaces it.
   */
  recordTrustChange(migrationId: string, change: TrustChange): Promise<void>;
  recordRetirement(migrationId: string, retirement: TrustRetirement): Promise<void>;

  /** Records what a migration waits for, with outbox events. Does nothing for a migration that has ended. */
  noteWait(migrationId: string, wait: NotedWait, events: OutboxEvent[]): Promise<void>;
  /** Records the end of a wait. Does nothing if the migration meanwhile waits for something else, or for nothing. */
  endWait(migrationId: string, wait: NotedWait, events: OutboxEvent[]): Promise<void>;

  /** Records a cancellation. Only the first is kept; returns true for the first. */
  requestCancel(migrationId: string, cancellation: Cancellation): Promise<boolean>;
  getCancel(migrationId: string): Promise<Cancellation | undefined>;

  /** Adds an outbox event. The same event is kept only once until it is sent. */
  addOutboxEvent(migrationId: string, event: OutboxEvent): Promise<void>;
  /** Returns the outbox events that were not sent yet. */
  unsent(migrationId: string): Promise<OutboxEvent[]>;
  /**
   * Returns a page of ids of migrations with unsent outbox events, in order, after the given id; empty at the end.
   * Eventually consistent (an index).
   */
  listUnsent(after?: string): Promise<string[]>;
  /** Returns the last migration that an incomplete run processed; undefined if the last run was complete. */
  unsentMark(): Promise<string | undefined>;
  setUnsentMark(migrationId: string | undefined): Promise<void>;
  markSent(migrationId: string, events: OutboxEvent[]): Promise<void>;

  /**
   * Records a pending approval, or a new task token for it. A decided approval is kept. Returns the approval in effect.
   * `at` is when the state with the token started, in milliseconds since 1970: a late call must not restore an old
   * token.
   */
  putApproval(migrationId: string, approval: Approval, waiting: { taskToken: string; at: number }): Promise<Approval>;
  /**
   * Returns the task token under which Step Functions waits for the approval. It must be sent only to Step Functions,
   * and never be part of an answer, a message or a log.
   */
  approvalToken(migrationId: string, round: number): Promise<string | undefined>;
  /**
   * Decides the approval if it is pending for that plan; otherwise it is unchanged. Returns the approval in effect and
   * whether this call decided it, or undefined if there is none.
   */
  decideApproval(
    migrationId: string,
    decided: Pick<Approval, 'round' | 'planHash' | 'state' | 'decidedBy' | 'decidedAt' | 'reason'>,
  ): Promise<{ approval: Approval; first: boolean } | undefined>;
  /** Returns when each pending approval was requested, in ISO 8601. Eventually consistent (an index). */
  listPendingApprovals(): Promise<string[]>;

  /**
   * Takes a waiting slot for a migration, within the caps. A migration that has a slot keeps it. Slots that have
   * expired at the migration's `since` are free.
   */
  takeWaitingSlot(waiter: WaitingMigration, caps: WaitingCaps): Promise<SlotResult>;
  /** Frees the slots of a migration, if it has any. */
  freeWaitingSlots(migrationId: string, principal: string): Promise<void>;
  /** Returns every migration that has a slot. */
  listWaiting(): Promise<WaitingMigration[]>;

  /** Records the first claim under a key, and returns that claim. */
  claim(key: string, mine: Claim): Promise<Claim>;
  /** Replaces a claim by another one, unless it was already replaced. Returns the claim in effect. */
  reclaim(key: string, before: Claim, mine: Claim): Promise<Claim>;

  /**
   * Returns at most `limit` migrations that match the filter, newest first, after a position. Eventually consistent (an
   * index). The number of entries read is bounded, so a page that is short or empty is not necessarily the last.
   */
  listMigrations(filter: MigrationFilter, limit: number, after?: ListPosition): Promise<MigrationPage>;

  /**
   * Acquires a lock under a new fence: exclusively if no mode is given, or shared. If the same execution already holds
   * it, returns its fence. If an exclusive lock is refused, a wish is recorded, for which new sharers wait.
   */
  acquireLock(key: string, owner: LockHolder, mode?: LockMode): Promise<LockResult>;
  /**
   * Takes the lock over from an execution that can no longer act, under a new fence and in the same mode, if that
   * execution still holds it (exclusively under that fence, or shared).
   */
  takeOverLock(key: string, from: { executionArn: string; fence: number }, owner: LockHolder): Promise<LockResult>;
  /** Throws `LockLost` unless this migration holds the lock exclusively under this fence. */
  assertLock(key: string, migrationId: string, fence: number): Promise<void>;
  /** Releases the lock if this execution holds it or shares it; otherwise does nothing. */
  releaseLock(key: string, executionArn: string): Promise<void>;
  /** Keeps the lock for this execution, but removes it from `listHeldLocks`, because a person must decide. */
  parkLock(key: string, executionArn: string): Promise<void>;
  /** Returns undefined if the lock was never held. */
  readLock(key: string): Promise<Lock | undefined>;
  /** Returns the locks that are held and not parked, once for each holder. Eventually consistent (a global index). */
  listHeldLocks(): Promise<Lock[]>;

  /** Stores the snapshot. Only the first is kept, because a later one may contain changes of the migration itself. */
  putSnapshot(migrationId: string, snapshot: Snapshot): Promise<void>;
  getSnapshot(migrationId: string): Promise<Snapshot | undefined>;

  /** Adds a try to a step's line, which keeps the first start, and the last end and result. */
  recordStep(migrationId: string, entry: StepEntry): Promise<void>;
  /** Returns the step lines in the order in which they started. */
  listSteps(migrationId: string): Promise<StepLine[]>;

  /**
   * Stores the evidence of a round (`before` or `latest`) in chunks. It replaces the round's earlier evidence, unless
   * that was observed later, because a late call must not replace newer evidence.
   */
  putEvidence(migrationId: string, round: string, pods: PodEvidence[], observedAt: string): Promise<void>;
  getEvidence(migrationId: string, round: string): Promise<PodEvidence[]>;
}
