/**
 * Deletes the conflicting associations and directly afterwards creates the add-on again: with the same version, raw
 * configuration values and tags, with associations and without a role. Idempotency: observes first; a copy that is noted
 * as created, or that has the planned shape, comes from an earlier call of this migration whose reply was lost. Each
 * conflicting association is stored whole in the ledger before it is deleted (promise 3). Failure: what was created
 * outside this migration is left alone (AddonChanged, AssociationChanged). "Association already exists" shortly after a
 * delete comes from EKS's eventual consistency, and the create is retried.
 */
import { chosenNamespace } from '../../domain/addons/registry.ts';
import { ownedOf, ownTags } from '../../domain/associations/associations.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { removesSoftware } from '../../domain/plan/attempts.ts';
import { assertGranted } from '../../use-cases/facts/grants.ts';
import { overConflicts } from '../../use-cases/migration/replace-conflicts.ts';
import { addonChanged, describeState, readAfterDelete } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/record/recorded.ts';
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
    throw new MigrationError(
      'Busy',
      `EKS shows add-on ${addon} as ${now.status} again after it was deleted. The creation is retried.`,
    );
  const copy = classifyCopy(snapshot, record, now);
  if (copy === 'made') return { created: false };
  if (now && copy === 'planned-shape') {
    await ledger.recordCopy(migrationId, 'made', now.arn);
    return { created: false };
  }
  if (now) throw addonChanged(addon, `it exists (${describeState(now)}), but was created outside this migration`);
  if (copy !== 'removed-by-us') throw addonChanged(addon, 'it was deleted outside this migration');

  const was = snapshot.addon;
  const namespace = chosenNamespace(was, snapshot.defaultNamespace);
  await assertGranted(work, { associations: ownedOf(snapshot.planned) }, dependencies);
  const created = await overConflicts({ work, input, dependencies }, () =>
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
      .catch((error: unknown) => explainTrust(error, record, removesSoftware(currentAttempt) ? clock : undefined)),
  );
  await ledger.recordCopy(migrationId, 'made', created);
  return { created: true };
};

export const createAddonStep = step(createAddonSchema, run);
