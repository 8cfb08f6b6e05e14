/**
 * Deletes the add-on's present copy, with or without preserve, as the attempt requires. Idempotency: observes first; an
 * add-on that this migration has deleted or is deleting counts as done, so that a lost reply does no harm. The copy's ARN
 * is noted before the call, so that a later absence can be attributed to this migration or to another writer. Failure:
 * an add-on that was changed, replaced or deleted outside this migration is left alone (AddonChanged, which this step
 * never throws once its own delete may have happened).
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { changedByThirdParty, classifyCopy, standingCopy } from '../../domain/addons/copies.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { AddonSnapshot } from '../../domain/record/migration.ts';
import { isAsSnapshot } from '../../domain/rollback/restore.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure } from '../../use-cases/confirmed/reads.ts';
import { addonChanged, describeState } from '../../use-cases/migration/addon-copy.ts';
import { noteAttempt, recordedAddonWork } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { deleteAddonSchema } from './schema.ts';

/**
 * Returns how the add-on differs from what this attempt may delete. Before the first attempt this migration has changed
 * nothing; later attempts find what an earlier one has left, which mostly has no role.
 */
function changed(snapshot: AddonSnapshot, now: Addon, attempt: number): string | undefined {
  if (now.status !== 'ACTIVE' && now.status !== 'DEGRADED' && now.status !== 'DELETE_FAILED')
    return `now ${describeState(now)}`;
  if (attempt === 0) return isAsSnapshot(snapshot, now) ? undefined : `now ${describeState(now)}`;
  // Each earlier attempt has ended with the planned associations, even if the pods did not get the new identity.
  const [owned, planned] = [now.podIdentityAssociations.length, ownedOf(snapshot.planned).length];
  return (
    changedByThirdParty(snapshot, now) ??
    (owned === planned ? undefined : `it has ${owned} associations, not the ${planned} that this migration gave it`)
  );
}

const run: StepRun<typeof deleteAddonSchema> = async (input, dependencies) => {
  const { migrationId, target, subject: addon, attempt } = input;
  const { ledger, clock } = dependencies;
  const { record, snapshot, currentAttempt } = await recordedAddonWork(ledger, migrationId, attempt);
  await noteAttempt(ledger, record, attempt);
  const { eks } = dependencies.portsFor(target);
  const now = await readAddonUntilSure(eks, addon, clock);
  const copy = classifyCopy(snapshot, record, now);
  if (copy === 'removed-by-us') return { deleted: false };
  if (!now) throw addonChanged(addon, 'it was deleted outside this migration');
  // This migration's delete is done, and another copy exists by now. await-deleted reports that, since something was
  // changed already.
  if (standingCopy(snapshot, record) === undefined && !record.removed.includes(now.arn)) return { deleted: false };
  if (copy !== 'snapshot' && copy !== 'made')
    throw addonChanged(addon, `it was created again outside this migration (${describeState(now)})`);
  const asked = record.removed.includes(now.arn);
  if (asked && now.status === 'DELETING') return { deleted: false };
  const why = changed(snapshot, now, attempt);
  if (why !== undefined) throw addonChanged(addon, why);
  if (!asked) await ledger.recordCopy(migrationId, 'removed', now.arn);
  await changeGuard(dependencies, input)();
  const deleted = await eks.deleteAddon(addon, { preserve: currentAttempt.preserve });
  // If EKS's 404 about an add-on that exists were believed, the workflow would wait in vain for its deletion.
  const present = deleted ? undefined : await readAddonUntilSure(eks, addon, clock);
  if (present?.arn === now.arn && present.status !== 'DELETING')
    throw new MigrationError(
      'ServiceUnavailable',
      `EKS answers that add-on ${addon} does not exist, but still describes it. The deletion is retried.`,
    );
  return { deleted };
};

export const deleteAddonStep = step(deleteAddonSchema, run);
