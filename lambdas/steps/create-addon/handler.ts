/**
 * Deletes the conflicting associations and, directly after them, creates the add-on again: the very version, raw
 * configuration values and tags it had, with associations and without a role. Idempotency: observes first; a copy that is
 * known as made, or has the planned shape, is ours, from a call whose reply was lost; each conflicting association is in
 * the ledger, whole, before it is deleted (promise 3). Failure: what somebody else has created meanwhile is left alone
 * (AddonChanged, AssociationChanged); "Association already exists" shortly after a delete is EKS being eventually
 * consistent, and tried again.
 */
import { chosenNamespace } from '../../domain/addons/registry.ts';
import { ownedOf, ownTags } from '../../domain/associations/associations.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { assertGranted } from '../../use-cases/migration/grants.ts';
import { overConflicts } from '../../use-cases/migration/replace-conflicts.ts';
import { addonChanged, describeState, readAfterDelete } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../use-cases/migration/trust.ts';
import { createAddonSchema } from './schema.ts';

const run: StepRun<typeof createAddonSchema> = async (input, dependencies) => {
  const { migrationId, target, subject: addon, attempt } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedAddonWork(ledger, migrationId, attempt);
  const { record, snapshot, currentAttempt } = work;
  const { eks } = dependencies.portsFor(target);
  const now = await readAfterDelete({ eks, clock }, addon, work);
  if (now && record.removed.includes(now.arn))
    throw new MigrationError('Busy', `EKS shows add-on ${addon} as ${now.status} again, although it was gone.`);
  const copy = classifyCopy(snapshot, record, now);
  if (copy === 'made') return { created: false };
  if (now && copy === 'planned-shape') {
    await ledger.recordCopy(migrationId, 'made', now.arn);
    return { created: false };
  }
  if (now)
    throw addonChanged(
      addon,
      `it is there (${describeState(now)}), but not as this migration creates it: somebody else did`,
    );
  if (copy !== 'removed-by-us') throw addonChanged(addon, 'somebody else has deleted it');

  const was = snapshot.addon;
  const namespace = chosenNamespace(was, snapshot.defaultNamespace);
  await assertGranted(work, { associations: ownedOf(snapshot.planned) }, dependencies);
  const made = await overConflicts({ work, input, dependencies }, () =>
    eks
      .createAddon({
        addon,
        version: was.version,
        podIdentityAssociations: ownedOf(snapshot.planned),
        tags: ownTags(was.tags),
        resolveConflicts: currentAttempt.resolveConflicts,
        clientRequestToken: `${migrationId}-create-addon-${attempt}`,
        ...(was.configurationValues === undefined ? {} : { configurationValues: was.configurationValues }),
        ...(namespace === undefined ? {} : { namespace }),
      })
      .catch((error: unknown) => explainTrust(error, record, clock)),
  );
  await ledger.recordCopy(migrationId, 'made', made);
  return { created: true };
};

export const createAddonStep = step(createAddonSchema, run);
