import { MigrationError } from '../../domain/failures/errors.ts';
import {
  type AddonSnapshot,
  isOfAddon,
  type Migration,
  type Plan,
  type Attempt,
  type Snapshot,
} from '../../domain/migration/model.ts';
import type { Ledger } from '../../ports/index.ts';
import { assertRecordIntegrity } from './record-integrity.ts';

/** The migration's record; a step without one was called with an id that no plan has made. */
export async function recordedMigration(ledger: Ledger, migrationId: string): Promise<Migration> {
  const migration = await ledger.getMigration(migrationId);
  if (!migration) throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`);
  return migration;
}

/** The plan of a record that allows a change; throws BadInput otherwise. */
export function planOf({ migrationId, plan }: Migration): Plan {
  if (!plan || plan.verdict !== 'migrate')
    throw new MigrationError('BadInput', `Migration ${migrationId} has no plan that allows a change.`);
  return plan;
}

export async function recordedPlan(ledger: Ledger, migrationId: string): Promise<Plan> {
  return planOf(await recordedMigration(ledger, migrationId));
}

/** Throws BadInput where there is none, or where it is not about what the record is about. */
export async function recordedSnapshot(ledger: Ledger, migrationId: string): Promise<Snapshot> {
  const { migration, snapshot } = await ledger.getFile(migrationId);
  if (!snapshot)
    throw new MigrationError(
      'BadInput',
      `Migration ${migrationId} has no snapshot; nothing may be changed without one.`,
    );
  if (migration) assertRecordIntegrity(migration, snapshot);
  return snapshot;
}

function ofAddon(snapshot: Snapshot, migrationId: string): AddonSnapshot {
  if (isOfAddon(snapshot)) return snapshot;
  throw new MigrationError(
    'BadInput',
    `Migration ${migrationId} is of a service account, and this step is of add-ons. Nothing was changed by it.`,
  );
}

/** The same of an add-on; throws BadInput for a service account's. */
export const recordedAddonSnapshot = async (ledger: Ledger, migrationId: string): Promise<AddonSnapshot> =>
  ofAddon(await recordedSnapshot(ledger, migrationId), migrationId);

/** What a step of the change works from. `way`: the one of the plan's ladder that is being tried. */
export interface Work {
  record: Migration;
  plan: Plan;
  snapshot: Snapshot;
  currentAttempt: Attempt;
}

/** Throws BadInput where the ladder has no such rung. */
export async function recordedWork(ledger: Ledger, migrationId: string, attempt: number): Promise<Work> {
  const record = await recordedMigration(ledger, migrationId);
  const plan = planOf(record);
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const currentAttempt = plan.attempts[attempt];
  if (!currentAttempt)
    throw new MigrationError(
      'BadInput',
      `The plan of migration ${migrationId} has ${plan.attempts.length} ways, and none with index ${attempt}.`,
    );
  return { record, plan, snapshot, currentAttempt };
}

export type AddonWork = Work & { snapshot: AddonSnapshot };

/** The same of an add-on; throws BadInput for a service account's. */
export async function recordedAddonWork(ledger: Ledger, migrationId: string, attempt: number): Promise<AddonWork> {
  const work = await recordedWork(ledger, migrationId, attempt);
  return { ...work, snapshot: ofAddon(work.snapshot, migrationId) };
}

/** Notes the way that is about to be tried, before its first change: a rollback, and Recover, go by it. */
export async function noteAttempt(
  ledger: Ledger,
  { migrationId, attempt: before }: Migration,
  attempt: number,
): Promise<void> {
  if (before !== attempt) await ledger.noteAttempt(migrationId, attempt);
}
