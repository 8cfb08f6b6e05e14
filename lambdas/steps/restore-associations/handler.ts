/**
 * Deletes the migration's own associations once the role is restored and the service accounts are annotated with it: those
 * of the add-on, which EKS deletes one by one without rolling pods, and standalone ones; for a service account that
 * belongs to no add-on, its association. Restores what the add-on's API can't: purged standalone associations, whole, and
 * the fields of the add-on's own associations that its form can't express.
 * Idempotency: compares field by field first, so that a repeated call finds its own work.
 * Failure: an association that was created outside this migration is left alone, and a person decides (RestoreRefused).
 */
import { accountOf } from '../../domain/terms/subject.ts';
import { ownedOf, ownTags, standaloneOf } from '../../domain/associations/associations.ts';
import { isTaken } from '../../domain/rollback/decisions.ts';
import {
  ERROR_CLASSES,
  isAssociationConflict,
  isMigrationError,
  MigrationError,
} from '../../domain/failures/errors.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import { type AddonSnapshot, isOfAddon, type Migration } from '../../domain/record/migration.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { usedNoAssociation } from '../../domain/rollback/former-pods.ts';
import { isReplacedByEks } from '../../domain/rollback/restore.ts';
import {
  isSameAssociation,
  leftOvers,
  createdByThirdParty,
  missingFields,
  ownedBefore,
  standAloneBefore,
  toRemove,
} from '../../domain/rollback/associations.ts';
import type { Clock, Eks, Kubernetes, Ledger, Roles } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure, readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { EVIDENCE_BEFORE } from '../../use-cases/migration/report.ts';
import { returnOwn } from '../../use-cases/rollback/return-associations.ts';
import { assertIrsaWorks } from '../../use-cases/rollback/irsa.ts';
import { deleteNoted } from '../../use-cases/rollback/restore.ts';
import { deleteOwnAssociations, restoreOfAccount } from '../../use-cases/rollback/restore-service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assertAnnotated, assertInTime, newestPodOf } from '../../use-cases/rollback/remove-associations.ts';
import { restoreAssociationsSchema } from './schema.ts';

interface Work {
  migrationId: string;
  /** The prefix of every client request token in this execution's rollback. */
  token: string;
  snapshot: AddonSnapshot;
  record: Migration;
  now: Addon | undefined;
  eks: Eks;
  kubernetes: Kubernetes;
  roles: Roles;
  ledger: Ledger;
  clock: Clock;
  guard: () => Promise<void>;
}

const refused = (other: Association): MigrationError =>
  new MigrationError(
    'RestoreRefused',
    `${accountOf(other)} was associated with ${other.roleArn} outside this migration (${other.id}), so its former association was not restored. The present one was left alone; the record's restore commands show the former one.`,
  );

/** Returns the former association or its replacement. Throws if the service account has another one. */
function formerOrReplacement(
  was: Association,
  there: Association[],
  { snapshot, record, now }: Work,
): Association | undefined {
  const kept =
    there.find((one) => one.id === was.id) ??
    there.find((one) => one.ownerArn === undefined && isSameAssociation(was, one));
  const [other] = there;
  if (kept || !other) return kept;
  if (
    other.ownerArn !== undefined &&
    (other.ownerArn === now?.arn || leftOvers(snapshot, record, now, [other]).length > 0)
  ) {
    throw new MigrationError(
      'AssociationStillThere',
      `Association ${other.id} of this migration for ${accountOf(other)} is still listed after its deletion.`,
    );
  }
  throw refused(other);
}

