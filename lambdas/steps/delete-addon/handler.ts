/**
 * Deletes the add-on's copy that stands, with or without preserve, as the way says. Idempotency: observes first; gone
 * or DELETING by this migration counts as done, so a lost reply does no harm. The copy's ARN is noted before the call:
 * an add-on that is absent later was removed by this migration, or by somebody else. Failure: an add-on that somebody
 * else has changed, replaced or deleted is left alone (AddonChanged, which this step never throws once its own delete
 * may have been done).
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { changedByThirdParty, classifyCopy, standingCopy } from '../../domain/addons/copies.ts';
import type { Addon, AddonSnapshot } from '../../domain/migration/model.ts';
import { isAsSnapshot } from '../../domain/rollback/restore.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { addonChanged, describeState } from '../../use-cases/migration/addon-copy.ts';
import { noteAttempt, recordedAddonWork } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { deleteAddonSchema } from './schema.ts';

/**
 * On the first way nothing of ours has touched it; later ways find what an earlier one has left: without its role,
 * mostly.
 */
function changed(snapshot: AddonSnapshot, now: Addon, attempt: number): string | undefined {
  if (now.status !== 'ACTIVE' && now.status !== 'DEGRADED' && now.status !== 'DELETE_FAILED')
    return `now ${describeState(now)}`;
  if (attempt === 0) return isAsSnapshot(snapshot, now) ? undefined : `now ${describeState(now)}`;
  // Each way before this one has ended with the planned associations, whatever the pods made of them.
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
  if (!now) throw addonChanged(addon, 'somebody else has deleted it');
  // Its own delete is done, and another copy is there by now: that is await-deleted's to tell, since something is
  // changed.
  if (standingCopy(snapshot, record) === undefined && !record.removed.includes(now.arn)) return { deleted: false };
  if (copy !== 'snapshot' && copy !== 'made')
    throw addonChanged(addon, `somebody else has created it again (${describeState(now)})`);
  const asked = record.removed.includes(now.arn);
  if (asked && now.status === 'DELETING') return { deleted: false };
  const why = changed(snapshot, now, attempt);
  if (why !== undefined) throw addonChanged(addon, why);
  if (!asked) await ledger.recordCopy(migrationId, 'removed', now.arn);
  await changeGuard(dependencies, input)();
  const deleted = await eks.deleteAddon(addon, { preserve: currentAttempt.preserve });
  // Taken at its word, a 404 about an add-on that stands would have its end waited for, in vain.
  const stands = deleted ? undefined : await readAddonUntilSure(eks, addon, clock);
  if (stands?.arn === now.arn && stands.status !== 'DELETING')
    throw new MigrationError(
      'ServiceUnavailable',
      `EKS answers that there is no add-on ${addon} to delete, and describes it all the same. The deletion is tried again.`,
    );
  return { deleted };
};

export const deleteAddonStep = step(deleteAddonSchema, run);
