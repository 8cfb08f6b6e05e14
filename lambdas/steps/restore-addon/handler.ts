/**
 * Takes one action of the way back: update, delete a copy that failed, or create; never another version. The role comes
 * back before any association goes: while there is neither, new pods have nothing.
 * Idempotency: looks again and acts only where the same decision comes out; each create and update has a token of its
 * own round, so that a repeated one is the same request to EKS.
 * Failure: whatever stops it is looked at again by assess-rollback, or left to a person.
 */
import { chosenNamespace } from '../../domain/addons/registry.ts';
import { ownTags } from '../../domain/associations/associations.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/migration/model.ts';
import {
  conflictsOfCreate,
  decideRestore,
  isReplacedByEks,
  preservesFailedCopy,
  type RestoreFacts,
  type RestoreUpdate,
  updateOf,
} from '../../domain/rollback/restore.ts';
import { accountOf, ownedBefore } from '../../domain/rollback/associations.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { recordedMigration, recordedAddonSnapshot } from '../../use-cases/migration/recorded.ts';
import {
  deleteLeftOvers,
  observeRestore,
  overFreedKeys,
  type RestoreObservation,
  type Restoring,
} from '../../use-cases/rollback/restore.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restoreAddonSchema } from './schema.ts';

interface Work extends Restoring {
  clientRequestToken: string;
}

/** What an update takes away is in the ledger before, as what is deleted one by one. */
async function noteTaken(kept: Association[] | undefined, look: RestoreObservation, work: Work): Promise<void> {
  if (kept === undefined) return;
  const named = new Set(kept.map(accountOf));
  for (const one of look.associations)
    if (one.ownerArn === look.now?.arn && !named.has(accountOf(one)))
      await work.ledger.recordAssociation(work.migrationId, 'purged', one);
}

/** EKS is said to take the role by itself; one that refuses it gets all at once. */
async function updateBy(update: RestoreUpdate, look: RestoreObservation, work: Work): Promise<void> {
  const { snapshot } = look;
  const { serviceAccountRoleArn } = snapshot.addon;
  const call = async (podIdentityAssociations: Association[] | undefined, token: string): Promise<void> => {
    await noteTaken(podIdentityAssociations, look, work);
    await work.guard();
    await overFreedKeys(look, work, () =>
      work.eks.updateAddon({
        addon: snapshot.addon.name,
        ...(podIdentityAssociations === undefined ? {} : { podIdentityAssociations }),
        resolveConflicts: 'PRESERVE',
        clientRequestToken: token,
        ...(serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn }),
      }),
    );
  };
  try {
    await call(update.podIdentityAssociations, work.clientRequestToken);
  } catch (error) {
    if (update.instead === undefined || !isMigrationError(error, 'InvalidRequest')) throw error;
    await call(update.instead, `${work.clientRequestToken}-at-once`);
  }
}

async function updateAsItWas(look: RestoreObservation, work: Work): Promise<boolean> {
  const facts = await makeWay(look, work);
  // Where left-overs were all that was wrong, nothing more is changed: an update would roll pods for nothing.
  if (decideRestore(facts).do !== 'update' || !look.now) return true;
  try {
    await updateBy(updateOf(facts, look.now), look, work);
  } catch (error) {
    // Gone since the look just before: assess-rollback finds out whether it is.
    if (isMigrationError(error, 'NotFound')) return false;
    throw error;
  }
  return true;
}

/**
 * Deletes what is left over. Where pods are looked at, only what an association of before can't be made beside: all
 * else stays until the role is back (`restore-associations`).
 */
function makeWay(look: RestoreObservation, work: Work): Promise<RestoreFacts> {
  if (isReplacedByEks(look.record)) return deleteLeftOvers(look, work);
  const before = new Set(ownedBefore(look.snapshot).map(accountOf));
  return deleteLeftOvers(look, work, (one) => before.has(accountOf(one)));
}

async function deleteFailedCopy(
  { now, record, snapshot, associations }: RestoreObservation,
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

async function createAsItWas(look: RestoreObservation, work: Work): Promise<boolean> {
  await makeWay(look, work);
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
  const look = await observeRestore({ eks, clock, record, snapshot, actions: taken });
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
