/**
 * Takes a migration over: from an execution that has stopped, or for a rollback on demand. The record names the new
 * execution only after the locks are its own.
 * Idempotency: a lock that is its own already is answered with its fence, and the decision comes out the same; of two
 * that come at once, the first lock that both want decides, and the other one does nothing.
 * Failure: nothing is changed by it; what it has taken for a rollback that then can't be begun is let go again.
 */
import { MigrationError } from '../../domain/errors.ts';
import { isInTheWay } from '../../domain/locks.ts';
import type { Migration, Snapshot } from '../../domain/model.ts';
import { isUnannotated } from '../../domain/service-account.ts';
import { subjectOf } from '../../domain/subject.ts';
import { decideRecovery, type RecoveryDecision, standingRelease, standingTrustChanges } from '../../domain/recovery.ts';
import type { HandlerDependencies, Lock, LockHolder, LockMode } from '../../ports/index.ts';
import { assertFileHolds } from '../../runtime/file-holds.ts';
import { lockModeOf, subjectLock } from '../../runtime/lock.ts';
import { lockKeys, readLocks, readOwners, rollbackBegun, wayBackClosed } from '../../runtime/recovering.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { GRACE_MS, takeOverSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof takeOverSchema>>[0];
type Output = Awaited<ReturnType<StepRun<typeof takeOverSchema>>>;
type TakeOver = Extract<RecoveryDecision, { do: 'take-over' }>;

/** A person may have decided otherwise, and the locks that wait for the rollback have another way out. */
function refused(why: string, record?: Migration): MigrationError {
  const keepsLocks = record?.status === 'ended' && record.outcome === 'needs-human' && !standingRelease(record);
  const instead = keepsLocks
    ? ` To leave it as it is and let the locks go: pod-identity release ${record.migrationId}`
    : '';
  return new MigrationError('RollbackRefused', `The rollback is not begun: ${why}. Nothing was changed.${instead}`);
}

function failureOf({ cause, requestedBy, reason }: Input, stopped: string): Output['failure'] {
  if (cause === 'stranded')
    return { Error: 'ExecutionStopped', Cause: `${stopped} stopped before the migration had ended.` };
  return {
    Error: 'RollbackRequested',
    Cause: `${requestedBy ?? 'Somebody'} asked for the rollback${reason === undefined ? '' : `: ${reason}`}.`,
  };
}

/** Takes one lock, or says who has it. A lock that nobody holds is taken where something is to be changed. */
async function takeLock(
  ledger: HandlerDependencies['ledger'],
  locks: readonly Lock[],
  me: LockHolder,
  { key, mode, takeFree }: { key: string; mode: LockMode; takeFree: boolean },
): Promise<number | LockHolder | undefined> {
  const held = locks.filter((lock) => lock.key === key);
  const own = held.find(({ holder }) => holder?.migrationId === me.migrationId);
  if (own?.holder) {
    const { executionArn } = own.holder;
    const taken =
      executionArn === me.executionArn
        ? await ledger.acquireLock(key, me, mode)
        : await ledger.takeOverLock(key, { executionArn, fence: own.fence }, me);
    return taken.acquired ? taken.fence : taken.holder;
  }
  const other = held.find((lock) => isInTheWay(lock, me.migrationId, mode));
  if (other) return other.holder;
  if (!takeFree) return undefined;
  const taken = await ledger.acquireLock(key, me, mode);
  return taken.acquired ? taken.fence : taken.holder;
}

/** All locks, that of what migrates first; answers its fence, or who was there before. */
async function takeLocks(
  record: Migration,
  locks: Lock[],
  me: LockHolder,
  { action, cause }: TakeOver & Pick<Input, 'cause'>,
  { ledger }: HandlerDependencies,
): Promise<{ fence: number } | { before: LockHolder }> {
  const own = subjectLock(record.request.target, subjectOf(record.request));
  const taken: string[] = [];
  let fence = 0;
  for (const key of lockKeys(record)) {
    const result = await takeLock(ledger, locks, me, {
      key,
      mode: lockModeOf(key, standingTrustChanges(record)),
      takeFree: action === 'roll-back',
    });
    if (typeof result === 'number') {
      if (key === own) fence = result;
      taken.push(key);
    } else if (
      result?.migrationId === me.migrationId ||
      (result && action === 'roll-back' && (key === own || cause === 'requested'))
    ) {
      // Another Recover was faster, or another migration has begun; a stranded one is put back even where a role is
      // busy.
      for (const one of taken) await ledger.releaseLock(one, me.executionArn);
      return { before: result };
    }
  }
  return { fence };
}