async function restoreStandAlone(was: Association, work: Work): Promise<string> {
  const { eks, ledger, migrationId, guard, token } = work;
  const list = async (): Promise<Association | undefined> =>
    formerOrReplacement(was, await eks.listAssociations(was.namespace, was.serviceAccount), work);
  const restored = async (one: Association): Promise<string> => {
    if (one.id !== was.id) await ledger.recordAssociation(migrationId, 'restored', one);
    return one.id;
  };
  const there = await list();
  if (there) return restored(there);
  await guard();
  try {
    return await restored(
      await eks.createAssociation({ ...was, tags: ownTags(was.tags) }, `${token}-association-${was.id}`),
    );
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    const found = await list();
    if (found) return restored(found);
    // The key of a deleted association becomes free some seconds later (aws-controllers-k8s/community#2684).
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
}

async function restoreFields(was: Association, { eks, clock, now, guard, token }: Work): Promise<string> {
  const find = async (): Promise<Association | undefined> =>
    (await eks.listAssociations(was.namespace, was.serviceAccount)).find((one) => one.ownerArn === now?.arn);
  const owned = await readUntilSure(clock, find, (one) => one !== undefined);
  if (!owned)
    throw new MigrationError(
      'RestoreRefused',
      `EKS restored the add-on without the association that it owned for ${accountOf(was)} (role ${was.roleArn}), although the request contained it. Create that association by the record's restore commands.`,
    );
  const { change, tags } = missingFields(was, owned);
  if (change) {
    await guard();
    await eks.updateAssociation(owned.id, change, `${token}-fields-${was.id}`);
  }
  if (tags) {
    await guard();
    await eks.tagResource(owned.arn, tags);
  }
  return owned.id;
}

/** Throws if the add-on's role is not restored: without it, new pods that lose their association would have no role. */
function assertRoleIsBack({ addon: was }: AddonSnapshot, now: Addon | undefined): void {
  if (now?.serviceAccountRoleArn === was.serviceAccountRoleArn) return;
  throw new MigrationError(
    'RestoreRefused',
    `The rollback stopped: add-on ${was.name} has ${now?.serviceAccountRoleArn ?? 'no role'}, not ${was.serviceAccountRoleArn ?? 'none'}. The associations of this migration were left as they are, since pods would have no role without them; run the record's restore commands to restore everything.`,
  );
}

/** Throws if deleting these associations would leave pods without a role, or without credentials for too long. */
async function assertRemovable(accounts: readonly Association[], work: Work): Promise<void> {
  assertRoleIsBack(work.snapshot, work.now);
  await assertIrsaWorks(accounts, work);
  if (isReplacedByEks(work.record)) return;
  await assertAnnotated(accounts, work);
  // A service account that soon has another association uses EKS Pod Identity as before.
  const purged = new Set(work.record.associations.purged.map((one) => one.id));
  const again = new Set(
    work.snapshot.associations.filter((one) => one.ownerArn !== undefined || purged.has(one.id)).map(accountOf),
  );
  await assertInTime(
    accounts.filter((one) => !again.has(accountOf(one))),
    work,
  );
}

/** Deletes the associations that the migration gave to the add-on and its copies, and returns those that are gone. */
async function removeAssociations(work: Work): Promise<Association[]> {
  const { snapshot, record, now, eks, clock } = work;
  const isOurs = now !== undefined && classifyCopy(snapshot, record, now) !== 'foreign';
  const list = async (): Promise<Association[]> =>
    toRemove(snapshot, record, now, await listPlannedAssociations(eks, ownedOf(snapshot.planned))).filter(
      (one) => isOurs || one.ownerArn !== now?.arn,
    );
  const there = isReplacedByEks(record) ? [] : await list();
  if (there.length > 0) await assertRemovable(there, work);
  // The associations of a deleted add-on are gone with it: the end must not claim that the former state works.
  else if (record.removed.length > 0 && now) await assertIrsaWorks(ownedOf(snapshot.planned), work);
  await deleteNoted(there, work);
  const [left] = there.length === 0 ? [] : await readUntilSure(clock, list, (found) => found.length === 0);
  if (left)
    throw new MigrationError(
      'AssociationStillThere',
      `Association ${left.id} of this migration is still listed after its deletion.`,
    );
  // Another call of this rollback, or an earlier rollback, has deleted the others.
  const before = new Set([...snapshot.associations, ...there].map((one) => one.id));
  return [...there, ...record.associations.purged.filter((one) => !before.has(one.id))];
}

const NO_POD_AT = new Date(0).toISOString();

/** Returns whether the webhook has to forget an association, and the newest pod, by which a later check recognises that. */
async function webhookOf(
  removed: readonly Association[],
  { record, kubernetes }: Pick<Work, 'record' | 'kubernetes'>,
): Promise<{ awaitsWebhook: boolean; newestPodAt?: string }> {
  if (removed.length === 0) return { awaitsWebhook: false };
  // If no pod runs, each pod that starts from now on is newer than the association.
  const newestPodAt = isReplacedByEks(record) ? undefined : ((await newestPodOf(removed, kubernetes)) ?? NO_POD_AT);
  return { awaitsWebhook: true, ...(newestPodAt === undefined ? {} : { newestPodAt }) };
}

/** Returns whether no pod of an association's service account used an association before the migration. */
async function accountsOnIrsa({ record, snapshot, ledger }: Work): Promise<(one: Association) => boolean> {
  const before = await ledger.getEvidence(record.migrationId, EVIDENCE_BEFORE);
  return ({ namespace, serviceAccount }) => {
    const had = before.filter((pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount);
    return usedNoAssociation(had, snapshot, record.request);
  };
}

/**
 * Returns the service accounts whose purged association is restored only after their pods use IRSA again: with it, new
 * pods would use EKS Pod Identity, through an association that none of the former pods has used.
 */
async function deferredOf(removed: readonly Association[], work: Work): Promise<string[]> {
  const { record, snapshot, eks } = work;
  if (isReplacedByEks(record)) return [];
  const hadIrsa = await accountsOnIrsa(work);
  const deferred: string[] = [];
  for (const one of record.associations.purged) {
    const account = accountOf(one);
    if (
      snapshot.associations.some(({ id }) => id === one.id) &&
      removed.some((other) => accountOf(other) === account) &&
      hadIrsa(one) &&
      (await eks.listAssociations(one.namespace, one.serviceAccount)).length === 0
    )
      deferred.push(account);
  }
  return deferred;
}

/** Restores the former associations, except for what the add-on's own form restores. */
async function restoreFormer(work: Work, cluster: string, deferred: readonly string[] = []): Promise<string[]> {
  const { snapshot, record } = work;
  const purged = new Set(record.associations.purged.map((one) => one.id));
  const restored: string[] = [];
  for (const was of ownedBefore(snapshot)) restored.push(await restoreFields(was, work));
  for (const was of standAloneBefore(snapshot, cluster)) {
    // An association that this migration has not deleted either exists or was deleted outside this migration.
    const isDue = purged.has(was.id) && !deferred.includes(accountOf(was));
    if (isDue) restored.push(await restoreStandAlone(was, work));
  }
  return restored;
}

/** Returns whether the error can wait: a later step of the rollback tries again, and reports what stops it then. */
const canWait = (error: unknown): boolean =>
  isMigrationError(error) && (error.name === 'AssociationStillThere' || ERROR_CLASSES[error.name] === 'terminal');

/**
 * Restores purged associations before anything else: pods that used them have no other source of credentials once their
 * sessions end. If another association exists for the service account by now, it is this migration's and is deleted
 * later, or it was created outside this migration. While the add-on is gone, associations of pods that had IRSA wait until
 * it is restored: the pods that come with it would use EKS Pod Identity instead.
 */
async function restorePurged(work: Work, cluster: string): Promise<string[]> {
  const { snapshot, record, now, eks } = work;
  const purged = new Set(record.associations.purged.map((one) => one.id));
  const hadIrsa = now === undefined ? await accountsOnIrsa(work) : () => false;
  const restored: string[] = [];
  for (const was of standAloneBefore(snapshot, cluster).filter((one) => purged.has(one.id) && !hadIrsa(one))) {
    const [there] = await eks.listAssociations(was.namespace, was.serviceAccount);
    if (there) continue;
    try {
      restored.push(await restoreStandAlone(was, work));
    } catch (error) {
      if (!canWait(error)) throw error;
    }
  }
  return restored;
}

const run: StepRun<typeof restoreAssociationsSchema> = async (input, dependencies) => {
  const { migrationId, target, fence, action } = input;
  const { ledger, clock, portsFor } = dependencies;
  const ports = portsFor(target);
  const { eks, kubernetes } = ports;
  const guard = changeGuard(dependencies, input);
  if (action === 'own') return { restored: await returnOwn(input, dependencies), awaitsWebhook: false };
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  if (!isOfAddon(snapshot)) {
    const { there, taken: removed } = await restoreOfAccount({ record, snapshot, ...ports, ledger, clock, guard });
    // Even if the migration has created none, or none that exists, the webhook may still know an association.
    return { restored: there, ...(await webhookOf(removed, { record, kubernetes })), awaitsWebhook: true };
  }
  const now = await readAddonUntilSure(eks, snapshot.addon.name, clock);
  const token = `${migrationId}-${fence}-restore`;
  const work: Work = { migrationId, token, snapshot, record, now, ...ports, ledger, clock, guard };

  if (action === 'purged') return { restored: await restorePurged(work, target.cluster), awaitsWebhook: false };
  if (action === 'deferred') return { restored: await restoreFormer(work, target.cluster), awaitsWebhook: false };
  const removed = await removeAssociations(work);
  const deferred = await deferredOf(removed, work);
  const restored = await restoreFormer(work, target.cluster, deferred);
  const after = await recordedMigration(ledger, migrationId);
  const [other] = createdByThirdParty(
    snapshot,
    after,
    now,
    await listPlannedAssociations(eks, ownedOf(snapshot.planned)),
  );
  if (other && !isTaken(record, 'association-created')) throw refused(other);
  const standalone = await deleteOwnAssociations(work, standaloneOf(snapshot.planned), (gone) =>
    assertRemovable(gone, work),
  );
  return {
    restored: [...restored, ...standalone.there],
    ...(await webhookOf([...removed, ...standalone.taken], work)),
    ...(deferred.length > 0 ? { deferred: deferred.join(' ') } : {}),
  };
};

export const restoreAssociationsStep = step(restoreAssociationsSchema, run);
