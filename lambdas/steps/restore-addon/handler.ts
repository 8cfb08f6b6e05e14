/**
 * Takes one action of the way back: update, delete a copy that failed, or create; never another version.
 * Idempotency: looks again and acts only where the same decision comes out; each create and update has a token of its
 * own round, so that a repeated one is the same request to EKS.
 * Failure: whatever stops it is looked at again by assess-rollback, or left to a person.
 */
import { chosenNamespace } from '../../domain/addons.ts';
import { ownTags } from '../../domain/associations.ts';
import { classifyCopy } from '../../domain/copies.ts';
import { isMigrationError } from '../../domain/errors.ts';
import { conflictsOfCreate, decideRestore, preservesFailedCopy } from '../../domain/restore.ts';
import { ownedBefore } from '../../domain/restore-associations.ts';
import { changeGuard } from '../../runtime/guard.ts';
import { recordedMigration, recordedAddonSnapshot } from '../../runtime/recorded.ts';
import {
  deleteLeftOvers,
  lookAtRestore,
  overFreedKeys,
  type RestoreLook,
  type Restoring,
} from '../../runtime/restoring.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restoreAddonSchema } from './schema.ts';

interface Work extends Restoring {
  clientRequestToken: string;
}

async function updateAsItWas(look: RestoreLook, work: Work): Promise<boolean> {
  const { snapshot } = look;
  // Where left-overs were all that was wrong, nothing more is changed: an update would roll pods for nothing.
  if (decideRestore(await deleteLeftOvers(look, work)).do !== 'update') return true;
  await work.guard();
  try {
    await overFreedKeys(look, work, () =>
      work.eks.updateAddon({
        addon: snapshot.addon.name,
        podIdentityAssociations: ownedBefore(snapshot),
        resolveConflicts: 'PRESERVE',
        clientRequestToken: work.clientRequestToken,
        ...(snapshot.addon.serviceAccountRoleArn === undefined
          ? {}
          : { serviceAccountRoleArn: snapshot.addon.serviceAccountRoleArn }),
      }),
    );
  } catch (error) {
    // Gone since the look just before: assess-rollback finds out whether it is.
    if (isMigrationError(error, 'NotFound')) return false;
    throw error;
  }
  return true;
}

async function deleteFailedCopy(
  { now, record, snapshot, associations }: RestoreLook,
  { migrationId, eks, ledger, guard }: Work,
): Promise<boolean> {
  if (!now) return false;
  // With preserve they outlive the copy, and EKS may clear their owner: from then on only the record knows whose they
  // are.
  const known = new Set(snapshot.associations.map((one) => one.id));
  for (const one of associations)
    if (one.ownerArn === now.arn && !known.has(one.id)) await ledger.recordAssociation(migrationId, 'created', one);
  await ledger.recordCopy(migrationId, 'removed', now.arn);
  await guard();
  return eks.deleteAddon(now.name, { preserve: preservesFailedCopy(record) });
}

async function createAsItWas(look: RestoreLook, work: Work): Promise<boolean> {
  await deleteLeftOvers(look, work);
  const was = look.snapshot.addon;
  const namespace = chosenNamespace(was, look.snapshot.defaultNamespace);
  const owned = ownedBefore(look.snapshot);
  await work.guard();
  const arn = await overFreedKeys(look, work, () =>
    work.eks.createAddon({
      addon: was.name,
      version: was.version,
      tags: ownTags(was.tags),
      resolveConflicts: conflictsOfCreate(look.record),
      clientRequestToken: work.clientRequestToken,
      ...(was.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: was.serviceAccountRoleArn }),
      ...(owned.length > 0 ? { podIdentityAssociations: owned } : {}),
      ...(was.configurationValues === undefined ? {} : { configurationValues: was.configurationValues }),
      ...(namespace === undefined ? {} : { namespace }),
    }),
  );
  await work.ledger.recordCopy(work.migrationId, 'made', arn);
  return true;
}

const actions = { update: updateAsItWas, delete: deleteFailedCopy, create: createAsItWas };

const run: StepRun<typeof restoreAddonSchema> = async (input, dependencies) => {
  const { migrationId, target, fence, action, actions: taken } = input;
  const { ledger, clock, portsFor } = dependencies;
  const { eks } = portsFor(target);
  const guard = changeGuard(dependencies, input);
  const snapshot = await recordedAddonSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  const look = await lookAtRestore({ eks, clock, record, snapshot, actions: taken });
  const copy = classifyCopy(snapshot, record, look.now);
  // A create of this migration whose reply was lost.
  if (look.now && (copy === 'planned-shape' || copy === 'restored-shape'))
    await ledger.recordCopy(migrationId, 'made', look.now.arn);
  if (look.decision.do !== action) return { done: false };
  return {
    done: await actions[action](look, {
      migrationId,
      target,
      eks,
      ledger,
      guard,
      clientRequestToken: `${migrationId}-${fence}-restore-${action}-${taken}`,
    }),
  };
};

export const restoreAddonStep = step(restoreAddonSchema, run);
