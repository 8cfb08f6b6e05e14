import { handOffOf } from '../../domain/hand-off/of-record.ts';
import { type Disruption, type MigrationReport, migrationReport } from '../../domain/record/migration.ts';
import { standingRelease } from '../../domain/rollback/recovery.ts';
import { requesterOf } from '../../domain/approval/requester.ts';
import type { Ledger } from '../../ports/index.ts';

/** The rounds of evidence in the ledger: the pods before the migration, and the pods when they were last read. */
export const EVIDENCE_BEFORE = 'before';
export const EVIDENCE_LATEST = 'latest';
/** The round of the pods at the beginning of each settling time of an attempt, counted from 1. */
export const evidenceSettling = (settling: number): string => `settling-${settling}`;

export interface ReportOptions {
  simulated: boolean;
  /** From a caller that watched the pods throughout; the ledger does not contain it. */
  disruption?: Disruption;
}

/**
 * Returns one document about one migration, from the ledger; `undefined` if there is no record, or while it runs (again).
 */
export async function readReport(
  ledger: Pick<Ledger, 'getMigration' | 'listSteps' | 'getEvidence'>,
  migrationId: string,
  { simulated, disruption }: ReportOptions,
): Promise<MigrationReport | undefined> {
  const migration = await ledger.getMigration(migrationId);
  if (!migration?.outcome || !migration.endedAt || migration.status !== 'ended') return undefined;
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
    serviceAccount: request.serviceAccount,
    strategy: request.strategy,
    preserve: request.preserve,
    verified: migration.verified,
    startedAt: migration.startedAt,
    endedAt: migration.endedAt,
    plan: migration.plan,
    trigger: migration.trigger,
    correlation: migration.correlation,
    requester: requesterOf(migration),
    approvals: migration.approvals,
    applied: migration.attempt === undefined ? undefined : migration.plan?.attempts[migration.attempt],
    recovery: migration.recovery,
    rollback: migration.rollback,
    released: standingRelease(migration),
    warnings: migration.warnings,
    disruption,
    steps,
    associations: migration.associations,
    trustChanges: migration.trustChanges,
    annotationChange: migration.annotationChange,
    retirements: migration.retirements,
    retirement: migration.retirement,
    verification: { before, pods },
    failure: migration.failure,
    heldBy: migration.heldBy,
    restoreCommands: migration.restoreCommands,
    handOff: handOffOf(migration),
    simulated,
  });
}
