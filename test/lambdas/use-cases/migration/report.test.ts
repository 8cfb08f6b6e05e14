import { describe, expect, it } from 'vitest';
import { handOffOf } from '../../../../lambdas/domain/hand-off/of-record.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST, readReport } from '../../../../lambdas/use-cases/migration/report.ts';
import { ASSOCIATE } from '../../../../lambdas/domain/plan/attempts.ts';
import { accountMigration, aState, REF } from '../../account-fixtures.ts';
import { newFakes } from '../../fakes.ts';
import { ROLE, target } from '../../example.ts';
import { at, MIGRATION_ID, OTHER_MIGRATION_ID, RECOVERY_EXECUTION, endedAs } from '../../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement } from '../../trust-examples.ts';
import { anAssociation } from '../../eks-fixtures.ts';
import { aMigration, anEvidence, aRequest, IN_PLACE } from '../../fixtures.ts';

const READY = { ...endedAs('migrated', 300), verified: 'ready' as const };
const ledgerWith = async (record: Partial<Migration>) => {
  const { ledger } = newFakes();
  await ledger.putMigration(aMigration(record));
  return ledger;
};
const reportOf = async (record: Partial<Migration>) =>
  readReport(await ledgerWith(record), MIGRATION_ID, { simulated: true });

describe('readReport', () => {
  it('names the service account that migrated, and no add-on', async () => {
    const { ledger } = newFakes();
    await ledger.putMigration(accountMigration());
    await ledger.updateMigration(MIGRATION_ID, { ...READY, attempt: 0 });
    const report = await readReport(ledger, MIGRATION_ID, { simulated: false });
    expect(report).toMatchObject({ serviceAccount: REF, plan: { serviceAccount: aState() }, applied: ASSOCIATE });
    expect(report?.addon).toBeUndefined();
  });

  it('is one document from what the ledger has', async () => {
    const ledger = await ledgerWith({ request: aRequest({ preserve: true }) });
    await ledger.recordAssociation(MIGRATION_ID, 'purged', anAssociation());
    await ledger.recordStep(MIGRATION_ID, { name: 'plan', startedAt: at(0), endedAt: at(1), result: '{}' });
    await ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
    await ledger.putEvidence(MIGRATION_ID, EVIDENCE_LATEST, [anEvidence()], at(0));
    await ledger.updateMigration(MIGRATION_ID, READY);
    expect(await readReport(ledger, MIGRATION_ID, { simulated: true })).toEqual({
      migrationId: MIGRATION_ID,
      outcome: 'migrated',
      target,
      addon: 'aws-ebs-csi-driver',
      strategy: 'auto',
      preserve: true,
      verified: 'ready',
      startedAt: at(0),
      endedAt: at(300),
      plan: aMigration({ request: aRequest({ preserve: true }) }).plan,
      trigger: undefined,
      approvals: [],
      applied: undefined,
      recovery: undefined,
      warnings: [],
      disruption: undefined,
      steps: [{ name: 'plan', startedAt: at(0), endedAt: at(1), tries: 1, result: '{}' }],
      associations: { purged: [anAssociation()], created: [], restored: [] },
      trustChanges: [],
      retirements: [],
      verification: { before: [anEvidence({ identity: 'irsa' })], pods: [anEvidence()] },
      failure: undefined,
      restoreCommands: [],
      handOff: handOffOf(aMigration({ status: 'ended', outcome: 'migrated' })),
      simulated: true,
    });
  });

  it('carries the failure and what a person has to do', async () => {
    const failure = { name: 'RestoreRefused', message: 'it was' };
    const ledger = await ledgerWith({
      ...endedAs('needs-human', 9),
      failure,
      restoreCommands: ['aws x'],
      plan: undefined,
    });
    const report = await readReport(ledger, MIGRATION_ID, { simulated: false });
    expect(report).toMatchObject({
      outcome: 'needs-human',
      verified: 'none',
      failure,
      restoreCommands: ['aws x'],
      simulated: false,
      steps: [],
      verification: { before: [], pods: [] },
    });
    expect(report?.plan).toBeUndefined();
  });

  it('says which way was taken, who took it over, what is worth knowing, and what it did to the pods', async () => {
    const recovery = { startedAt: at(100), executionArn: RECOVERY_EXECUTION, cause: 'stranded' as const };
    const warnings = [{ id: 'irsa-role-still-set', status: 'warn' as const, message: 'still set' }];
    const ledger = await ledgerWith({ ...endedAs('migrated', 300), attempt: 0, recovery, warnings });
    const disruption = { controllerUnavailableSeconds: 0, minReadyPods: 1, simulated: true };
    expect(await readReport(ledger, MIGRATION_ID, { simulated: true, disruption })).toMatchObject({
      applied: IN_PLACE,
      recovery,
      warnings,
      disruption,
    });
  });

  it('says what became of trust policies', async () => {
    const ledger = await ledgerWith(endedAs('rolled-back', 300));
    const change = { roleArn: ROLE, before: bothWays, after: bothWays, notedAt: at(1) };
    const repair = { ...change, statement: podIdentityStatement, undoneAt: at(200) };
    const retirement = { ...change, removed: [{ statement: irsaStatement }], requestedBy: 'jo' };
    await ledger.recordTrustChange(MIGRATION_ID, repair);
    await ledger.recordRetirement(MIGRATION_ID, retirement);
    expect(await readReport(ledger, MIGRATION_ID, { simulated: true })).toMatchObject({
      trustChanges: [repair],
      retirements: [retirement],
    });
  });

  it('says who has let the locks of this end go', async () => {
    const end = endedAs('needs-human', 9);
    const released = { at: at(10), by: 'me', reason: 'it is gone for good' };
    expect(await reportOf({ ...end, released })).toMatchObject({ released });
    expect((await reportOf({ ...end, released: { ...released, at: at(8) } }))?.released).toBeUndefined();
  });

  it('is not there while a recovery works on it', async () =>
    expect(await reportOf({ status: 'running', outcome: 'needs-human', endedAt: at(9) })).toBeUndefined());

  it('is not there without a record, or before the end', async () => {
    const ledger = await ledgerWith({});
    expect(await readReport(ledger, MIGRATION_ID, { simulated: true })).toBeUndefined();
    expect(await readReport(ledger, OTHER_MIGRATION_ID, { simulated: true })).toBeUndefined();
  });
});
