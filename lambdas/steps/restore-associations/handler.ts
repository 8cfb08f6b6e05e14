/**
 * Takes the migration's own associations away, once the role is back and the service accounts name it: those of the
 * add-on, which EKS lets go one by one without rolling pods, and standalone ones; of a service account that is no
 * add-on's, its association. Puts back what the add-on's API can't: the standalone associations that were purged, whole,
 * and the fields of the add-on's own ones that its form does not carry.
 * Idempotency: compares field by field first, so that a repeated one finds its own work.
 * Failure: an association of somebody else's is left alone, and a person decides (RestoreRefused).
 */
import { ownedOf, ownTags, standaloneOf } from '../../domain/associations/associations.ts';
import { isTaken } from '../../domain/rollback/decisions.ts';
import {
  ERROR_CLASSES,
  isAssociationConflict,
  isMigrationError,
  MigrationError,
} from '../../domain/failures/errors.ts';
import {
  type Addon,
  type AddonSnapshot,
  type Association,
  isOfAddon,
  type Migration,
} from '../../domain/migration/model.ts';
import { classifyCopy } from '../../domain/addons/copies.ts';
import { isReplacedByEks } from '../../domain/rollback/restore.ts';
import {
  accountOf,
  isSameAssociation,
  leftOvers,
  createdByThirdParty,
  missingFields,
  ownedBefore,
  standAloneBefore,
  toRemove,
} from '../../domain/rollback/associations.ts';
import type { Clock, Eks, Kubernetes, Ledger } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../use-cases/facts/planned-associations.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure, readUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { recordedMigration, recordedSnapshot } from '../../use-cases/migration/recorded.ts';
import { EVIDENCE_BEFORE } from '../../use-cases/migration/report.ts';
import { returnOwn } from '../../use-cases/rollback/return-associations.ts';
import { deleteOwnAssociations, restoreOfAccount } from '../../use-cases/rollback/restore-service-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assertAnnotated, assertInTime, newestPodOf } from '../../use-cases/rollback/remove-associations.ts';
import { restoreAssociationsSchema } from './schema.ts';

interface Work {
  migrationId: string;
  /** Of every client request token of this execution's way back. */
  token: string;
  snapshot: AddonSnapshot;
  record: Migration;
  now: Addon | undefined;
  eks: Eks;
  kubernetes: Kubernetes;
  ledger: Ledger;
  clock: Clock;
  guard: () => Promise<void>;
}

const where = ({ namespace, serviceAccount }: Association): string => `${namespace}/${serviceAccount}`;
const refused = (other: Association): MigrationError =>
  new MigrationError(
    'RestoreRefused',
    `Somebody else associated ${where(other)} with ${other.roleArn} meanwhile (${other.id}); it was left alone. The record's hand-off says how it was before.`,
  );

/** The one on that key which is the old one or made in its place; throws where another one has the key. */
function inPlace(was: Association, there: Association[], { snapshot, record, now }: Work): Association | undefined {
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
      `Association ${other.id} of this migration for ${where(other)} is still listed.`,
    );
  }
  throw refused(other);
}

