import { MigrationError } from '../../domain/failures/errors.ts';
import { type AddonSnapshot, isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import type { Plan, Attempt } from '../../domain/record/plan.ts';
import type { Ledger } from '../../ports/index.ts';
import { assertRecordIntegrity } from './integrity.ts';

/** Returns the migration's record. Throws BadInput if there is none: the step was called with an id that no plan has. */
export async function recordedMigration(ledger: Ledger, migrationId: string): Promise<Migration> {
  const migration = await ledger.getMigration(migrationId);
  if (!migration) throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`);
  return migration;
}

/** Returns the plan of a record if it allows a change; throws BadInput otherwise. */
export function planOf({ migrationId, plan }: Migration): Plan {
  if (!plan || plan.verdict !== 'migrate')
    throw new MigrationError('BadInput', `Migration ${migrationId} has no plan that allows a change.`);
  return plan;
}

/** Returns the snapshot. Throws BadInput if there is none, or if it does not have the record's subject. */
export async function recordedSnapshot(ledger: Ledger, migrationId: string): Promise<Snapshot> {
  const { migration, snapshot } = await ledger.getFile(migrationId);
  if (!snapshot)
    throw new MigrationError(
      'BadInput',
      `Migration ${migrationId} has no snapshot, and nothing may be changed without one. Plan the migration again under a new id.`,
    );
  if (migration) assertRecordIntegrity(migration, snapshot);
  return snapshot;
}

function ofAddon(snapshot: Snapshot, migrationId: string): AddonSnapshot {
  if (isOfAddon(snapshot)) return snapshot;
  throw new MigrationError(
    'BadInput',
    `Migration ${migrationId} is about a service account, but this step is for add-ons. It changed nothing.`,
  );
}

/** Returns the snapshot of an add-on; throws BadInput for a service account's. */
export const recordedAddonSnapshot = async (ledger: Ledger, migrationId: string): Promise<AddonSnapshot> =>
  ofAddon(await recordedSnapshot(ledger, migrationId), migrationId);

/** What a step of the change works with. `currentAttempt` is the present one of the plan's attempts. */
export interface Work {
  record: Migration;
  plan: Plan;
  snapshot: Snapshot;
  currentAttempt: Attempt;
}

/** Reads it from the ledger. Throws BadInput if the plan has no attempt with that index. */
export async function recordedWork(ledger: Ledger, migrationId: string, attempt: number): Promise<Work> {
  const record = await recordedMigration(ledger, migrationId);
  const plan = planOf(record);
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const currentAttempt = plan.attempts[attempt];
  if (!currentAttempt)
    throw new MigrationError(
      'BadInput',
      `The plan of migration ${migrationId} has ${plan.attempts.length} attempts, and none with index ${attempt}.`,
    );
  return { record, plan, snapshot, currentAttempt };
}

export type AddonWork = Work & { snapshot: AddonSnapshot };

/** Reads it for an add-on; throws BadInput for a service account's migration. */
export async function recordedAddonWork(ledger: Ledger, migrationId: string, attempt: number): Promise<AddonWork> {
  const work = await recordedWork(ledger, migrationId, attempt);
  return { ...work, snapshot: ofAddon(work.snapshot, migrationId) };
}

/** Notes the attempt that is about to begin, before its first change: a rollback, and Recover, rely on it. */
export async function noteAttempt(
  ledger: Ledger,
  { migrationId, attempt: before }: Migration,
  attempt: number,
): Promise<void> {
  if (before !== attempt) await ledger.noteAttempt(migrationId, attempt);
}
