import type { OutboxEvent } from '../domain/events/outbox-events.ts';
import type { Approval } from '../domain/approval/approval.ts';
import type { ListPosition, MigrationFilter } from '../domain/migration/listing.ts';
import type { Lock, LockHolder, LockMode } from '../domain/migration/locks.ts';
import type {
  Association,
  Cancellation,
  Failure,
  Migration,
  Outcome,
  Plan,
  PodEvidence,
  Recovery,
  Retirement,
  Snapshot,
  StepLine,
} from '../domain/migration/model.ts';
import type { Rollback, RollbackStanding } from '../domain/rollback/rollback.ts';
import type { MigrationSummary } from '../domain/migration/summary.ts';
import type { TrustChange, TrustRetirement } from '../domain/trust/model.ts';
import type { SlotResult, WaitingCaps, WaitingMigration } from '../domain/waiting/waiting.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';

export type { ListPosition, MigrationFilter } from '../domain/migration/listing.ts';
export type { Lock, LockHolder, LockMode } from '../domain/migration/locks.ts';
export type LockResult = { acquired: true; fence: number } | { acquired: false; holder: LockHolder };

export interface StepEntry {
  /** Unique within the migration, such as `verify-pods` or `verify-pods-2`. */
  name: string;
  startedAt: string;
  endedAt: string;
  result?: string;
  error?: Failure;
}

/** What a step works from, as one read finds it. */
export interface MigrationFile {
  migration?: Migration;
  snapshot?: Snapshot;
  cancel?: Cancellation;
}

/** What somebody was the first to ask for under a key. */
export interface Claim {
  migrationId: string;
  /** Of all that was asked: what differs under the same key is not the same request. */
  fingerprint: string;
  /** When. */
  at: string;
  /** What was asked for, as JSON text, so that whoever comes again starts no other one. */
  input: string;
}

export interface MigrationPage {
  migrations: MigrationSummary[];
  /** Where the next page goes on: behind the last one that was looked at. Absent at the end. */
  next?: ListPosition;
}

/** The service's memory. Reads are strongly consistent, but for those of an index, which say so. */
export interface Ledger {
  /** All of a migration but its step lines and its evidence, in one read. */
  getFile(migrationId: string): Promise<MigrationFile>;
  /**
   * Puts a new record; one of the same id and execution that is still running is overwritten (a retry of the first
   * step), and one of no execution yet. Throws BadInput for one that is over, or another execution's.
   */
  putMigration(migration: Migration): Promise<void>;
  getMigration(migrationId: string): Promise<Migration | undefined>;
  /**
   * Notes the plan, and the end where the plan is one, which is to be told. Throws BadInput once anything was begun: a
   * late plan must not take the place of the one that is carried out.
   */
  recordPlan(
    migrationId: string,
    plan: Plan,
    end?: { outcome: Outcome; endedAt: string } & Pick<Migration, 'failure' | 'heldBy'>,
  ): Promise<void>;
  /** Notes the way that is about to be tried. It only grows: a late call does not go back to an earlier one. */
  noteAttempt(migrationId: string, attempt: number): Promise<void>;
  /**
   * Notes that an execution takes the migration over, to bring it to its end. Said again by the same execution it
   * changes nothing: a late call must not reopen what that one has ended.
   */
  recordRecovery(migrationId: string, recovery: Recovery): Promise<void>;
  /**
   * Sets the status and the rollback, and whatever else that changes, where both are still as in `before`. False: they
   * are not any more, and nothing is set.
   */
  changeRollback(
    migrationId: string,
    before: RollbackStanding,
    after: RollbackStanding & { rollback: Rollback } & Partial<Migration>,
  ): Promise<boolean>;
  /** Ids of migrations whose rollback was requested, and is not begun; a moment behind (an index). */
  listRequestedRollbacks(): Promise<string[]>;
  /** Sets the retirement where the last one is still as in `before`. False: it is not any more, and nothing is set. */
  changeRetirement(migrationId: string, before: Retirement | undefined, after: Retirement): Promise<boolean>;
  /** The last one, read directly, whatever of the migration was read before. */
  getRetirement(migrationId: string): Promise<Retirement | undefined>;
  /** Ids of migrations whose retirement was requested, and is not begun; a moment behind (an index). */
  listRequestedRetirements(): Promise<string[]>;
  /** `told`: what others are to be told, noted by the same write. */
  updateMigration(
    migrationId: string,
    change: Partial<Omit<Migration, 'migrationId' | 'associations'>>,
    told?: OutboxEvent,
  ): Promise<void>;
  /** Notes one association as purged, created or restored; the same id twice is kept once. */
  recordAssociation(
    migrationId: string,
    what: 'purged' | 'created' | 'restored',
    association: Association,
  ): Promise<void>;

  /** Adds to what the record already has; the same ARN twice is kept once. */
  recordCopy(migrationId: string, what: 'removed' | 'made', addonArn: string): Promise<void>;

  /**
   * Notes a trust policy's change before it is written, or what has become of it since; one for each role, replacing
   * what was noted of it.
   */
  recordTrustChange(migrationId: string, change: TrustChange): Promise<void>;
  recordRetirement(migrationId: string, retirement: TrustRetirement): Promise<void>;

  /** Notes what a migration waits for, and what others are to be told; of one that is over it notes nothing. */
  noteWait(migrationId: string, wait: NotedWait, told: OutboxEvent[]): Promise<void>;
  /** Notes that it goes on; one that waits for something else since, or for nothing, stays as it is. */
  endWait(migrationId: string, wait: NotedWait, told: OutboxEvent[]): Promise<void>;

