/**
 * Puts back what was, from the snapshot alone: the add-on with its IRSA role, then the purged associations. One action
 * an invocation; the state machine comes again until nothing is left to do.
 * Idempotency: each invocation observes first (`domain/restore.ts` decides), so a lost reply does no harm.
 * Failure: what somebody else changed meanwhile is respected (RestoreRefused): a person decides.
 */
import { MigrationError } from '../../domain/errors.ts';
import type { Addon, Association, Snapshot } from '../../domain/model.ts';
import { decideRestore, isMadeSince, ownedBefore, standAloneBefore } from '../../domain/restore.ts';
import type { Clock, Eks, Ledger } from '../../ports/index.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedPlan, recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restoreSchema } from './schema.ts';

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 3000;

interface Work {
  migrationId: string;
  cluster: string;
  preserve: boolean;
  snapshot: Snapshot;
  eks: Eks;
  ledger: Ledger;
  holdLock: () => Promise<void>;
}

const inProgress = (what: string): MigrationError => new MigrationError('RestoreInProgress', what);

/** Associations that the migration made and that outlived its add-on would take the new pods away from IRSA. */
async function purgeOwnLeftovers({ snapshot, eks, holdLock }: Work): Promise<void> {
  for (const planned of snapshot.planned) {
    for (const association of await eks.listAssociations(planned.namespace, planned.serviceAccount)) {
      if (!isMadeSince(snapshot, association)) continue;
      await holdLock();
      await eks.deleteAssociation(association.id);
    }
  }
}

async function createAsItWas(work: Work): Promise<void> {
  const { snapshot, eks, migrationId, cluster, holdLock } = work;
  await purgeOwnLeftovers(work);
  const was = snapshot.addon;
  const owned = ownedBefore(snapshot, cluster);
  await holdLock();
  await eks.createAddon({
    addon: was.name,
    version: was.version,
    tags: was.tags,
    // Over objects that the migration itself has just put there; a conflict must not keep the add-on away.
    resolveConflicts: 'OVERWRITE',
    clientRequestToken: `${migrationId}-restore-create`,
    ...(was.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: was.serviceAccountRoleArn }),
    ...(owned.length > 0 ? { podIdentityAssociations: owned } : {}),
    ...(was.configurationValues === undefined ? {} : { configurationValues: was.configurationValues }),
    ...(was.namespace === undefined ? {} : { namespace: was.namespace }),
  });
}

async function updateAsItWas({ snapshot, eks, migrationId, cluster, holdLock }: Work): Promise<void> {
  await holdLock();
  await eks.updateAddon({
    addon: snapshot.addon.name,
    podIdentityAssociations: ownedBefore(snapshot, cluster),
    resolveConflicts: 'OVERWRITE',
    clientRequestToken: `${migrationId}-restore-update`,
    ...(snapshot.addon.serviceAccountRoleArn === undefined ? {} : { serviceAccountRoleArn: snapshot.addon.serviceAccountRoleArn }),
  });
}

async function restoreAssociations({ snapshot, eks, ledger, migrationId, holdLock }: Work): Promise<void> {
  for (const was of standAloneBefore(snapshot)) {
    const there = await eks.listAssociations(was.namespace, was.serviceAccount);
    const same = there.find((one) => one.roleArn === was.roleArn);
    if (same) {
      if (same.id !== was.id) await ledger.recordAssociation(migrationId, 'restored', same);
      continue;
    }
    if (there.length > 0) throw new MigrationError('RestoreRefused', `Somebody else associated ${was.namespace}/${was.serviceAccount} with ${there[0]?.roleArn ?? ''} meanwhile; it was left alone.`);
    await holdLock();
    const made: Association = await eks.createAssociation(was, `${migrationId}-restore-${was.id}`);
    await ledger.recordAssociation(migrationId, 'restored', made);
  }
}

/** A delete whose reply was lost still shows ACTIVE for a moment: what looks untouched is looked at again. */
async function lookUntilSteady(eks: Eks, snapshot: Snapshot, clock: Clock): Promise<Addon | undefined> {
  let now = await eks.describeAddon(snapshot.addon.name);
  for (let look = 2; look <= LOOKS && decideRestore(snapshot, now).do === 'done'; look += 1) {
    await clock.sleep(BETWEEN_LOOKS_MS);
    now = await eks.describeAddon(snapshot.addon.name);
  }
  return now;
}

const run: StepRun<typeof restoreSchema> = async ({ migrationId, target, addon, fence }, { portsFor, ledger, clock }) => {
  const { eks } = portsFor(target);
  const work: Work = {
    migrationId,
    cluster: target.cluster,
    preserve: (await recordedPlan(ledger, migrationId)).preserve,
    snapshot: await recordedSnapshot(ledger, migrationId),
    eks,
    ledger,
    holdLock: () => ledger.assertLock(addonLock(target, addon), migrationId, fence),
  };
  await work.holdLock();
  const action = decideRestore(work.snapshot, await lookUntilSteady(eks, work.snapshot, clock));
  switch (action.do) {
    case 'wait':
      throw inProgress(`Waiting: ${action.why}.`);
    case 'refuse':
      throw new MigrationError('RestoreRefused', `${action.why}. It was left as it is.`);
    case 'create':
      await createAsItWas(work);
      throw inProgress(`Add-on ${addon} is being created again with its IRSA role.`);
    case 'update':
      await updateAsItWas(work);
      throw inProgress(`Add-on ${addon} is getting its IRSA role back.`);
    case 'delete':
      await eks.deleteAddon(addon, { preserve: work.preserve });
      throw inProgress(`The copy of add-on ${addon} that failed is being removed.`);
    case 'done':
      await restoreAssociations(work);
      return { restored: true };
  }
};

export const restoreStep = step(restoreSchema, run);
