/**
 * Deletes the add-on, with or without preserve.
 * Idempotency: observes first; gone or DELETING counts as done, so a lost reply does no harm.
 * Failure: an add-on that is no longer as the snapshot shows is left alone (AddonChanged).
 */
import { MigrationError } from '../../domain/errors.ts';
import { isAsSnapshot } from '../../domain/restore.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedPlan, recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { deleteAddonSchema } from './schema.ts';

const run: StepRun<typeof deleteAddonSchema> = async ({ migrationId, target, addon, fence }, { portsFor, ledger }) => {
  const { preserve } = await recordedPlan(ledger, migrationId);
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { eks } = portsFor(target);
  const now = await eks.describeAddon(addon);
  if (!now || now.status === 'DELETING') return { deleted: false };
  if (!isAsSnapshot(snapshot, now)) {
    throw new MigrationError('AddonChanged', `Somebody changed add-on ${addon} after the snapshot (now ${now.version}, ${now.status}, ${now.serviceAccountRoleArn ?? 'no role'}). It was left alone; plan again.`);
  }
  await ledger.assertLock(addonLock(target, addon), migrationId, fence);
  return { deleted: await eks.deleteAddon(addon, { preserve }) };
};

export const deleteAddonStep = step(deleteAddonSchema, run);