  /** The first one stands; true for that one. */
  requestCancel(migrationId: string, cancellation: Cancellation): Promise<boolean>;
  getCancel(migrationId: string): Promise<Cancellation | undefined>;

  /** Notes what others are to be told of it; the same once until it is sent. */
  addOutboxEvent(migrationId: string, told: OutboxEvent): Promise<void>;
  /** What is noted so and was not sent yet. */
  unsent(migrationId: string): Promise<OutboxEvent[]>;
  /**
   * Ids of migrations with something unsent, in order, from that one on: one page, which is empty at the end; a moment
   * behind (an index).
   */
  listUnsent(after?: string): Promise<string[]>;
  /** The migration up to which a look that ran out of time came; undefined where the last look came to the end. */
  unsentMark(): Promise<string | undefined>;
  setUnsentMark(migrationId: string | undefined): Promise<void>;
  markSent(migrationId: string, told: OutboxEvent[]): Promise<void>;

  /**
   * Asks for an approval, or again under a new task token; one that is decided stands. Answers the one that stands.
   * `at`: when whoever has the token began, milliseconds since 1970: a call that arrives late must not bring back an
   * old token.
   */
  putApproval(migrationId: string, approval: Approval, waiting: { taskToken: string; at: number }): Promise<Approval>;
  /**
   * The token by which Step Functions waits for it. It goes to Step Functions alone: never into an answer, a message or
   * a log.
   */
  approvalToken(migrationId: string, round: number): Promise<string | undefined>;
  /**
   * Decides one that is pending, about that plan; otherwise it stays. Answers the one that stands, and whether this
   * call decided it; undefined where there is none.
   */
  decideApproval(
    migrationId: string,
    decided: Pick<Approval, 'round' | 'planHash' | 'state' | 'decidedBy' | 'decidedAt' | 'reason'>,
  ): Promise<{ approval: Approval; first: boolean } | undefined>;
  /** When each pending approval was asked for, ISO 8601; a moment behind (an index). */
  listPendingApprovals(): Promise<string[]>;

  /**
   * Admits a migration among those that wait, within the caps; one that has its slot keeps it. `since` of the migration
   * is the time at which slots that have expired are free.
   */
  takeWaitingSlot(waiter: WaitingMigration, caps: WaitingCaps): Promise<SlotResult>;
  /** Frees what this migration has; one that has none is no error. */
  freeWaitingSlots(migrationId: string, principal: string): Promise<void>;
  /** Every migration that has a slot. */
  listWaiting(): Promise<WaitingMigration[]>;

  /** Notes who asked first under that key; answers that one's. */
  claim(key: string, mine: Claim): Promise<Claim>;
  /** Puts a claim in the place of another's, where that still stands; answers the one that stands then. */
  reclaim(key: string, before: Claim, mine: Claim): Promise<Claim>;

  /**
   * At most `limit` of those that the filter lets through, the newest first, that come after that place; a moment behind
   * (an index). It reads a bounded number, so a page may be short, or empty, and not the last.
   */
  listMigrations(filter: MigrationFilter, limit: number, after?: ListPosition): Promise<MigrationPage>;

  /**
   * Takes a lock under a new fence, alone where no mode is given, or with others that share it. Held by the same execution already: answers the
   * fence that it has. Refused where it is to be had alone, it leaves a wish, for which new sharers wait.
   */
  acquireLock(key: string, owner: LockHolder, mode?: LockMode): Promise<LockResult>;
  /**
   * Takes the lock from an execution that can't act any more, under a new fence and in the mode in which it is held,
   * where it is still held by that one: alone under that fence, or with others.
   */
  takeOverLock(key: string, from: { executionArn: string; fence: number }, owner: LockHolder): Promise<LockResult>;
  /** Throws LockLost unless the lock is held by this migration alone, under this fence. */
  assertLock(key: string, migrationId: string, fence: number): Promise<void>;
  /** Lets go what this execution holds of it; otherwise does nothing. */
  releaseLock(key: string, executionArn: string): Promise<void>;
  /** Keeps it held by this execution alone, but takes it out of `listHeldLocks`: a person has to decide. */
  parkLock(key: string, executionArn: string): Promise<void>;
  /** Never held: undefined. */
  readLock(key: string): Promise<Lock | undefined>;
  /** Locks that are held and not parked, once for each holder; a moment behind (a global index). */
  listHeldLocks(): Promise<Lock[]>;

  /** The first one stands: a later look may show what the migration itself has changed. */
  putSnapshot(migrationId: string, snapshot: Snapshot): Promise<void>;
  getSnapshot(migrationId: string): Promise<Snapshot | undefined>;

  /** Adds one attempt to a step's line; the first start and the last end and result stand. */
  recordStep(migrationId: string, entry: StepEntry): Promise<void>;
  /** In the order in which they started. */
  listSteps(migrationId: string): Promise<StepLine[]>;

  /**
   * Evidence of one round (`before` or `latest`), in chunks, replacing what the round had: unless that was seen later.
   * A call that arrives late must not take the place of what was found since.
   */
  putEvidence(migrationId: string, round: string, pods: PodEvidence[], observedAt: string): Promise<void>;
  getEvidence(migrationId: string, round: string): Promise<PodEvidence[]>;
}
