/**
 * Takes one action of the rollback: updates the add-on, deletes a failed copy, or creates the add-on; never in another
 * version. The role is restored before any association is deleted: without both, new pods have no identity.
 * Idempotency: reads again and acts only if the same decision results; each create and update has a token of its own
 * round, so that a repeated call is the same request to EKS.
 * Failure: if EKS would delete associations and IRSA no longer works, nothing is changed (IrsaNotWorking). Otherwise
 * assess-rollback evaluates the state again after any error, or leaves it to a person.
 */
import { accountOf } from '../../domain/terms/subject.ts';
import { chosenNamespace } from '../../domain/addons/registry.ts';
import { ownTags, standaloneOf } from '../../domain/associations/associations.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { isMigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import { ownAssociations } from '../../domain/migration/service-account.ts';
import {
  conflictsOfCreate,
  decideRestore,
  isReplacedByEks,
  preservesFailedCopy,
  type RestoreFacts,
  type RestoreUpdate,
  updateOf,
} from '../../domain/rollback/restore.ts';
import { ownedBefore, toRemove } from '../../domain/rollback/associations.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { recordedMigration, recordedAddonSnapshot } from '../../use-cases/record/recorded.ts';
import { assertIrsaWorks } from '../../use-cases/rollback/irsa.ts';
import {
  deleteLeftOvers,
  deleteNoted,
  observeRestore,
  overFreedKeys,
  type RestoreObservation,
  type Restoring,
} from '../../use-cases/rollback/restore.ts';
import { explainVersion } from '../../use-cases/rollback/refused-version.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restoreAddonSchema } from './schema.ts';

interface Work extends Restoring {
  clientRequestToken: string;
  /**
   * The migration's standalone associations, if EKS replaces the pods. They are deleted before it does: new pods would use
   * them, and nothing replaces these again.
   */
  standalone: Association[];
  /** Throws IrsaNotWorking if the pods of associations that EKS is about to delete could not use IRSA. */
  assertIrsa: () => Promise<void>;
}

/** Stores in the ledger the associations that an update will remove, just like those that are deleted one by one. */
async function noteRemoved(kept: Association[] | undefined, seen: RestoreObservation, work: Work): Promise<void> {
  if (kept === undefined) return;
  const named = new Set(kept.map(accountOf));
  for (const one of seen.associations)
    if (one.ownerArn === seen.now?.arn && !named.has(accountOf(one)))
      await work.ledger.recordAssociation(work.migrationId, 'purged', one);
}

