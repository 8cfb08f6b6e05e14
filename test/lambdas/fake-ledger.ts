import { copyOf } from './copy.ts';
import { isListed, pageOf, backendOfMigration } from './fake-lists.ts';
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import {
  eachHolder,
  takeAlone,
  takeOverShare,
  takeShared,
  type Taking,
  withoutSharer,
} from '../../lambdas/domain/migration/locks.ts';
import type { OutboxEvent } from '../../lambdas/domain/events/outbox-events.ts';
import type { Approval } from '../../lambdas/domain/approval/approval.ts';
import type { AnnotationMoment, Cancellation, Migration, Snapshot } from '../../lambdas/domain/record/migration.ts';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { PodEvidence, StepLine } from '../../lambdas/domain/terms/evidence.ts';
import {
  type Recovery,
  requestedRollback,
  type Rollback,
  type RollbackStanding,
} from '../../lambdas/domain/record/rollback.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import { summaryOf } from '../../lambdas/domain/migration/summary.ts';
import type { TrustChange, TrustRetirement } from '../../lambdas/domain/terms/trust.ts';
import type { NotedWait } from '../../lambdas/domain/waiting/waiting-for.ts';
import {
  LONGEST_WAIT_MS,
  type SlotResult,
  type WaitingCaps,
  type WaitingMigration,
} from '../../lambdas/domain/waiting/waiting.ts';
import type {
  Claim,
  Ledger,
  Lock,
  LockHolder,
  LockMode,
  LockResult,
  MigrationFile,
  ListPosition,
  MigrationFilter,
  MigrationPage,
  StepEntry,
} from '../../lambdas/ports/index.ts';

type HeldLock = Lock & { parked: boolean };
const shown = ({ key, fence, holder, shared, wish }: HeldLock): Lock =>
  copyOf({ key, fence, ...(holder ? { holder } : {}), ...(shared ? { shared } : {}), ...(wish ? { wish } : {}) });
/** Of what is noted of a trust policy: noted, written, undone. */
const progressOf = ({ writtenAt, undoneAt }: Pick<TrustChange, 'writtenAt' | 'undoneAt'>): number =>
  [writtenAt, undoneAt].findLastIndex((one) => one !== undefined) + 1;

/** Parts of a record that only calls of their own change. */
const APART = new Set<string>(['approvals', 'associations', 'trustChanges', 'retirements', 'retirement']);

/** What one who finds the lock held is events. */
const heldBy = (holder: LockHolder): LockResult => ({ acquired: false, holder });

/**
 * The ledger's promises on maps; `test/lambdas/adapters/dynamo-{ledger,locks}.test.ts` hold both to one set of tests.
 * The steps' tests open some thousands of ledgers and read their state between two calls, for which a table in the
 * sandbox is too slow and too far away.
 */
export class FakeLedger implements Ledger {
  readonly records = new Map<string, Migration>();
  private readonly cancels = new Map<string, Cancellation>();
  readonly snapshots = new Map<string, Snapshot>();
  private readonly lines = new Map<string, StepLine[]>();
  private readonly evidence = new Map<string, PodEvidence[]>();
  private readonly observedAt = new Map<string, string>();
  private readonly locks = new Map<string, HeldLock>();
  private readonly outboxes = new Map<string, Set<OutboxEvent>>();
  private readonly tokens = new Map<string, { taskToken: string; at: number }>();
  private readonly claims = new Map<string, Claim>();
  private mark: string | undefined;
  private readonly waiting = new Map<string, WaitingMigration>();

