/** Decides from the records whether Recover may take over a migration, and what it has to do. */
import type { Migration, Release } from '../record/migration.ts';
import type { TrustChange } from '../terms/trust.ts';

/**
 * The state of an execution in Step Functions; `undefined` if Step Functions no longer has it, since it stopped long
 * ago.
 */
export type OwnerState = { status: string; stoppedAt?: string } | undefined;

export interface RecoveryLock {
  key: string;
  holder?: { migrationId: string; executionArn: string; since: string } | undefined;
  /** Other migrations share the lock, and this migration only needs to share it. */
  shareable?: boolean;
}

export interface RecoveryFacts {
  record: Migration;
  cause: 'stranded' | 'requested';
  hasSnapshot: boolean;
  /** A step of the rollback has run, so that a verified change no longer means that only the end was not recorded. */
  rollbackBegun: boolean;
  /** The locks of the record with their current holders. */
  locks: RecoveryLock[];
  /** The states, by ARN, of all other executions that hold one of the locks or that the record names. */
  owners: Map<string, OwnerState>;
  /** Milliseconds since 1970. */
  now: number;
  /** How long a Lambda function may still act after its execution has stopped, in milliseconds. */
  graceMs: number;
}

export type RecoveryDecision =
  | { do: 'nothing'; why: string }
  | { do: 'refuse'; why: string }
  /** A Lambda function of the stopped execution may still be running. */
  | { do: 'wait'; why: string }
  /** The migration has ended, and only its locks are still held. */
  | { do: 'let-go' }
  | { do: 'take-over'; action: 'roll-back' | 'finish' | 'release' };

export const isRunning = (owner: OwnerState): boolean =>
  owner?.status === 'RUNNING' || owner?.status === 'PENDING_REDRIVE';

/**
 * Returns the release that applies to the current outcome. A rollback on demand may have ended after an earlier
 * release,
 * and kept the locks again.
 */
export const standingRelease = ({
  status,
  endedAt = '',
  released,
}: Pick<Migration, 'status' | 'endedAt' | 'released'>): Release | undefined =>
  status === 'ended' && released && released.at >= endedAt ? released : undefined;

/** Returns the changes of trust policies that are, or may be, in force, and that a rollback has to undo. */
export const standingTrustChanges = ({ trustChanges }: Pick<Migration, 'trustChanges'>): TrustChange[] =>
  trustChanges.filter((one) => one.undoneAt === undefined);

/** Decides what to do with a migration that has not ended. */
function unfinished({ record, cause, hasSnapshot, rollbackBegun }: RecoveryFacts): RecoveryDecision {
  // Without a snapshot, no trust policy was changed either.
  if (!hasSnapshot) return { do: 'take-over', action: 'release' };
  // This includes verification by EKS alone, if the request asks for no more: a rollback could not be verified better.
  const onlyTheEndIsMissing = record.verified !== 'none' && !rollbackBegun && cause === 'stranded';
  return { do: 'take-over', action: onlyTheEndIsMissing ? 'finish' : 'roll-back' };
}

/** Returns why an ended migration has nothing to roll back; `undefined` if it has, or if it has not ended. */
export function nothingToPutBack({
  migrationId,
  status,
  outcome,
}: Pick<Migration, 'migrationId' | 'status' | 'outcome'>): string | undefined {
  if (status !== 'ended' || outcome === 'migrated' || outcome === 'needs-human') return undefined;
  const why = outcome === 'rolled-back' ? 'it was already rolled back' : 'it changed nothing';
  return `Migration ${migrationId} ended ${outcome ?? 'without an outcome'}: ${why}, so there is nothing to roll back`;
}

function onDemand(facts: RecoveryFacts): RecoveryDecision {
  const { record, locks, hasSnapshot } = facts;
  const { migrationId } = record;
  const nothing = nothingToPutBack(record);
  if (nothing !== undefined) return { do: 'refuse', why: nothing };
  const other = locks.find(
    ({ holder, shareable }) => holder && holder.migrationId !== migrationId && shareable !== true,
  );
  if (other?.holder && hasSnapshot) {
    return {
      do: 'refuse',
      why: `Migration ${other.holder.migrationId} has held the lock ${other.key} since ${other.holder.since}: roll back when it has ended`,
    };
  }
  return record.status === 'ended'
    ? { do: 'take-over', action: hasSnapshot ? 'roll-back' : 'release' }
    : unfinished(facts);
}

export function decideRecovery(facts: RecoveryFacts): RecoveryDecision {
  const { record, cause, locks, owners, now, graceMs } = facts;
  const held = locks.some((lock) => lock.holder?.migrationId === record.migrationId);
  // A migration that needs a person keeps its locks until a person requests the rollback.
  if (cause === 'stranded' && record.status === 'ended' && (!held || record.outcome === 'needs-human'))
    return { do: 'nothing', why: `migration ${record.migrationId} has ended ${record.outcome ?? ''}` };

  const running = [...owners].find(([, owner]) => isRunning(owner));
  if (running) {
    const why = `execution ${running[0]} is still working on migration ${record.migrationId}`;
    return cause === 'stranded'
      ? { do: 'nothing', why }
      : { do: 'refuse', why: `${why}: cancel it instead (pod-identity cancel ${record.migrationId} --deployed)` };
  }
  const lingering = [...owners].find(
    ([, owner]) => owner?.stoppedAt !== undefined && now < Date.parse(owner.stoppedAt) + graceMs,
  );
  if (lingering)
    return {
      do: 'wait',
      why: `execution ${lingering[0]} stopped at ${lingering[1]?.stoppedAt ?? ''}; one of its Lambda functions may still be running`,
    };

  if (cause === 'requested') return onDemand(facts);
  return record.status === 'ended' ? { do: 'let-go' } : unfinished(facts);
}
