/** Whether Recover may take a migration over, and what it needs then: a decision from what is recorded. */
import type { Migration, Release } from '../migration/model.ts';
import type { TrustChange } from '../trust/model.ts';

/** What Step Functions says of an execution; `undefined`: it does not know it any more, so it stopped long ago. */
export type OwnerState = { status: string; stoppedAt?: string } | undefined;

export interface RecoveryLock {
  key: string;
  holder?: { migrationId: string; executionArn: string; since: string } | undefined;
  /** Others share it, and this migration needs no more than that. */
  shareable?: boolean;
}

export interface RecoveryFacts {
  record: Migration;
  cause: 'stranded' | 'requested';
  hasSnapshot: boolean;
  /** A step of the way back has been taken, so that a verified change no longer means that only the end is missing. */
  rollbackBegun: boolean;
  /** The locks of the record, as they are held now. */
  locks: RecoveryLock[];
  /** By ARN, for every execution but the asking one that holds one of the locks or that the record names. */
  owners: Map<string, OwnerState>;
  /** Milliseconds since 1970. */
  now: number;
  /** How long after its execution has stopped a Lambda may still act, milliseconds. */
  graceMs: number;
}

export type RecoveryDecision =
  | { do: 'nothing'; why: string }
  | { do: 'refuse'; why: string }
  /** A Lambda of the execution that stopped may still be at work. */
  | { do: 'wait'; why: string }
  /** It is over, only its locks were left held. */
  | { do: 'let-go' }
  | { do: 'take-over'; action: 'roll-back' | 'finish' | 'release' };

export const isRunning = (owner: OwnerState): boolean =>
  owner?.status === 'RUNNING' || owner?.status === 'PENDING_REDRIVE';

/**
 * The release of the present end's locks: a rollback on demand may have ended anew, and kept them again, since an
 * earlier one.
 */
export const standingRelease = ({
  status,
  endedAt = '',
  released,
}: Pick<Migration, 'status' | 'endedAt' | 'released'>): Release | undefined =>
  status === 'ended' && released && released.at >= endedAt ? released : undefined;

/** Changes of trust policies that are, or may be, in force: a way back has to undo them. */
export const standingTrustChanges = ({ trustChanges }: Pick<Migration, 'trustChanges'>): TrustChange[] =>
  trustChanges.filter((one) => one.undoneAt === undefined);

/** What a migration that has not ended needs. */
function unfinished({ record, cause, hasSnapshot, rollbackBegun }: RecoveryFacts): RecoveryDecision {
  // Nor is any trust policy changed then: that needs the snapshot too.
  if (!hasSnapshot) return { do: 'take-over', action: 'release' };
  // Also by what EKS says alone, where no more was asked for: it would say no more of what is put back.
  const onlyTheEndIsMissing = record.verified !== 'none' && !rollbackBegun && cause === 'stranded';
  return { do: 'take-over', action: onlyTheEndIsMissing ? 'finish' : 'roll-back' };
}

/** Why a migration that is over has nothing to put back, or undefined: it has, or it is not over. */
export function nothingToPutBack({
  migrationId,
  status,
  outcome,
}: Pick<Migration, 'migrationId' | 'status' | 'outcome'>): string | undefined {
  if (status !== 'ended' || outcome === 'migrated' || outcome === 'needs-human') return undefined;
  const why = outcome === 'rolled-back' ? 'it was put back already' : 'it changed nothing';
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
      why: `Migration ${other.holder.migrationId} holds the lock ${other.key} since ${other.holder.since}: roll back when it has ended`,
    };
  }
  return record.status === 'ended'
    ? { do: 'take-over', action: hasSnapshot ? 'roll-back' : 'release' }
    : unfinished(facts);
}

export function decideRecovery(facts: RecoveryFacts): RecoveryDecision {
  const { record, cause, locks, owners, now, graceMs } = facts;
  const held = locks.some((lock) => lock.holder?.migrationId === record.migrationId);
  // What needs a person keeps its lock until one asks for the rollback.
  if (cause === 'stranded' && record.status === 'ended' && (!held || record.outcome === 'needs-human'))
    return { do: 'nothing', why: `migration ${record.migrationId} has ended ${record.outcome ?? ''}` };

  const running = [...owners].find(([, owner]) => isRunning(owner));
  if (running) {
    const why = `execution ${running[0]} is still working on migration ${record.migrationId}`;
    return cause === 'stranded'
      ? { do: 'nothing', why }
      : { do: 'refuse', why: `${why}: cancel it instead, with pod-identity cancel ${record.migrationId}` };
  }
  const lingering = [...owners].find(
    ([, owner]) => owner?.stoppedAt !== undefined && now < Date.parse(owner.stoppedAt) + graceMs,
  );
  if (lingering)
    return {
      do: 'wait',
      why: `execution ${lingering[0]} stopped at ${lingering[1]?.stoppedAt ?? ''}; one of its Lambdas may still be at work`,
    };

  if (cause === 'requested') return onDemand(facts);
  return record.status === 'ended' ? { do: 'let-go' } : unfinished(facts);
}
