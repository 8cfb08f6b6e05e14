/**
 * Reads the present state and decides what the rollback needs next. Changes nothing at the target.
 * Idempotency: can be repeated at any time; copies of this migration's own that it finds are noted in the ledger.
 * Failure: what was changed outside this migration is left to a person (RestoreRefused), and so is what six actions could
 * not restore (RestoreFailed).
 */
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { RestoreDecision } from '../../domain/rollback/restore.ts';
import { subjectLock } from '../../use-cases/record/lock.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { recordedAddonSnapshot, recordedMigration } from '../../use-cases/record/recorded.ts';
import { observeRestore, type RestoreObservation } from '../../use-cases/rollback/restore.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assessRollbackSchema, MAX_RESTORE_ACTIONS } from './schema.ts';

/**
 * EKS may show the old status for this long after a delete whose reply was lost: the Terraform provider lists ACTIVE as
 * a pending state of a delete.
 */
const DELETE_SHOWS_AFTER_MS = 10_000;

/**
 * These decisions need no second read: EKS is at work, the action itself reads again, or the absence was confirmed
 * within the read.
 */
const PROVISIONAL: ReadonlySet<RestoreDecision['do']> = new Set(['wait', 'update', 'delete']);
const isSure = ({ now, decision }: RestoreObservation): boolean => now === undefined || PROVISIONAL.has(decision.do);

const run: StepRun<typeof assessRollbackSchema> = async (
  { migrationId, target, subject: addon, fence, actions },
  { portsFor, ledger, clock },
) => {
  await ledger.assertLock(subjectLock(target, addon), migrationId, fence);
  const { eks } = portsFor(target);
  const snapshot = await recordedAddonSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  const observe = (): Promise<RestoreObservation> => observeRestore({ eks, clock, record, snapshot, actions });
  let seen = await readUntilSure(clock, observe, isSure);
  if (seen.decision.do === 'done' && seen.now && record.removed.includes(seen.now.arn)) {
    await clock.sleep(DELETE_SHOWS_AFTER_MS);
    seen = await readUntilSure(clock, observe, isSure);
  }
  const copy = classifyCopy(snapshot, record, seen.now);
  if (seen.now && (copy === 'planned-shape' || copy === 'restored-shape'))
    await ledger.recordCopy(migrationId, 'made', seen.now.arn);

  const { decision } = seen;
  if (decision.do === 'wait') throw new MigrationError('RestoreInProgress', `Waiting: ${decision.why}.`);
  if (decision.do === 'refuse')
    throw new MigrationError(
      'RestoreRefused',
      `The rollback of add-on ${addon} stopped: ${decision.why}. The add-on was left as it is; run the record's restore commands to restore it.`,
    );
  if (decision.do !== 'done' && actions >= MAX_RESTORE_ACTIONS) {
    throw new MigrationError(
      'RestoreFailed',
      `After ${actions} actions add-on ${addon} still needs another (${decision.do}; its status is ${seen.now?.status ?? 'gone'}). The rollback has stopped; run the record's restore commands to restore the add-on.`,
    );
  }
  return { action: decision.do };
};

export const assessRollbackStep = step(assessRollbackSchema, run);