async function takeOver(
  input: Input,
  record: Migration,
  locks: Lock[],
  decision: TakeOver,
  dependencies: HandlerDependencies,
): Promise<{ fence: number } | { before: LockHolder }> {
  const { ledger, clock } = dependencies;
  const { migrationId, executionArn, cause, requestedBy, reason, acceptCredentialGap } = input;
  const since = utcNow(clock);
  const taken = await takeLocks(
    record,
    locks,
    { migrationId, executionArn, since },
    { ...decision, cause },
    dependencies,
  );
  if ('before' in taken) return taken;
  const after = record.status === 'ended' ? record.outcome : record.recovery?.after;
  const recovery = {
    startedAt: since,
    executionArn,
    cause,
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(reason === undefined ? {} : { reason }),
    ...(after === undefined ? {} : { after }),
    ...(acceptCredentialGap === true ? { acceptCredentialGap } : {}),
  };
  await ledger.recordRecovery(migrationId, recovery, decision.action === 'roll-back' ? 'none' : undefined);
  return taken;
}

/** The answer for an execution that stopped before its plan could write the record, which comes before anything else. */
const withoutRecord = (input: Input): Output => ({
  action: 'nothing',
  target: null,
  subject: null,
  fence: 0,
  rung: 0,
  repairsTrust: false,
  removesAnnotation: false,
  failure: failureOf(input, 'The execution'),
});

/** What the states after this one need of the record, with nothing to do yet. */
const answerFor = (input: Input, record: Migration, owners: readonly string[]): Output => ({
  action: 'nothing',
  target: record.request.target,
  subject: subjectOf(record.request),
  fence: 0,
  rung: record.rung ?? 0,
  repairsTrust: standingTrustChanges(record).length > 0,
  removesAnnotation: isUnannotated(record),
  failure: failureOf(input, `Execution ${owners.join(', ') || record.executionArn || ''}`),
});

/** Since the locks were let go, at the end or by a person, others may have changed what this migration left. */
async function assertWayBackOpen(
  record: Migration,
  snapshot: Snapshot | undefined,
  action: TakeOver['action'],
  dependencies: HandlerDependencies,
): Promise<void> {
  const letGo = record.status === 'ended' && (record.outcome === 'migrated' || standingRelease(record));
  if (action !== 'roll-back' || !letGo) return;
  const before = snapshot ?? (await recordedSnapshot(dependencies.ledger, record.migrationId));
  const closed = await wayBackClosed(record, before, dependencies);
  if (closed !== undefined) throw refused(closed);
}

const run: StepRun<typeof takeOverSchema> = async (input, dependencies) => {
  const { migrationId, executionArn, cause } = input;
  const { ledger, executions, clock } = dependencies;
  const record = await ledger.getMigration(migrationId);
  if (!record) {
    if (cause === 'requested') throw refused(`the ledger has no migration ${migrationId}`);
    return withoutRecord(input);
  }
  const locks = await readLocks(ledger, lockKeys(record));
  const owners = await readOwners(executions, record, locks, executionArn);
  const answer = answerFor(input, record, [...owners.keys()]);
  const snapshot = await ledger.getSnapshot(migrationId);
  if (snapshot) assertFileHolds(record, snapshot);
  const decision = decideRecovery({
    record,
    cause,
    hasSnapshot: snapshot !== undefined,
    rollbackBegun: await rollbackBegun(ledger, record),
    locks: locks.map((lock) => ({
      ...lock,
      shareable: !isInTheWay(lock, migrationId, lockModeOf(lock.key, standingTrustChanges(record))),
    })),
    owners,
    now: clock.now(),
    graceMs: GRACE_MS,
  });
  switch (decision.do) {
    case 'nothing':
      return answer;
    case 'refuse':
      throw refused(decision.why, record);
    case 'wait':
      throw new MigrationError('OwnerMayStillAct', `Waiting: ${decision.why}.`);
    case 'let-go':
      for (const { key, holder } of locks)
        if (holder?.migrationId === migrationId) await ledger.releaseLock(key, holder.executionArn);
      return answer;
    case 'take-over':
      break;
  }
  await assertWayBackOpen(record, snapshot, decision.action, dependencies);
  const taken = await takeOver(input, record, locks, decision, dependencies);
  if ('fence' in taken) return { ...answer, action: decision.action, fence: taken.fence };
  const { before } = taken;
  if (before.migrationId === migrationId && cause === 'stranded') return answer;
  throw refused(
    `migration ${before.migrationId} holds a lock that it needs since ${before.since} (execution ${before.executionArn})`,
    record,
  );
};

export const takeOverStep = step(takeOverSchema, run);
