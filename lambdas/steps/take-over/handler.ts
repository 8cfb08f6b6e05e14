/**
 * Takes a migration over from an execution that has stopped, or for a rollback on demand. The record names the new execution
 * only after that one holds the locks.
 * Idempotency: a lock that the execution already holds keeps its fence, and the decision is the same; if two executions
 * take over at once, the first lock that both need decides, and the other execution does nothing.
 * Failure: nothing is changed; locks that were taken for a rollback that can't begin are released.
 */
import { executionName } from '../../domain/aws/arn.ts';
import { rollbackStandingOf, asBeforeRequest, requestedRollback, type Rollback } from '../../domain/record/rollback.ts';
import { classOf, MigrationError } from '../../domain/failures/errors.ts';
import { isConflicting } from '../../domain/migration/locks.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import { isUnannotated } from '../../domain/migration/service-account.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import {
  decideRecovery,
  isRunning,
  type RecoveryDecision,
  standingRelease,
  standingTrustChanges,
} from '../../domain/rollback/recovery.ts';
import type { HandlerDependencies, Lock, LockHolder } from '../../ports/index.ts';
import { failureOf } from '../../runtime/failures.ts';
import { assertRecordIntegrity } from '../../use-cases/record/integrity.ts';
import { lockModeOf } from '../../use-cases/record/lock.ts';
import { lockKeys, readLocks, readOwners, rollbackBegun, rollbackClosed } from '../../use-cases/rollback/recovery.ts';
import { recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { askedOf, refuseRollback, requestRollback, inProgressText } from '../../use-cases/rollback/request.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { takeOverLocks } from '../../use-cases/rollback/take-over-locks.ts';
import { utcNow } from '../../runtime/utc.ts';
import { GRACE_MS, takeOverSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof takeOverSchema>>[0];
type Output = Awaited<ReturnType<StepRun<typeof takeOverSchema>>>;
type TakeOver = Extract<RecoveryDecision, { do: 'take-over' }>;

/** Returns the next command. A person may have decided otherwise; locks that wait for the rollback can be released. */
const nextAfterRefusal = (record: Migration): string =>
  record.status === 'ended' && record.outcome === 'needs-human' && !standingRelease(record)
    ? `To leave everything as it is and release the locks, run: pod-identity release ${record.migrationId}`
    : `To show the migration, run: pod-identity show ${record.migrationId}`;

function refused(why: string, record?: Migration): MigrationError {
  const next = record === undefined ? '' : nextAfterRefusal(record);
  const instead = next.includes(' release ') ? ` ${next}` : '';
  return new MigrationError('RollbackRefused', `The rollback was not started: ${why}. Nothing was changed.${instead}`);
}

function causeOf(
  { cause, requestedBy, reason }: Pick<Input, 'cause' | 'requestedBy' | 'reason'>,
  stopped: string,
): Output['failure'] {
  if (cause === 'stranded')
    return { Error: 'ExecutionStopped', Cause: `${stopped} stopped before the migration had ended.` };
  return {
    Error: 'RollbackRequested',
    Cause: `The rollback was requested by ${requestedBy ?? 'an unnamed caller'}${reason === undefined ? '' : `: ${reason}`}.`,
  };
}

/** Returns what the record notes about the rollback that begins; undefined if none begins. */
function rollbackBy(
  { executionArn, cause, ...asked }: Input,
  { rollback, status }: Migration,
  { action }: TakeOver,
  startedAt: string,
): Rollback | undefined {
  // A rollback whose execution has stopped continues.
  const before = status === 'rolling-back' ? rollback : undefined;
  if (cause === 'stranded' && !before && action !== 'roll-back') return undefined;
  return {
    id: executionName(executionArn),
    cause: cause === 'stranded' ? 'stopped' : 'requested',
    startedAt,
    ...before,
    ...(cause === 'requested' ? { ...askedOf(asked), cause } : {}),
    state: 'running',
    executionArn,
  };
}

/** Takes the locks, then notes in the record what this execution does. `found` is the record as it was read. */
async function takeOver(
  input: Input,
  found: Migration,
  { locks, decision }: { locks: Lock[]; decision: TakeOver },
  dependencies: HandlerDependencies,
): Promise<{ fence: number } | { before: LockHolder }> {
  const { ledger, clock } = dependencies;
  const { migrationId, executionArn, cause } = input;
  const since = utcNow(clock);
  const me = { migrationId, executionArn, since };
  const taken = await takeOverLocks(asBeforeRequest(found), locks, me, { ...decision, cause }, dependencies);
  if ('before' in taken || found.executionArn === executionArn) return taken;
  const recovery = { startedAt: since, executionArn, cause: 'stranded' } as const;
  const rollback = rollbackBy(input, found, decision, since);
  if (!rollback) {
    await ledger.recordRecovery(migrationId, recovery);
    return taken;
  }
  const isNoted = await ledger.changeRollback(migrationId, rollbackStandingOf(found), {
    status: 'rolling-back',
    rollback,
    executionArn,
    ...(cause === 'stranded' ? { recovery } : {}),
    ...(decision.action === 'roll-back' ? { verified: 'none' } : {}),
  });
  if (!isNoted)
    throw new MigrationError(
      'Busy',
      `The record of migration ${migrationId} was changed during the takeover. The takeover is retried.`,
    );
  return taken;
}

/** Returns the output for an execution that stopped before its plan could write the record, which comes first. */
const withoutRecord = (input: Input): Output => ({
  action: 'nothing',
  target: null,
  subject: null,
  fence: 0,
  attempt: 0,
  repairsTrust: false,
  removesAnnotation: false,
  failure: causeOf(input, 'The execution'),
});

/** Returns what the next states need from the record, with no action yet. */
const answerFor = (input: Input, record: Migration, owners: readonly string[]): Output => ({
  action: 'nothing',
  target: record.request.target,
  subject: subjectOf(record.request),
  fence: 0,
  attempt: record.attempt ?? 0,
  repairsTrust: standingTrustChanges(record).length > 0,
  removesAnnotation: isUnannotated(record),
  failure: causeOf(input, `Execution ${owners.join(', ') || record.executionArn || ''}`),
});

/**
 * Throws RollbackRefused if the rollback is no longer possible: after the locks were released, at the end or by a person,
 * the state that this migration left may have been changed.
 */
async function assertRollbackOpen(
  record: Migration,
  snapshot: Snapshot | undefined,
  action: TakeOver['action'],
  dependencies: HandlerDependencies,
): Promise<void> {
  const released = record.status === 'ended' && (record.outcome === 'migrated' || standingRelease(record));
  if (action !== 'roll-back' || !released) return;
  const before = snapshot ?? (await recordedSnapshot(dependencies.ledger, record.migrationId));
  const closed = await rollbackClosed(record, before, dependencies);
  if (closed !== undefined) throw refused(closed);
}

/**
 * Returns the rollback that this execution has to begin: the one that its name refers to, one that it requests itself (if
 * the execution was started by hand), or one whose execution has stopped. Undefined if there is none.
 */
async function ownRequest(
  input: Input,
  record: Migration,
  dependencies: HandlerDependencies,
): Promise<Rollback | 'of another' | undefined> {
  const { migrationId, executionArn, cause, ...asked } = input;
  const { ledger, executions } = dependencies;
  const { rollback } = record;
  if (rollback?.executionArn === executionArn) {
    // This is a repeated call, since the reply was lost.
    if (rollback.state === 'refused')
      throw new MigrationError('RollbackRefused', rollback.error?.message ?? 'The rollback was refused.');
    if (rollback.state === 'ended') throw refused(`it has already ended at ${rollback.endedAt ?? ''}`);
    return requestedRollback(record);
  }
  const standing = requestedRollback(record);
  if (standing) {
    const owner = await executions.describe(standing.executionArn ?? '');
    if (owner === undefined || isRunning(owner)) return 'of another';
    const mine = { ...standing, executionArn };
    return (await ledger.changeRollback(migrationId, rollbackStandingOf(record), {
      status: 'rolling-back',
      rollback: mine,
    }))
      ? mine
      : 'of another';
  }
  if (cause === 'stranded' || record.status !== 'ended') return undefined;
  const answer = await requestRollback(
    record,
    { migrationId, id: executionName(executionArn), executionArn, ...asked },
    dependencies,
  );
  if ('refused' in answer) throw refused(answer.why, record);
  return answer.rollback;
}

/** Decides, and takes the migration over. All checks that may refuse a rollback are here, before anything is changed. */
async function decideAndTakeOver(input: Input, found: Migration, dependencies: HandlerDependencies): Promise<Output> {
  const { migrationId, executionArn, cause } = input;
  const { ledger, executions, clock } = dependencies;
  // A requested rollback that has not begun has changed nothing yet.
  const record = asBeforeRequest(found);
  const locks = await readLocks(ledger, lockKeys(record));
  const owners = await readOwners(executions, record, locks, executionArn);
  const answer = answerFor(input, record, [...owners.keys()]);
  const snapshot = await ledger.getSnapshot(migrationId);
  if (snapshot) assertRecordIntegrity(record, snapshot);
  const decision = decideRecovery({
    record,
    cause,
    hasSnapshot: snapshot !== undefined,
    rollbackBegun: await rollbackBegun(ledger, record),
    locks: locks.map((lock) => ({
      ...lock,
      shareable: !isConflicting(lock, migrationId, lockModeOf(lock.key, standingTrustChanges(record))),
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
      throw new MigrationError('OwnerMayStillAct', `Recovery of migration ${migrationId} is waiting: ${decision.why}.`);
    case 'let-go':
      for (const { key, holder } of locks)
        if (holder?.migrationId === migrationId) await ledger.releaseLock(key, holder.executionArn);
      return answer;
    case 'take-over':
      break;
  }
  await assertRollbackOpen(record, snapshot, decision.action, dependencies);
  const taken = await takeOver(input, found, { locks, decision }, dependencies);
  if ('fence' in taken) return { ...answer, action: decision.action, fence: taken.fence };
  const { before } = taken;
  if (before.migrationId === migrationId && cause === 'stranded') return answer;
  throw refused(
    `migration ${before.migrationId} has held a lock that it needs since ${before.since} (execution ${before.executionArn})`,
    record,
  );
}

/** Returns whether the state machine does not retry the error. A missing right is waited for. */
const isFinal = (name: string): boolean =>
  name !== 'AccessDenied' && !['retryable', 'waiting'].includes(classOf(name) ?? '');

const run: StepRun<typeof takeOverSchema> = async (input, dependencies) => {
  const { ledger } = dependencies;
  const record = await ledger.getMigration(input.migrationId);
  if (!record) {
    if (input.cause === 'requested') throw refused(`the ledger has no migration ${input.migrationId}`);
    return withoutRecord(input);
  }
  const request = await ownRequest(input, record, dependencies);
  if (request === 'of another') {
    if (input.cause === 'requested') throw refused(inProgressText(record));
    return answerFor(input, record, []);
  }
  if (!request) return decideAndTakeOver(input, record, dependencies);
  const { requestedBy, reason, accept } = request;
  const asked: Input = { ...input, cause: 'requested', requestedBy, reason, accept };
  const found = await recordedMigration(ledger, input.migrationId);
  try {
    return await decideAndTakeOver(asked, found, dependencies);
  } catch (error) {
    const { name, message } = failureOf(error);
    if (isFinal(name)) {
      const next = nextAfterRefusal(asBeforeRequest(found));
      await refuseRollback(found, request, { error: { name, message }, next }, dependencies);
    }
    throw error;
  }
};

export const takeOverStep = step(takeOverSchema, run);