  async putMigration(record: Migration): Promise<void> {
    const before = this.records.get(record.migrationId);
    const isThirdParty = before?.executionArn !== undefined && before.executionArn !== record.executionArn;
    if (before?.status === 'ended' || isThirdParty)
      throw new MigrationError(
        'BadInput',
        `Migration ${record.migrationId} has already ended, or another execution is working on it. Start a new migration with a new id.`,
      );
    const said = Object.entries(record).filter(
      ([name, value]) =>
        !APART.has(name) && value !== undefined && !(before && Array.isArray(value) && value.length === 0),
    );
    const apart = {
      approvals: before?.approvals ?? [],
      associations: before?.associations ?? { purged: [], created: [], restored: [] },
      trustChanges: before?.trustChanges ?? [],
      retirements: before?.retirements ?? [],
    };
    this.records.set(record.migrationId, copyOf({ ...(before ?? record), ...Object.fromEntries(said), ...apart }));
  }
  async getFile(migrationId: string): Promise<MigrationFile> {
    const [record, snapshot, cancel] = [
      await this.getMigration(migrationId),
      await this.getSnapshot(migrationId),
      await this.getCancel(migrationId),
    ];
    return {
      ...(record ? { migration: record } : {}),
      ...(snapshot ? { snapshot } : {}),
      ...(cancel ? { cancel } : {}),
    };
  }
  async getMigration(migrationId: string): Promise<Migration | undefined> {
    return copyOf(this.records.get(migrationId));
  }
  async recordPlan(
    migrationId: string,
    plan: Plan,
    end?: { outcome: Outcome; endedAt: string } & Pick<Migration, 'failure' | 'heldBy'>,
    planningSince?: string,
  ): Promise<void> {
    const record = this.records.get(migrationId);
    const isLate = planningSince !== undefined && record?.planningSince !== planningSince;
    if (!record || record.attempt !== undefined || isLate)
      throw new MigrationError(
        'BadInput',
        `Migration ${migrationId} has already begun, or has been planned again, so its plan cannot be replaced.`,
      );
    Object.assign(record, copyOf({ plan, ...(end ? { ...end, status: 'ended' } : {}) }));
    if (end) this.outboxOf(migrationId).add(end.outcome);
  }
  async noteAttempt(migrationId: string, attempt: number): Promise<void> {
    const record = this.records.get(migrationId);
    if (record && (record.attempt ?? -1) < attempt) record.attempt = attempt;
  }
  async recordRecovery(migrationId: string, recovery: Recovery): Promise<void> {
    const record = this.records.get(migrationId);
    if (!record || record.recovery?.executionArn === recovery.executionArn) return;
    Object.assign(record, copyOf({ recovery, executionArn: recovery.executionArn, status: 'running' as const }));
  }
  async changeRollback(
    migrationId: string,
    before: RollbackStanding,
    after: RollbackStanding & { rollback: Rollback } & Partial<Migration>,
  ): Promise<boolean> {
    const record = this.records.get(migrationId);
    const keyOf = ({ status, rollback }: RollbackStanding): string =>
      JSON.stringify([status, rollback?.id, rollback?.state, rollback?.executionArn]);
    if (!record || keyOf(record) !== keyOf(before)) return false;
    Object.assign(record, copyOf(after));
    if (after.rollback.state !== 'running') delete record.waitingFor;
    return true;
  }
  async listRequestedRollbacks(): Promise<string[]> {
    return [...this.records.values()].flatMap((one) => (requestedRollback(one) ? [one.migrationId] : []));
  }
  async changeRetirement(migrationId: string, before: Retirement | undefined, after: Retirement): Promise<boolean> {
    const record = this.records.get(migrationId);
    const keyOf = (one: Retirement | undefined): string => JSON.stringify([one?.id, one?.state, one?.executionArn]);
    if (!record || keyOf(record.retirement) !== keyOf(before)) return false;
    record.retirement = copyOf(after);
    return true;
  }
  async getRetirement(migrationId: string): Promise<Retirement | undefined> {
    return copyOf(this.records.get(migrationId)?.retirement);
  }
  async listRequestedRetirements(): Promise<string[]> {
    return [...this.records.values()].flatMap((one) =>
      one.retirement?.state === 'requested' ? [one.migrationId] : [],
    );
  }
  async updateMigration(
    migrationId: string,
    change: Partial<Omit<Migration, 'migrationId' | 'associations'>>,
    event?: OutboxEvent,
  ): Promise<void> {
    const record = this.records.get(migrationId);
    if (record && event !== undefined) this.outboxOf(migrationId).add(event);
    if (record)
      Object.assign(
        record,
        copyOf(
          Object.fromEntries(Object.entries(change).filter(([name, value]) => !APART.has(name) && value !== undefined)),
        ),
      );
  }
  async recordAssociation(
    migrationId: string,
    what: 'purged' | 'created' | 'restored',
    association: Association,
  ): Promise<void> {
    const list = this.records.get(migrationId)?.associations[what];
    if (list && !list.some((one) => one.id === association.id)) list.push(copyOf(association));
  }
  async recordCopy(migrationId: string, what: 'removed' | 'made', addonArn: string): Promise<void> {
    const record = this.records.get(migrationId);
    if (!record) throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`);
    if (!record[what].includes(addonArn)) record[what].push(addonArn);
  }
  async recordAnnotation(migrationId: string, what: AnnotationMoment, moment: string): Promise<void> {
    const record = this.records.get(migrationId);
    if (!record) throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`);
    const change = record.annotationChange;
    const isOpen = change !== undefined && change.undoneAt === undefined;
    if (what === 'notedAt') {
      if (!change || (change.undoneAt !== undefined && change.undoneAt < moment))
        record.annotationChange = { notedAt: moment };
    } else if (isOpen) record.annotationChange = { ...change, [what]: moment };
  }
  async recordTrustChange(migrationId: string, change: TrustChange): Promise<void> {
    this.recordOfRole(migrationId, 'trustChanges', change);
  }
  async recordRetirement(migrationId: string, retirement: TrustRetirement): Promise<void> {
    this.recordOfRole(migrationId, 'retirements', retirement);
  }
  /** Replaces what was noted of the role before, unless that was noted later or had come further. */
  private recordOfRole<K extends 'trustChanges' | 'retirements'>(
    migrationId: string,
    what: K,
    entry: Migration[K][number],
  ): void {
    const record = this.records.get(migrationId);
    if (!record) return;
    const before = record[what].find((one) => one.roleArn === entry.roleArn);
    if (
      before &&
      (before.notedAt > entry.notedAt || (before.notedAt === entry.notedAt && progressOf(before) > progressOf(entry)))
    )
      return;
    const others = record[what].filter((one) => one !== before);
    Object.assign(record, { [what]: [...others, copyOf(entry)].sort((a, b) => a.notedAt.localeCompare(b.notedAt)) });
  }

  async noteWait(migrationId: string, wait: NotedWait, events: OutboxEvent[]): Promise<void> {
    const record = this.records.get(migrationId);
    if (!record || record.status === 'ended') return;
    record.waitingFor = copyOf(wait);
    for (const one of events) this.outboxOf(migrationId).add(one);
  }
  async endWait(migrationId: string, { what, since }: NotedWait, events: OutboxEvent[]): Promise<void> {
    const record = this.records.get(migrationId);
    if (record?.waitingFor?.what !== what || record.waitingFor.since !== since) return;
    delete record.waitingFor;
    for (const one of events) this.outboxOf(migrationId).add(one);
  }

  async requestCancel(migrationId: string, cancellation: Cancellation): Promise<boolean> {
    if (this.cancels.has(migrationId)) return false;
    this.cancels.set(migrationId, copyOf(cancellation));
    return true;
  }
  async getCancel(migrationId: string): Promise<Cancellation | undefined> {
    return copyOf(this.cancels.get(migrationId));
  }

  private outboxOf(migrationId: string): Set<OutboxEvent> {
    const outbox = this.outboxes.get(migrationId) ?? new Set();
    this.outboxes.set(migrationId, outbox);
    return outbox;
  }
  async addOutboxEvent(migrationId: string, event: OutboxEvent): Promise<void> {
    this.outboxOf(migrationId).add(event);
  }
  async unsent(migrationId: string): Promise<OutboxEvent[]> {
    return [...(this.outboxes.get(migrationId) ?? [])].sort();
  }
  async listUnsent(after = ''): Promise<string[]> {
    return [...this.outboxes]
      .filter(([id, outbox]) => outbox.size > 0 && id > after)
      .map(([id]) => id)
      .sort()
      .slice(0, 200);
  }
  async unsentMark(): Promise<string | undefined> {
    return this.mark;
  }
  async setUnsentMark(migrationId: string | undefined): Promise<void> {
    this.mark = migrationId;
  }
  async markSent(migrationId: string, events: OutboxEvent[]): Promise<void> {
    for (const one of events) this.outboxes.get(migrationId)?.delete(one);
  }

  async putApproval(
    migrationId: string,
    asked: Approval,
    { taskToken, at }: { taskToken: string; at: number },
  ): Promise<Approval> {
    const approvals = this.records.get(migrationId)?.approvals ?? [];
    const before = approvals.find(({ round }) => round === asked.round);
    const key = `${migrationId}#${asked.round}`;
    if (before && (before.state !== 'pending' || (this.tokens.get(key)?.at ?? 0) > at)) return copyOf(before);
    if (before) Object.assign(before, copyOf(asked));
    else approvals.push(copyOf(asked));
    this.tokens.set(key, { taskToken, at });
    return copyOf(asked);
  }
  async approvalToken(migrationId: string, round: number): Promise<string | undefined> {
    return this.tokens.get(`${migrationId}#${round}`)?.taskToken;
  }
  async decideApproval(
    migrationId: string,
    {
      round,
      planHash,
      ...decided
    }: Pick<Approval, 'round' | 'planHash' | 'state' | 'decidedBy' | 'decidedAt' | 'reason'>,
  ): Promise<{ approval: Approval; first: boolean } | undefined> {
    const approval = this.records.get(migrationId)?.approvals.find((one) => one.round === round);
    const first = approval?.state === 'pending' && approval.planHash === planHash;
    if (first)
      Object.assign(approval, Object.fromEntries(Object.entries(decided).filter(([, value]) => value !== undefined)));
    return approval && { approval: copyOf(approval), first };
  }
  async listPendingApprovals(): Promise<string[]> {
    return [...this.records.values()].flatMap(({ approvals }) =>
      approvals.flatMap(({ state, requestedAt }) => (state === 'pending' ? [requestedAt] : [])),
    );
  }

  async takeWaitingSlot(waiter: WaitingMigration, caps: WaitingCaps): Promise<SlotResult> {
    const now = Date.parse(waiter.since);
    const waiting = [...this.waiting.values()].filter(({ since }) => Date.parse(since) + LONGEST_WAIT_MS > now);
    if (waiting.some(({ migrationId }) => migrationId === waiter.migrationId)) return { taken: true };
    const own = waiting.filter(({ principal }) => principal === waiter.principal);
    if (waiting.length >= caps.perDeployment) return { taken: false, full: 'deployment', waiting: waiting.length };
    if (own.length >= caps.perPrincipal) return { taken: false, full: 'principal', waiting: own.length };
    this.waiting.set(waiter.migrationId, copyOf(waiter));
    return { taken: true };
  }
  async freeWaitingSlots(migrationId: string): Promise<void> {
    this.waiting.delete(migrationId);
  }
  async listWaiting(): Promise<WaitingMigration[]> {
    return [...this.waiting.values()].map(copyOf);
  }

  async claim(key: string, mine: Claim): Promise<Claim> {
    const there = this.claims.get(key) ?? copyOf(mine);
    this.claims.set(key, there);
    return copyOf(there);
  }
  async reclaim(key: string, before: Claim, mine: Claim): Promise<Claim> {
    if (this.claims.get(key)?.migrationId === before.migrationId) this.claims.set(key, copyOf(mine));
    return copyOf(this.claims.get(key) ?? mine);
  }

  async listMigrations(filter: MigrationFilter, limit: number, after?: ListPosition): Promise<MigrationPage> {
    const all = [...this.records.values()].map(summaryOf).filter((one) => isListed(one, filter));
    const { page: migrations, ...more } = pageOf(all, { positionOf: backendOfMigration, limit, after });
    return { migrations, ...more };
  }

  private lockAt(key: string): Lock {
    return this.locks.get(key) ?? { key, fence: 0 };
  }
  /** Carries out what is decided about the lock. */
  private settle(taking: Taking): LockResult {
    if (taking.do === 'has') return { acquired: true, fence: taking.fence };
    if (taking.next) this.locks.set(taking.next.key, copyOf({ ...taking.next, parked: false }));
    return taking.do === 'take' ? { acquired: true, fence: taking.next.fence } : heldBy(taking.holder);
  }
  async acquireLock(key: string, owner: LockHolder, mode: LockMode = 'exclusive'): Promise<LockResult> {
    return this.settle((mode === 'shared' ? takeShared : takeAlone)(this.lockAt(key), owner));
  }
  async takeOverLock(
    key: string,
    from: { executionArn: string; fence: number },
    owner: LockHolder,
  ): Promise<LockResult> {
    const lock = this.lockAt(key);
    const { holder, fence } = lock;
    const changed = new MigrationError('Busy', `The lock ${key} was changed concurrently. Try again in a few seconds.`);
    if (!holder) throw changed;
    if (lock.shared) {
      const taking = takeOverShare(lock, from.executionArn, owner);
      if (!taking) throw changed;
      return this.settle(taking);
    }
    if (holder.executionArn === from.executionArn && fence === from.fence)
      return this.settle({ do: 'take', next: { key, fence: fence + 1, holder: owner } });
    return holder.executionArn === owner.executionArn ? { acquired: true, fence } : heldBy(holder);
  }
  async assertLock(key: string, migrationId: string, fence: number): Promise<void> {
    const lock = this.lockAt(key);
    if (lock.holder?.migrationId !== migrationId || lock.fence !== fence || lock.shared)
      throw new MigrationError(
        'LockLost',
        `The lock ${key} is no longer held by migration ${migrationId} (fence ${fence}).`,
      );
  }
  async releaseLock(key: string, executionArn: string): Promise<void> {
    const lock = this.lockAt(key);
    const next = withoutSharer(lock, executionArn);
    if (next) this.locks.set(key, { ...next, parked: false });
    else if (!lock.shared && lock.holder?.executionArn === executionArn)
      this.locks.set(key, { key, fence: lock.fence, parked: false });
  }
  async parkLock(key: string, executionArn: string): Promise<void> {
    const lock = this.locks.get(key);
    if (lock && !lock.shared && lock.holder?.executionArn === executionArn) lock.parked = true;
  }
  async readLock(key: string): Promise<Lock | undefined> {
    const lock = this.locks.get(key);
    return lock && shown(lock);
  }
  async listHeldLocks(): Promise<Lock[]> {
    const held = [...this.locks.values()].filter((lock) => lock.holder && !lock.parked).flatMap(eachHolder);
    return copyOf(held.sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  async putSnapshot(migrationId: string, snapshot: Snapshot): Promise<void> {
    if (!this.snapshots.has(migrationId)) this.snapshots.set(migrationId, copyOf(snapshot));
  }
  async getSnapshot(migrationId: string): Promise<Snapshot | undefined> {
    return copyOf(this.snapshots.get(migrationId));
  }

  async recordStep(migrationId: string, { name, startedAt, endedAt, result, error }: StepEntry): Promise<void> {
    const lines = this.lines.get(migrationId) ?? [];
    const before = lines.find((line) => line.name === name);
    const line: StepLine = {
      name,
      startedAt: before?.startedAt ?? startedAt,
      endedAt,
      tries: (before?.tries ?? 0) + 1,
    };
    if ((result ?? before?.result) !== undefined) line.result = result ?? before?.result;
    if (error) line.error = error;
    this.lines.set(migrationId, [...lines.filter((one) => one !== before), line]);
  }
  async listSteps(migrationId: string): Promise<StepLine[]> {
    return [...(this.lines.get(migrationId) ?? [])].sort(
      (a, b) => a.startedAt.localeCompare(b.startedAt) || a.endedAt.localeCompare(b.endedAt),
    );
  }

  async putEvidence(migrationId: string, round: string, pods: PodEvidence[], observedAt: string): Promise<void> {
    const key = `${migrationId}#${round}`;
    if ((this.observedAt.get(key) ?? '') > observedAt) return;
    this.observedAt.set(key, observedAt);
    this.evidence.set(key, copyOf(pods));
  }
  async getEvidence(migrationId: string, round: string): Promise<PodEvidence[]> {
    return copyOf(this.evidence.get(`${migrationId}#${round}`) ?? []);
  }
}
