import type { MigrationReport } from '../domain/model.ts';
import { migrationReport } from '../domain/model.ts';
import type { Ledger } from '../ports/index.ts';

/** Evidence rounds in the ledger: how the pods were before, and how the last look at them found them. */
export const EVIDENCE_BEFORE = 'before';
export const EVIDENCE_LATEST = 'latest';

/** One document about one migration, from the ledger alone; `undefined` while there is no record or no outcome. */
export async function readReport(ledger: Ledger, migrationId: string, options: { simulated: boolean }): Promise<MigrationReport | undefined> {
  const migration = await ledger.getMigration(migrationId);
  if (!migration?.outcome || !migration.endedAt) return undefined;
  const [steps, before, pods] = await Promise.all([
    ledger.listSteps(migrationId),
    ledger.getEvidence(migrationId, EVIDENCE_BEFORE),
    ledger.getEvidence(migrationId, EVIDENCE_LATEST),
  ]);
  const { request } = migration;
  return migrationReport.parse({
    migrationId,
    outcome: migration.outcome,
    target: request.target,
    addon: request.addon,
    strategy: request.strategy,
    preserve: request.preserve,
    verified: migration.verified,
    startedAt: migration.startedAt,
    endedAt: migration.endedAt,
    plan: migration.plan,
    steps,
    associations: migration.associations,
    verification: { before, pods },
    failure: migration.failure,
    handOff: migration.handOff,
    simulated: options.simulated,
  });
}
