/**
 * Deletes the conflicting associations, and sees them gone. Called by the previous release's definition alone, for the
 * executions in flight at an upgrade: `update-addon` and `create-addon` do it themselves now.
 * Idempotency: lists first; each one is in the ledger, whole, before it is deleted (promise 3).
 * Failure: one that the snapshot does not know, or that is somebody else's, is left alone (AssociationChanged).
 */
import { MigrationError } from '../../domain/errors.ts';
import { isAsSnapshot } from '../../domain/restore.ts';
import { lookSeveralTimes } from '../../runtime/looks.ts';
import { type ConflictWork, conflicting, purgeConflicting } from '../../runtime/over-conflicts.ts';
import { addonChanged, describeState, lookAtOwnCopy } from '../../runtime/own-copy.ts';
import { recordedAddonWork } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { purgeAssociationsSchema } from './schema.ts';

const run: StepRun<typeof purgeAssociationsSchema> = async (input, dependencies) => {
  const { migrationId, target, subject: addon, rung } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedAddonWork(ledger, migrationId, rung);
  if (work.way.strategy === 'in-place') {
    // Here this is the first change of all.
    const now = await lookAtOwnCopy({ eks: dependencies.portsFor(target).eks, clock }, addon, work, 'Busy');
    if (!isAsSnapshot(work.snapshot, now)) throw addonChanged(addon, `now ${describeState(now)}`);
  }
  const conflicts: ConflictWork = { work, input, dependencies };
  const purged = await purgeConflicting(conflicts);
  const [left] = await lookSeveralTimes(
    clock,
    () => conflicting(conflicts),
    (found) => found.length > 0,
  );
  if (left) throw new MigrationError('AssociationStillThere', `Association ${left.id} is still listed.`);
  return { purged };
};

export const purgeAssociationsStep = step(purgeAssociationsSchema, run);
