/**
 * Releases the locks that a migration keeps after it ended needs-human, when a person has decided that nothing is to be
 * restored.
 */
import type { Migration, Release } from '../../lambdas/domain/record/migration.ts';
import { isRunning, standingRelease } from '../../lambdas/domain/rollback/recovery.ts';
import { lockKeys, readLocks } from '../../lambdas/use-cases/rollback/recovery.ts';
import { utcNow } from '../../lambdas/runtime/utc.ts';
import { GRACE_MS } from '../../lambdas/steps/take-over/schema.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { findMigration, stateOf } from './known.ts';

export interface ReleaseRequest {
  migrationId: string;
  requestedBy?: string;
  reason?: string;
}

/** What `--json` prints. */
export interface Released {
  migrationId: string;
  /** The release that applies: an earlier one if the migration was released before. */
  released: Release;
  /** Keys of the locks that this command has released. */
  locks: string[];
  /** False if the migration was released before. */
  first: boolean;
}

/** The parts of a backend that a release needs. */
export type ReleaseBackend = Pick<Backend, 'ledger' | 'stepFunctions' | 'stateMachineArn'> & {
  clock: Pick<Backend['clock'], 'now' | 'sleep'>;
};

interface Held {
  key: string;
  executionArn: string;
}

const notOver = (migrationId: string): CliError =>
  new CliError(
    'NotReleased',
    `migration ${migrationId} is still running and needs its locks`,
    `To stop it: pod-identity cancel ${migrationId}\nTo follow it: pod-identity show ${migrationId}`,
  );

const endedOtherwise = ({ migrationId, outcome }: Migration): CliError =>
  new CliError(
    'NotReleased',
    `migration ${migrationId} ended ${outcome ?? 'without an outcome'} and holds no locks`,
    'There is nothing to release: only a migration that ended needs-human keeps its locks',
  );

const beingPutBack = (migrationId: string, executionArn: string): CliError =>
  new CliError(
    'NotReleased',
    `migration ${migrationId} is being rolled back by execution ${executionArn}`,
    `Wait a few minutes until it has ended, then check it: pod-identity show ${migrationId}`,
  );

const heldBy = async ({ ledger }: Pick<Backend, 'ledger'>, record: Migration): Promise<Held[]> =>
  (await readLocks(ledger, lockKeys(record))).flatMap(({ key, holder }) =>
    holder?.migrationId === record.migrationId ? [{ key, executionArn: holder.executionArn }] : [],
  );

/**
 * Throws if a rollback holds the locks. A rollback takes the locks before the record names it; if it was stopped in
 * between, the locks are still held.
 */
const refuseWhenSharing = async (
  backend: ReleaseBackend,
  { migrationId, executionArn: parkedBy }: Migration,
  held: readonly Held[],
): Promise<void> => {
  for (const executionArn of new Set(held.map((lock) => lock.executionArn))) {
    if (executionArn === parkedBy) continue;
    const state = await stateOf(backend, executionArn);
    const lingers = state?.stoppedAt !== undefined && backend.clock.now() < Date.parse(state.stoppedAt) + GRACE_MS;
    if (isRunning(state) || lingers) throw beingPutBack(migrationId, executionArn);
  }
};

/**
 * Releases a migration. Runs in a thread of the backend's clock. Changes only the ledger: first the record, then each
 * lock that this migration holds. Throws UnknownMigration, and NotReleased for a migration that did not end needs-human
 * or is being rolled back.
 */
export const release = async (
  backend: ReleaseBackend,
  { migrationId, requestedBy, reason }: ReleaseRequest,
): Promise<Released> => {
  const { ledger, clock } = backend;
  const record = await findMigration(backend, migrationId);
  if (record?.status !== 'ended') throw notOver(migrationId);
  if (record.outcome !== 'needs-human') throw endedOtherwise(record);
  const held = await heldBy(backend, record);
  await refuseWhenSharing(backend, record, held);
  const earlier = standingRelease(record);
  if (earlier && held.length === 0) return { migrationId, released: earlier, locks: [], first: false };

  // The release applies to this end, so it is never dated before it, whichever clock is ahead.
  const at = [utcNow(clock), record.endedAt ?? ''].sort().at(-1) ?? '';
  const released: Release = { at, ...(requestedBy ? { by: requestedBy } : {}), ...(reason ? { reason } : {}) };
  await ledger.updateMigration(migrationId, { released });
  for (const { key, executionArn } of held) await ledger.releaseLock(key, executionArn);
  // A rollback that has taken one meanwhile keeps it.
  const [kept] = await heldBy(backend, record);
  if (kept) throw beingPutBack(migrationId, kept.executionArn);
  return { migrationId, released, locks: held.map(({ key }) => key), first: true };
};
