/**
 * Creates the add-on again: the very version, raw configuration values and tags it had, with associations and without a role.
 * Idempotency: observes first; a copy that already carries the planned associations is ours, from a call whose reply was lost.
 * Failure: "Association already exists" shortly after the purge is EKS being eventually consistent, and tried again.
 */
import { isMigrationError, MigrationError } from '../../domain/errors.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedMigration, recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { createAddonSchema } from './schema.ts';

const run: StepRun<typeof createAddonSchema> = async ({ migrationId, target, addon, fence }, { portsFor, ledger }) => {
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { request } = await recordedMigration(ledger, migrationId);
  const { eks } = portsFor(target);
  const now = await eks.describeAddon(addon);
  if (now) {
    const ours = now.arn !== snapshot.addon.arn && now.version === snapshot.addon.version && now.serviceAccountRoleArn === undefined && now.podIdentityAssociations.length === snapshot.planned.length;
    if (ours) return { created: false };
    throw new MigrationError('AddonChanged', `Add-on ${addon} is there again (${now.version}, ${now.status}, ${now.serviceAccountRoleArn ?? 'no role'}), but not as this migration creates it: somebody else did.`);
  }
  await ledger.assertLock(addonLock(target, addon), migrationId, fence);
  const was = snapshot.addon;
  try {
    await eks.createAddon({
      addon,
      version: was.version,
      podIdentityAssociations: snapshot.planned,
      tags: was.tags,
      resolveConflicts: request.resolveConflicts,
      clientRequestToken: `${migrationId}-create-addon`,
      ...(was.configurationValues === undefined ? {} : { configurationValues: was.configurationValues }),
      ...(was.namespace === undefined ? {} : { namespace: was.namespace }),
    });
  } catch (error) {
    if (isMigrationError(error, 'Busy') && /association already exists/i.test(error.message)) {
      throw new MigrationError('AssociationStillThere', error.message, { cause: error });
    }
    throw error;
  }
  return { created: true };
};

export const createAddonStep = step(createAddonSchema, run);
