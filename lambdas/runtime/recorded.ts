import { MigrationError } from '../domain/errors.ts';
import type { Migration, Plan, Snapshot } from '../domain/model.ts';
import type { Ledger } from '../ports/index.ts';

/** The migration's record; a step without one was called with an id that no plan has made. */
export async function recordedMigration(ledger: Ledger, migrationId: string): Promise<Migration> {
  const migration = await ledger.getMigration(migrationId);
  if (!migration) throw new MigrationError('BadInput', `The ledger has no migration ${migrationId}.`);
  return migration;
}

export async function recordedPlan(ledger: Ledger, migrationId: string): Promise<Plan> {
  const { plan } = await recordedMigration(ledger, migrationId);
  if (!plan || plan.verdict !== 'migrate') throw new MigrationError('BadInput', `Migration ${migrationId} has no plan that allows a change.`);
  return plan;
}

export async function recordedSnapshot(ledger: Ledger, migrationId: string): Promise<Snapshot> {
  const snapshot = await ledger.getSnapshot(migrationId);
  if (!snapshot) throw new MigrationError('BadInput', `Migration ${migrationId} has no snapshot; nothing may be changed without one.`);
  return snapshot;
}