/** Assumes that EKS accepts the role alone; if it refuses that, sends the role and the associations in one update. */
async function updateBy(update: RestoreUpdate, seen: RestoreObservation, work: Work): Promise<void> {
  const { snapshot } = seen;
  const { serviceAccountRoleArn } = snapshot.addon;
  const call = async (podIdentityAssociations: Association[] | undefined, token: string): Promise<void> => {
    await noteRemoved(podIdentityAssociations, seen, work);
    if (podIdentityAssociations !== undefined) await deleteNoted(work.standalone, work);
    await work.guard();
    await overFreedKeys(seen, work, () =>
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
    await work.assertIrsa();
    await call(update.instead, `${work.clientRequestToken}-at-once`);
  }
}

async function updateAsItWas(seen: RestoreObservation, work: Work): Promise<boolean> {
  if (isReplacedByEks(seen.record)) await work.assertIrsa();
  const facts = await clearConflicts(seen, work);
  // If left-over associations were the only problem, nothing more is changed: an update would roll pods for nothing.
  if (decideRestore(facts).do !== 'update' || !seen.now) return true;
  // The update replaces pods: while the webhook does not know their association yet, new ones use IRSA.
  await work.assertIrsa();
  try {
    await updateBy(updateOf(facts, seen.now), seen, work);
  } catch (error) {
    // The add-on is gone since the read just before: assess-rollback confirms whether it is.
    if (isMigrationError(error, 'NotFound')) return false;
    throw error;
  }
  return true;
}

/**
 * Deletes left-over associations. If pods are verified, deletes only those that conflict with a former association: all
 * others stay until the role is restored (`restore-associations`).
 */
function clearConflicts(seen: RestoreObservation, work: Work): Promise<RestoreFacts> {
  if (isReplacedByEks(seen.record)) return deleteLeftOvers(seen, work);
  const before = new Set(ownedBefore(seen.snapshot).map(accountOf));
  return deleteLeftOvers(seen, work, (one) => before.has(accountOf(one)));
}

async function deleteFailedCopy(
  { now, record, snapshot, associations }: RestoreObservation,
  { migrationId, eks, ledger, guard }: Work,
): Promise<boolean> {
  if (!now) return false;
  // With preserve, the associations outlive the copy, and EKS may clear their owner: from then on, only the record shows
  // that they belong to this migration.
  const known = new Set(snapshot.associations.map((one) => one.id));
  for (const one of associations)
    if (one.ownerArn === now.arn && !known.has(one.id)) await ledger.recordAssociation(migrationId, 'created', one);
  await ledger.recordCopy(migrationId, 'removed', now.arn);
  await guard();
  return eks.deleteAddon(now.name, { preserve: preservesFailedCopy(record) });
}

/** Returns the standalone associations that can be deleted: without IRSA, pods have nothing else. */
async function removable({ standalone, assertIrsa }: Work): Promise<Association[]> {
  if (standalone.length === 0) return [];
  try {
    await assertIrsa();
    return standalone;
  } catch (error) {
    if (isMigrationError(error, 'IrsaNotWorking')) return [];
    throw error;
  }
}

async function createAsItWas(seen: RestoreObservation, work: Work): Promise<boolean> {
  await clearConflicts(seen, work);
  await deleteNoted(await removable(work), work);
  const was = seen.snapshot.addon;
  const namespace = chosenNamespace(was, seen.snapshot.defaultNamespace);
  const owned = ownedBefore(seen.snapshot);
  await work.guard();
  const arn = await overFreedKeys(seen, work, () =>
    work.eks
      .createAddon({
        addon: was.name,
        version: was.version,
        tags: ownTags(was.tags),
        resolveConflicts: conflictsOfCreate(seen.record),
        clientRequestToken: work.clientRequestToken,
        ...(was.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: was.serviceAccountRoleArn }),
        ...(owned.length > 0 ? { podIdentityAssociations: owned } : {}),
        ...(was.configurationValues === undefined ? {} : { configurationValues: was.configurationValues }),
        ...(namespace === undefined ? {} : { namespace }),
      })
      .catch((error: unknown) => explainVersion(error, was)),
  );
  await work.ledger.recordCopy(work.migrationId, 'made', arn);
  return true;
}

const actions = { update: updateAsItWas, delete: deleteFailedCopy, create: createAsItWas };

const run: StepRun<typeof restoreAddonSchema> = async (input, dependencies) => {
  const { migrationId, target, fence, action, actions: taken } = input;
  const { ledger, clock, portsFor } = dependencies;
  const { eks, roles } = portsFor(target);
  const guard = changeGuard(dependencies, input);
  const snapshot = await recordedAddonSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  const seen = await observeRestore({ eks, clock, record, snapshot, actions: taken });
  const copy = classifyCopy(snapshot, record, seen.now);
  // The copy comes from a create of this migration whose reply was lost.
  if (seen.now && (copy === 'planned-shape' || copy === 'restored-shape'))
    await ledger.recordCopy(migrationId, 'made', seen.now.arn);
  if (seen.decision.do !== action) return { done: false };
  const standalone = isReplacedByEks(record)
    ? ownAssociations(record, snapshot, await listPlannedAssociations(eks, standaloneOf(snapshot.planned)))
    : [];
  return {
    done: await actions[action](seen, {
      migrationId,
      target,
      eks,
      ledger,
      guard,
      standalone,
      assertIrsa: () =>
        assertIrsaWorks([...toRemove(snapshot, record, seen.now, seen.associations), ...standalone], {
          record,
          snapshot,
          eks,
          roles,
          ledger,
          clock,
        }),
      clientRequestToken: `${migrationId}-${fence}-restore-${action}-${taken}`,
    }),
  };
};

export const restoreAddonStep = step(restoreAddonSchema, run);