async function restoreStandAlone(was: Association, work: Work): Promise<string> {
  const { eks, ledger, migrationId, guard, token } = work;
  const list = async (): Promise<Association | undefined> =>
    inPlace(was, await eks.listAssociations(was.namespace, was.serviceAccount), work);
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
    // The key of the one that was deleted is freed some seconds later (aws-controllers-k8s/community#2684).
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
      `The association that the add-on owned for ${where(was)} did not come back with it, although the add-on was asked for it; ${was.roleArn} was its role.`,
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

/** Without the add-on's role, new pods of a service account without its association would have none at all. */
function assertRoleIsBack({ addon: was }: AddonSnapshot, now: Addon | undefined): void {
  if (now?.serviceAccountRoleArn === was.serviceAccountRoleArn) return;
  throw new MigrationError(
    'RestoreRefused',
    `The rollback stops: add-on ${was.name} has ${now?.serviceAccountRoleArn ?? 'no role'}, not ${was.serviceAccountRoleArn ?? 'none'}. The associations of this migration were left as they are, since pods would be without a role; the record's hand-off has the commands that put everything back.`,
  );
}

/** Throws where pods would be without a role, or without credentials for too long. */
async function assertLeft(accounts: readonly Association[], work: Work): Promise<void> {
  assertRoleIsBack(work.snapshot, work.now);
  if (isReplacedByEks(work.record)) return;
  await assertAnnotated(accounts, work);
  // Those that have another association soon are on EKS Pod Identity then as before.
  const purged = new Set(work.record.associations.purged.map((one) => one.id));
  const again = new Set(
    work.snapshot.associations.filter((one) => one.ownerArn !== undefined || purged.has(one.id)).map(accountOf),
  );
  await assertInTime(
    accounts.filter((one) => !again.has(accountOf(one))),
    work,
  );
}

/** Takes away what the migration gave the add-on and its copies; answers whether any is gone by that. */
async function removeAssociation(work: Work): Promise<Association[]> {
  const { snapshot, record, now, eks, ledger, clock, migrationId, guard } = work;
  const isOurs = now !== undefined && classifyCopy(snapshot, record, now) !== 'foreign';
  const list = async (): Promise<Association[]> =>
    toRemove(snapshot, record, now, await listPlannedAssociations(eks, ownedOf(snapshot.planned))).filter(
      (one) => isOurs || one.ownerArn !== now?.arn,
    );
  const there = isReplacedByEks(record) ? [] : await list();
  if (there.length > 0) await assertLeft(there, work);
  for (const association of there) {
    await ledger.recordAssociation(migrationId, 'purged', association);
    await guard();
    await eks.deleteAssociation(association.id);
  }
  const [left] = there.length === 0 ? [] : await readUntilSure(clock, list, (found) => found.length === 0);
  if (left)
    throw new MigrationError('AssociationStillThere', `Association ${left.id} of this migration is still listed.`);
  // By another call of this way back, or by one of an earlier one.
  const before = new Set([...snapshot.associations, ...there].map((one) => one.id));
  return [...there, ...record.associations.purged.filter((one) => !before.has(one.id))];
}

/** What the webhook has to forget, and the pods by which it is seen that it has. */
async function webhookOf(
  taken: readonly Association[],
  { record, kubernetes }: Pick<Work, 'record' | 'kubernetes'>,
): Promise<{ awaitsWebhook: boolean; newestPodAt?: string }> {
  if (taken.length === 0) return { awaitsWebhook: false };
  const newestPodAt = isReplacedByEks(record) ? undefined : await newestPodOf(taken, kubernetes);
  return { awaitsWebhook: true, ...(newestPodAt === undefined ? {} : { newestPodAt }) };
}

/** Returns whether all pods of an association's service account had IRSA before the migration. */
async function accountsOnIrsa({ record, ledger }: Work): Promise<(one: Association) => boolean> {
  const before = await ledger.getEvidence(record.migrationId, EVIDENCE_BEFORE);
  return ({ namespace, serviceAccount }) => {
    const had = before.filter((pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount);
    return had.length > 0 && had.every(({ identity }) => identity === 'irsa');
  };
}

/**
 * Service accounts whose purged association waits until their pods are on IRSA again: with it, new pods would take EKS
 * Pod Identity, by an association that none of the pods of before has used.
 */
async function deferredOf(taken: readonly Association[], work: Work): Promise<string[]> {
  const { record, snapshot, eks } = work;
  if (isReplacedByEks(record)) return [];
  const hadIrsa = await accountsOnIrsa(work);
  const deferred: string[] = [];
  for (const one of record.associations.purged) {
    const account = accountOf(one);
    if (
      snapshot.associations.some(({ id }) => id === one.id) &&
      taken.some((other) => accountOf(other) === account) &&
      hadIrsa(one) &&
      (await eks.listAssociations(one.namespace, one.serviceAccount)).length === 0
    )
      deferred.push(account);
  }
  return deferred;
}

/** Puts back what was there before, beside the add-on's own form. */
async function putBack(work: Work, cluster: string, deferred: readonly string[] = []): Promise<string[]> {
  const { snapshot, record } = work;
  const purged = new Set(record.associations.purged.map((one) => one.id));
  const restored: string[] = [];
  for (const was of ownedBefore(snapshot)) restored.push(await restoreFields(was, work));
  for (const was of standAloneBefore(snapshot, cluster)) {
    // One that this migration has not deleted is there, or somebody else has deleted it.
    const isDue = purged.has(was.id) && !deferred.includes(accountOf(was));
    if (isDue) restored.push(await restoreStandAlone(was, work));
  }
  return restored;
}

/** Later on the way back it is tried again, and what stops it then is told. */
const mayComeLater = (error: unknown): boolean =>
  isMigrationError(error) && (error.name === 'AssociationStillThere' || ERROR_CLASSES[error.name] === 'terminal');

/**
 * Puts purged associations back before anything else: pods that were on them have nothing else to ask for once their
 * sessions end. Where another one has the key by now, it is this migration's, and goes later, or somebody else's. While the add-on is gone, those of
 * pods that had IRSA wait until it is back: the pods that come with it would take EKS Pod Identity instead.
 */
async function putBackFirst(work: Work, cluster: string): Promise<string[]> {
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
      if (!mayComeLater(error)) throw error;
    }
  }
  return restored;
}

const run: StepRun<typeof restoreAssociationsSchema> = async (input, dependencies) => {
  const { migrationId, target, fence, action } = input;
  const { ledger, clock, portsFor } = dependencies;
  const { eks, kubernetes } = portsFor(target);
  const guard = changeGuard(dependencies, input);
  if (action === 'own') return { restored: await returnOwn(input, dependencies), awaitsWebhook: false };
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  if (!isOfAddon(snapshot)) {
    const { there, taken } = await restoreOfAccount({ record, snapshot, eks, kubernetes, ledger, clock, guard });
    // Where it has made none, or none that is there, the webhook may still know of one.
    return { restored: there, ...(await webhookOf(taken, { record, kubernetes })), awaitsWebhook: true };
  }
  const now = await readAddonUntilSure(eks, snapshot.addon.name, clock);
  const token = `${migrationId}-${fence}-restore`;
  const work: Work = { migrationId, token, snapshot, record, now, eks, kubernetes, ledger, clock, guard };

  if (action === 'purged') return { restored: await putBackFirst(work, target.cluster), awaitsWebhook: false };
  if (action === 'deferred') return { restored: await putBack(work, target.cluster), awaitsWebhook: false };
  const taken = await removeAssociation(work);
  const deferred = await deferredOf(taken, work);
  const restored = await putBack(work, target.cluster, deferred);
  const after = await recordedMigration(ledger, migrationId);
  const [other] = createdByThirdParty(
    snapshot,
    after,
    now,
    await listPlannedAssociations(eks, ownedOf(snapshot.planned)),
  );
  if (other && !isTaken(record, 'association-created')) throw refused(other);
  const standalone = await deleteOwnAssociations(work, standaloneOf(snapshot.planned), (gone) =>
    assertLeft(gone, work),
  );
  return {
    restored: [...restored, ...standalone.there],
    ...(await webhookOf([...taken, ...standalone.taken], work)),
    ...(deferred.length > 0 ? { deferred: deferred.join(' ') } : {}),
  };
};

export const restoreAssociationsStep = step(restoreAssociationsSchema, run);
