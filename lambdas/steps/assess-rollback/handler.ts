/**
 * Looks at what is there and says what the way back needs next. Changes nothing at the target.
 * Idempotency: repeatable at will; what it finds of this migration's own copies is noted.
 * Failure: what somebody else has changed is left to a person (RestoreRefused), and so is what six actions did not put
 * back (RestoreFailed).
 */
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { RestoreDecision } from '../../domain/rollback/restore.ts';
import { subjectLock } from '../../use-cases/migration/lock.ts';
import { readUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { recordedAddonSnapshot, recordedMigration } from '../../use-cases/migration/recorded.ts';
import { observeRestore, type RestoreObservation } from '../../use-cases/rollback/restore.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assessRollbackSchema, MAX_RESTORE_ACTIONS } from './schema.ts';

/**
 * A delete whose reply was lost may show the old status for so long: the Terraform provider waits with ACTIVE as a
 * pending state of a delete.
 */
const DELETE_SHOWS_AFTER_MS = 10_000;

/**
 * These need no second look: EKS is at work, the action itself looks again, or the absence was confirmed within the
 * look.
 */
const PROVISIONAL: ReadonlySet<RestoreDecision['do']> = new Set(['wait', 'update', 'delete']);
const needsNoOther = ({ now, decision }: RestoreObservation): boolean =>
  now === undefined || PROVISIONAL.has(decision.do);

const run: StepRun<typeof assessRollbackSchema> = async (
  { migrationId, target, subject: addon, fence, actions },
  { portsFor, ledger, clock },
) => {
  await ledger.assertLock(subjectLock(target, addon), migrationId, fence);
  const { eks } = portsFor(target);
  const snapshot = await recordedAddonSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  const look = (): Promise<RestoreObservation> => observeRestore({ eks, clock, record, snapshot, actions });

  let seen = await readUntilSure(clock, look, needsNoOther);
  if (seen.decision.do === 'done' && seen.now && record.removed.includes(seen.now.arn)) {
    await clock.sleep(DELETE_SHOWS_AFTER_MS);
    seen = await readUntilSure(clock, look, needsNoOther);
  }
  const copy = classifyCopy(snapshot, record, seen.now);
  if (seen.now && (copy === 'planned-shape' || copy === 'restored-shape'))
    await ledger.recordCopy(migrationId, 'made', seen.now.arn);

  const { decision } = seen;
  if (decision.do === 'wait') throw new MigrationError('RestoreInProgress', `Waiting: ${decision.why}.`);
  if (decision.do === 'refuse')
    throw new MigrationError(
      'RestoreRefused',
      `The way back stops: ${decision.why}. It was left as it is; the record's hand-off has the commands that put it back.`,
    );
  if (decision.do !== 'done' && actions >= MAX_RESTORE_ACTIONS) {
    throw new MigrationError(
      'RestoreFailed',
      `After ${actions} actions add-on ${addon} still needs one (${decision.do}; now ${seen.now?.status ?? 'gone'}). Nothing more is tried; the record's hand-off has the commands that put it back.`,
    );
  }
  return { action: decision.do };
};

export const assessRollbackStep = step(assessRollbackSchema, run);
